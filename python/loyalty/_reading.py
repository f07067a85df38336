"""Reading a ledger: what `loyalty.Ledger` answers without changing anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from loyalty import _core
from loyalty._columns import currency_of, member_arrays
from loyalty._frame import read_column
from loyalty._posting import member_key
from loyalty._records import (
    balance_columns,
    member_columns,
    records_table,
    running_balance,
    totals_table,
)
from loyalty._reports import Balance, Info
from loyalty._table import Table
from loyalty._times import TimeLike, now_us, time_us
from loyalty.errors import InvalidInputError, MemberNotFoundError, NotFoundError
from loyalty.program import Program


class LedgerReader:
    """The reading half of `loyalty.Ledger`."""

    def __init__(self, core: _core.Ledger, path: str) -> None:
        self._core = core
        self._path = path
        self._currencies = tuple(core.currencies())

    @property
    def path(self) -> str:
        """The ledger's directory."""
        return self._path

    @property
    def currencies(self) -> tuple[str, ...]:
        """The kinds of points, in the order of their definition."""
        return self._currencies

    @property
    def program(self) -> Program:
        """The programme in force; before one was applied, all at its defaults."""
        if self.program_version == 0:
            return Program.simple(self._currencies)
        return self.program_at(self.program_version)

    @property
    def program_version(self) -> int:
        """Its version: 1 and up, or 0 before one was applied."""
        return self._core.program_version()

    def program_at(self, version: int) -> Program:
        """Return a version of the programme.

        Raises
        ------
        NotFoundError
            There is no such version.
        """
        return Program.from_json(self._core.program_text(version))

    @property
    def digest(self) -> str:
        """64 hex digits: the chain hash of all that is durable. Equal digests: equal ledgers."""
        return self._core.info().digest

    def balance(
        self, member: int | str, currency: str | None = None, *, at: TimeLike | None = None
    ) -> Balance:
        """Return what a member has of a currency (by default, of the ledger's only one).

        Parameters
        ----------
        member : int or str
            The member's key.
        currency : str, optional
            Needed when the ledger has several.
        at : datetime, date, numpy.datetime64 or int, optional
            The instant at which to look at what was posted: what has expired by then is gone, what
            becomes active by then is. Now, by default.

        Raises
        ------
        MemberNotFoundError
            There is no such member. A `KeyError`, too.
        InvalidInputError
            The currency is unknown, or not said though there are several.
        """
        found = self._core.balance(member_key(member), self._query(currency, at, expiring=True))
        if not found.found:
            raise _no_member(member)
        return Balance.of(found)

    def balances(
        self, members: object = None, currency: str | None = None, *, at: TimeLike | None = None
    ) -> Table:
        """Return the balances of many members, or of all.

        Parameters
        ----------
        members : sequence or array of int or str, optional
            Their keys; by default all members, in the order of opening, at one sequence.
        currency : str, optional
            By default, the ledger's only one.
        at : datetime, date, numpy.datetime64 or int, optional
            As in `balance`.

        Returns
        -------
        Table
            Column ``member``, and those of `Balance`: ``active``, ``pending``, ``held``,
            ``arrears``, ``expiring_points``, ``expiring_time``, ``lifetime_earned``,
            ``lifetime_redeemed``, ``last_sequence`` (of the account's last entry). Of given
            members also ``found``: where it is False there is no such member, and the numbers are
            0. Of all members, ``metadata["sequence"]`` is the sequence that the table shows. Keys
            are integers or texts as in the ledger; where both occur, ``member`` is text and
            ``member_is_text`` tells them apart.
        """
        query = self._query(currency, at, expiring=True)
        if members is None:
            raw = self._core.all_balances(query)
            texts = self._core.members_are_texts()
            columns = {**member_columns(raw, texts), **balance_columns(raw)}
            return Table(pa.table(columns), {"sequence": raw["sequence"]})
        keys = read_column("member", members)
        arrays = member_arrays(keys)
        if "member_numbers" in arrays:
            raw = self._core.balances_of_numbers(query, arrays["member_numbers"])
        else:
            raw = self._core.balances_of_texts(
                query, arrays["member_offsets"], arrays["member_data"]
            )
        found = pa.array(raw["found"].astype(bool))
        return Table(pa.table({"member": keys, "found": found, **balance_columns(raw)}))

    def statement(
        self, member: int | str, start: TimeLike | None = None, end: TimeLike | None = None
    ) -> Table:
        """Return a member's entries, refused ones included, by effective time, then sequence.

        Parameters
        ----------
        member : int or str
            The member's key.
        start, end : datetime, date, numpy.datetime64 or int, optional
            ``start <= effective_time < end``; open by default. Times as in `Posting`.

        Returns
        -------
        Table
            The columns of `changes`, and ``running_balance``: the sum of the points up to the
            row, in this order, by currency. It differs from ``balance`` (right after the entry,
            in the order of sequence) where entries were backdated.

        Raises
        ------
        MemberNotFoundError
            There is no such member.
        """
        start_us = _core.MIN_TIME_US if start is None else time_us(start, "start")
        end_us = _core.MAX_TIME_US if end is None else time_us(end, "end")
        try:
            # From the very beginning, for the running balance.
            raw = self._core.statement(member_key(member), _core.MIN_TIME_US, end_us)
        except NotFoundError:
            raise _no_member(member) from None
        table = (
            self._records(raw, {})
            .to_arrow()
            .append_column("running_balance", pa.array(running_balance(raw)))
        )
        return Table(table.slice(int(np.searchsorted(raw["effective_us"], start_us))))

    def changes(self, from_sequence: int = 1, limit: int = 65_536) -> Table:
        """Return up to `limit` durable entries of the journal from a sequence on, in order.

        Returns
        -------
        Table
            Columns ``sequence``, ``recorded_time``, ``effective_time``, ``kind``, ``member``,
            ``other_member`` (of a transfer),
            ``currency``, ``points`` (signed: what the member gained if ``status`` is ``posted``),
            ``money``, ``balance``, ``pending``, ``held``, ``arrears`` (right after the entry),
            ``status``, ``expires_time`` (null: never), ``activates_time``, ``deadline_time``,
            ``floor``, ``ceiling``, ``asked`` (points, where others were moved, or a part was asked
            for), ``held_change`` (points that it set aside, or no longer does), ``revived``
            (expired points that a reversal took back), ``repaid``, ``limit`` (see `Reply`), the
            six codes, ``related_sequence`` (of the entry that it is about), ``id`` (16 bytes),
            ``tag``, and ``text`` (of entries that define a currency or a code, open a member or
            record a run).
            ``metadata["next_sequence"]`` is where to go on.

        Raises
        ------
        InvalidInputError
            `from_sequence` is below 1, or `limit` negative.
        """
        if from_sequence < 1 or limit < 0:
            raise InvalidInputError(
                f"from_sequence must be at least 1 and limit at least 0: {from_sequence}, {limit}"
            )
        raw = self._core.changes(from_sequence, limit)
        return self._records(raw, {"next_sequence": from_sequence + len(raw["sequence"])})

    def iter_changes(self, from_sequence: int = 1, batch_rows: int = 65_536) -> Iterator[Table]:
        """Iterate over all durable entries from a sequence on, `batch_rows` to a Table.

        It ends with the last durable entry at that moment; to follow the ledger, start again from
        the last table's ``metadata["next_sequence"]``. Never a gap, never a repeat.
        """
        while len(table := self.changes(from_sequence, batch_rows)):
            yield table
            from_sequence = table.metadata["next_sequence"]

    def totals(self) -> Table:
        """Return the trial balance: per currency, where all points are.

        Returns
        -------
        Table
            Columns ``currency``, ``members`` (outstanding), ``issued``, ``redeemed``, ``expired``
            (as journaled by `Ledger.expire`), ``adjusted``, in minor units. They sum to 0: points
            are neither created nor destroyed.
        """
        return totals_table(self._core.trial_balance())

    def info(self) -> Info:
        """Return the ledger's size and state."""
        return Info.of(self._core.info())

    def _query(
        self, currency: str | None, at: TimeLike | None, *, expiring: bool
    ) -> _core.BalanceQuery:
        return _core.BalanceQuery(
            currency=currency_of(currency, self._currencies),
            at_us=now_us() if at is None else time_us(at, "at"),
            expiring=expiring,
        )

    def _records(self, raw: dict[str, Any], metadata: dict[str, Any]) -> Table:
        return records_table(raw, self._currencies, self._core.members_are_texts(), metadata)


def _no_member(member: int | str) -> MemberNotFoundError:
    return MemberNotFoundError(f"there is no member {member!r}")

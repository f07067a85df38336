"""Reading a ledger: what `loyalty.Ledger` answers without changing anything."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa

from loyalty import _core
from loyalty._as_of import AsOfLike, as_of_core, as_of_of
from loyalty._columns import currency_of, member_arrays
from loyalty._cursor import cursor_of, cursor_text
from loyalty._explain import Explanation, explanation_of, sequence_of
from loyalty._frame import read_column
from loyalty._ids import IdLike
from loyalty._liability import breakage_table, liability_table, value_of
from loyalty._posting import integer, member_key
from loyalty._progress import ProgressLike, progress_callback
from loyalty._records import (
    balance_columns,
    member_columns,
    records_table,
    totals_table,
)
from loyalty._reports import Balance, Info
from loyalty._table import Table
from loyalty._tiers import check_ladder
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
        self,
        member: int | str,
        currency: str | None = None,
        *,
        at: TimeLike | None = None,
        as_of: AsOfLike | None = None,
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
        as_of : AsOf, or a time as for `at`, optional
            What the member had then: counts only what had happened by that time, or what had been
            recorded by then (see `AsOf`). A plain time is an effective time.

        Raises
        ------
        MemberNotFoundError
            There is no such member, or there was none as of then. A `KeyError`, too.
        InvalidInputError
            The currency is unknown, or not said though there are several; `at` and `as_of` are
            both given; or `as_of` is beyond what is recorded.
        """
        found = self._core.balance(member_key(member), self._question(currency, at, as_of))
        if not found.found:
            raise no_member(member, as_of)
        return Balance.of(found)

    def balances(
        self,
        members: object = None,
        currency: str | None = None,
        *,
        at: TimeLike | None = None,
        as_of: AsOfLike | None = None,
    ) -> Table:
        """Return the balances of many members, or of all.

        Parameters
        ----------
        members : sequence or array of int or str, optional
            Their keys; by default all members, in the order of opening, at one sequence.
        currency : str, optional
            By default, the ledger's only one.
        at, as_of : optional
            As in `balance`. Of all members as of a time, the whole journal up to there is read.

        Returns
        -------
        Table
            Column ``member``, and those of `Balance`: ``active``, ``pending``, ``held``,
            ``arrears``, ``expiring_points``, ``expiring_time``, ``lifetime_earned``,
            ``lifetime_redeemed``, ``last_sequence`` (of the account's last entry). Of given
            members also ``found``: where it is False there is no such member, and the numbers are
            0. Of all members, ``metadata["sequence"]`` is the sequence that the table shows (or the
            last that may count), and members who were not there as of then are left out; erased
            members are there, with a null key. Keys are integers or texts as in the ledger; where
            both occur, ``member`` is text and ``member_is_text`` tells them apart.
        """
        question = self._question(currency, at, as_of)
        if members is None:
            raw = self._core.all_balances(question)
            texts = self._core.members_are_texts()
            columns = {**member_columns(raw, texts), **balance_columns(raw)}
            return Table(pa.table(columns), {"sequence": raw["sequence"]})
        keys = read_column("member", members)
        raw = self._core.balances(_core.MemberArrays(**member_arrays(keys)), question)
        found = pa.array(raw["found"].astype(bool))
        return Table(pa.table({"member": keys, "found": found, **balance_columns(raw)}))

    def pool(self, pool: int | str, currency: str | None = None) -> Table:
        """Return who may spend from an account that is a pool: see `Ledger.join_pool`.

        Returns
        -------
        Table
            Columns ``member``, ``limit`` (points in all; null: none) and ``spent`` (or held by
            holds that are open), by the order of the members' opening. Empty when it is no pool.

        Raises
        ------
        MemberNotFoundError
            There is no such member as the pool.
        """
        index = currency_of(currency, self._currencies)
        try:
            raw = self._core.spenders_of(member_key(pool), index)
        except NotFoundError:
            raise no_member(pool) from None
        columns = {
            **member_columns(raw, self._core.members_are_texts()),
            "limit": pa.array(raw["limit"], mask=raw["limit"] == _core.NO_CEILING),
            "spent": pa.array(raw["spent"]),
        }
        return Table(pa.table(columns))

    def statement(
        self,
        member: int | str,
        start: TimeLike | None = None,
        end: TimeLike | None = None,
        *,
        as_of: AsOfLike | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Table:
        """Return a member's entries, refused ones included, by effective time, then sequence.

        Parameters
        ----------
        member : int or str
            The member's key.
        start, end : datetime, date, numpy.datetime64 or int, optional
            ``start <= effective_time < end``; open by default. Times as in `Posting`.
        as_of : AsOf, or a time as for `start`, optional
            Only the entries that count as of then; see `balance`.
        limit : int, optional
            How many rows to return at most: a page.
        cursor : str, optional
            The ``metadata["next_cursor"]`` of the page before, to go on there. All else must be as
            for that page.

        Returns
        -------
        Table
            The columns of `changes`, and ``running_balance``: the sum of the points up to the
            row, in this order, by currency. It differs from ``balance`` (right after the entry,
            in the order of sequence) where entries were backdated. Of a page,
            ``metadata["next_cursor"]`` leads to the next one; it is None after the last. All pages
            show what the first one began with: postings made meanwhile, backdated ones too, are in
            none of them.

        Raises
        ------
        MemberNotFoundError
            There is no such member, or there was none as of then.
        InvalidInputError
            `as_of` is beyond what is recorded, `limit` is below 1, or `cursor` is none of this
            statement.
        """
        start_us = _core.MIN_TIME_US if start is None else time_us(start, "start")
        end_us = _core.MAX_TIME_US if end is None else time_us(end, "end")
        past = as_of_of(as_of)
        question = (member_key(member), start_us, end_us, past and past.numbers())
        query = _core.StatementQuery(
            from_us=start_us,
            to_us=end_us,
            as_of=as_of_core(past),
            limit=None if limit is None else integer(limit, "limit", (1, 2**63 - 1)),
            after=None if cursor is None else cursor_of(cursor, question),
        )
        try:
            raw = self._core.statement(member_key(member), query)
        except NotFoundError:
            raise no_member(member, as_of) from None
        following = raw["next"]
        metadata = {"next_cursor": following and cursor_text(following, question)}
        table = self._records(raw, {}).to_arrow()
        running = pa.array(raw["running"])
        paged = limit is not None or cursor is not None
        return Table(table.append_column("running_balance", running), metadata if paged else {})

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
            record a run). Keys of erased members are null, and the text of their opening is empty.
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

    def explain(self, posting: IdLike | int) -> Explanation:
        """Return which lots a posting took, and what became of those that it made.

        Parameters
        ----------
        posting : UUID, str, bytes or int
            Its id, as in `Posting`, or its sequence.

        Raises
        ------
        NotFoundError
            There is no such posting.
        InvalidInputError
            `posting` is neither an id nor a sequence.
        """
        sequence = sequence_of(self._core, posting)
        raw = self._core.explain(sequence)
        texts = self._core.members_are_texts()
        return explanation_of(raw, sequence, self._currencies, texts)

    def totals(self, *, as_of: AsOfLike | None = None) -> Table:
        """Return the trial balance: per currency, where all points are.

        Parameters
        ----------
        as_of : AsOf, or a time as for `balance`, optional
            Of the entries that count as of then: the whole journal up to there is read.

        Returns
        -------
        Table
            Columns ``currency``, ``members`` (outstanding), ``issued``, ``redeemed``, ``expired``
            (as journaled by `Ledger.expire`), ``adjusted``, in minor units. They sum to 0: points
            are neither created nor destroyed.

        Raises
        ------
        InvalidInputError
            `as_of` is beyond what is recorded.
        """
        return totals_table(self._core.trial_balance(as_of_core(as_of)))

    def liability(
        self,
        *,
        as_of: AsOfLike | None = None,
        ladder: str | None = None,
        value: Decimal | str | int | None = None,
        progress: ProgressLike = False,
    ) -> Table:
        """Return what was issued and what became of it, by month of issue and of expiry.

        Reads the whole journal. Months are the programme's; a lot's month of issue is that of its
        effective time.

        Parameters
        ----------
        as_of : AsOf, or a time as for `balance`, optional
            Of the entries that count as of then; by default all, as of now.
        ladder : str, optional
            Also by the level that members were on then, on this ladder of the programme: adds the
            column ``level``.
        value : Decimal, str or int, optional
            What a minor unit of points is worth in money: adds the column ``value``.
        progress : bool or callable
            As in `Ledger.verify`.

        Returns
        -------
        Table
            Columns ``currency``, ``issue_month`` and ``expiry_month`` (first days; null: never, or
            by inactivity), and in minor units: ``issued`` (by earns), ``redeemed`` (less what was
            given back), ``expired`` (also what is not journaled yet), ``other`` (reversed earns,
            adjustments, points that went to arrears or were never confirmed; below 0 when more came
            than went), ``active``, ``pending``, ``held``, and ``outstanding``: the sum of the last
            three. In every row issued - redeemed - expired - other = outstanding. ``value`` is that
            times `value`, as an exact decimal. ``metadata`` has ``sequence`` (the last that may
            count), ``time`` (at which the lots were looked at) and ``arrears``: what members owe,
            by currency.

        Raises
        ------
        InvalidInputError
            `as_of` is beyond what is recorded, there is no such ladder, or `value` is a float,
            negative or too fine.
        StoppedError
            The callback said so.
        """
        worth = value_of(value)
        if ladder is not None:
            check_ladder(ladder, list(self.program.ladders))
        with progress_callback(progress, "reading the journal") as callback:
            raw = self._core.liability(as_of_core(as_of), ladder, callback)
        return liability_table(raw, self._currencies, worth)

    def breakage(self, *, as_of: AsOfLike | None = None, progress: ProgressLike = False) -> Table:
        """Return how much of what was issued has expired, by month of issue and to date.

        Parameters
        ----------
        as_of, progress
            As in `liability`.

        Returns
        -------
        Table
            Columns ``currency``, ``issue_month`` (first day; null: all months, to date),
            ``issued``, ``redeemed``, ``expired``, ``other`` and ``outstanding`` as in
            `liability`, and ``expired_share``: expired / issued, null where nothing was issued.

        Raises
        ------
        InvalidInputError, StoppedError
            As in `liability`.
        """
        return breakage_table(self.liability(as_of=as_of, progress=progress))

    def info(self) -> Info:
        """Return the ledger's size and state."""
        return Info.of(self._core.info())

    def _question(
        self, currency: str | None, at: TimeLike | None, as_of: AsOfLike | None
    ) -> _core.BalanceQuestion:
        if at is not None and as_of is not None:
            raise InvalidInputError("give either at or as_of, not both")
        return _core.BalanceQuestion(
            currency=currency_of(currency, self._currencies),
            at_us=now_us() if at is None else time_us(at, "at"),
            as_of=as_of_core(as_of),
        )

    def _records(self, raw: dict[str, Any], metadata: dict[str, Any]) -> Table:
        return records_table(raw, self._currencies, self._core.members_are_texts(), metadata)


def no_member(member: int | str, as_of: AsOfLike | None = None) -> MemberNotFoundError:
    """Make the error of a member who is not there."""
    then = "" if as_of is None else " as of then: opened later, or never"
    return MemberNotFoundError(f"there is no member {member!r}{then}")

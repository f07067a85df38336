"""Reading where members stand on the programme's ladders."""

from __future__ import annotations

import pyarrow.compute as pc

from loyalty._frame import read_column
from loyalty._posting import member_key
from loyalty._reading import LedgerReader, no_member
from loyalty._table import Table
from loyalty._tiers import (
    TierProgress,
    check_ladder,
    members_of,
    progress_of,
    standings_table,
)
from loyalty._times import TimeLike, time_us
from loyalty.errors import InvalidInputError

_NO_SLOT = 2**32 - 1


class TierReader(LedgerReader):
    """Where members stand, and why."""

    def tiers(
        self,
        members: object = None,
        *,
        ladder: str | None = None,
        as_of: TimeLike | None = None,
    ) -> Table:
        """Return where members stand on the programme's ladders.

        Parameters
        ----------
        members : sequence or array of int or str, optional
            Their keys; all members, by default.
        ladder : str, optional
            Only this one.
        as_of : datetime, date, numpy.datetime64 or int, optional
            What was effective by then, of named members; now, by default.

        Returns
        -------
        Table
            Columns ``member`` (of those merged into another: his key), ``ladder``, ``level``,
            ``since`` (null: the opening), ``until`` (the end of its validity, if that was said),
            ``kept`` (a level that nothing takes the member below), ``kept_until`` (null: for good),
            ``for_life`` (a level that is his for life) and ``sequence`` (of the entry that said
            so). In the order of `members`, or of opening.

        Raises
        ------
        MemberNotFoundError
            There is no such member.
        InvalidInputError
            `as_of` is given without `members`, or there is no such ladder.
        """
        if as_of is not None and members is None:
            raise InvalidInputError("members: name them, to see their levels as of a time")
        at_us = None if as_of is None else time_us(as_of, "as_of")
        raw = self._core.tiers(members_of(members), at_us)
        missing = raw["slots"] == _NO_SLOT
        if missing.any():
            row = int(missing.argmax())
            raise no_member(read_column("member", members)[row].as_py())
        if ladder is not None:
            check_ladder(ladder, [names.name for names in raw["ladders"]])
        table = standings_table(raw, self._core.members_are_texts())
        if ladder is None:
            return table
        rows = pc.equal(table.to_arrow()["ladder"], ladder)
        return Table(table.to_arrow().filter(rows))

    def tier_progress(
        self, member: int | str, *, as_of: TimeLike | None = None
    ) -> list[TierProgress]:
        """Return where a member stands, why, and what he lacks, by ladder.

        Parameters
        ----------
        member : int or str
            His key.
        as_of : datetime, date, numpy.datetime64 or int, optional
            By the entries that were effective by then, and by the programme in force now; now, by
            default.

        Raises
        ------
        NotFoundError
            There is no such member, or he was opened later.
        InvalidInputError
            The programme has no ladders, or `as_of` is to come.
        """
        at_us = None if as_of is None else time_us(as_of, "as_of")
        return progress_of(self._core.tier_progress(member_key(member), at_us))

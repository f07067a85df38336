"""Ladders: what a run of tiers did, where members stand, and what they lack."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loyalty import _core
from loyalty._columns import member_arrays
from loyalty._frame import read_column
from loyalty._records import masked, member_columns, times
from loyalty._table import Table
from loyalty._times import datetime_of
from loyalty.errors import InvalidInputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOVES_SHOWN = 8


@dataclass(frozen=True, slots=True, repr=False)
class TierRun:
    """What a run of tiers found and, unless it was a dry run, journaled.

    Attributes
    ----------
    at : datetime
        The instant that members were assessed as of (UTC).
    dry_run : bool
        Whether nothing was journaled.
    assessed : int
        How many members were.
    passed_over : int
        How many changes were left to the next run: the member's level changed beside this one.
    moves : Table
        Columns ``ladder``, ``from``, ``to``, ``members``: how many were on one level before and
        are on the other after the run; those who stay, too.
    changes : Table
        One row a change: ``member``, ``ladder``, ``from``, ``to`` (the same: it is kept for
        longer), ``effective_time``, ``assessed_time`` (the metrics are as of it), ``until`` (the
        end of the level's validity), ``metrics`` (map of name to value). By member, ladder, time.
    through_sequence : int
        The last entry that counted.
    program_version : int
        Of the ladders.
    started_sequence, finished_sequence : int
        The entries that record the run; 0 of a dry run.
    levels : mapping
        The levels of each ladder that was assessed, in rising order.
    """

    at: dt.datetime
    dry_run: bool
    assessed: int
    passed_over: int
    moves: Table
    changes: Table
    through_sequence: int
    program_version: int
    started_sequence: int
    finished_sequence: int
    levels: Mapping[str, Sequence[str]]

    def matrix(self, ladder: str) -> NDArray[np.int64]:
        """Return how many members went from level to level of a ladder.

        Returns
        -------
        NDArray[np.int64]
            Of shape (levels, levels), in the order of `levels`: the row is the level before, the
            column the one after, and the diagonal has those who stay.

        Raises
        ------
        InvalidInputError
            The run was not about this ladder.
        """
        if ladder not in self.levels:
            raise InvalidInputError(
                f"ladder: the run has no {ladder!r}; it has: {', '.join(self.levels)}"
            )
        places = {name: place for place, name in enumerate(self.levels[ladder])}
        members = np.zeros((len(places), len(places)), np.int64)
        for move in self.moves.to_pylist():
            if move["ladder"] == ladder:
                members[places[move["from"]], places[move["to"]]] = move["members"]
        return members

    def picture(self, ladder: str | None = None) -> Figure:
        """Draw who went from which level to which (needs matplotlib).

        Parameters
        ----------
        ladder : str, optional
            Only this one; all of the run, by default.

        Returns
        -------
        matplotlib.figure.Figure
            With `matrix`, ladder by ladder: blue who climbed, orange who fell, grey who stayed.

        Raises
        ------
        InvalidInputError
            The run was not about this ladder.
        LoyaltyError
            Matplotlib is not installed.
        """
        from loyalty._tier_picture import draw

        return draw(self, list(self.levels) if ladder is None else [ladder])

    def __repr__(self) -> str:
        lines = [self._summary()]
        for ladder, levels in self.levels.items():
            members = self.matrix(ladder)
            moves = [
                f"{members[was, now]:,} {levels[was]} to {levels[now]}"
                for was, now in np.argwhere(members)
                if was != now
            ]
            left_out = len(moves) - _MOVES_SHOWN
            if left_out > 0:
                moves[_MOVES_SHOWN:] = [f"{left_out:,} other moves"]
            stay = f"{members.trace():,} stay"
            lines.append(f"{ladder}: {', '.join([*moves, stay])}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        tables = [_matrix_html(name, of, self.matrix(name)) for name, of in self.levels.items()]
        return f"<p>{escape(self._summary())}</p>" + "".join(tables)

    def _summary(self) -> str:
        parts = [f"{self.assessed:,} members"]
        parts += [f"{self.passed_over:,} passed over"] if self.passed_over else []
        entries = f"entries {self.started_sequence:,} to {self.finished_sequence:,}"
        parts.append("a dry run" if self.dry_run else entries)
        return f"Tiers as of {self.at:%Y-%m-%d %H:%M:%S} UTC: {', '.join(parts)}"


@dataclass(frozen=True, slots=True)
class Need:
    """What an alternative of a level's condition asks of a metric, and what there is."""

    metric: str
    least: int
    value: int

    @property
    def missing(self) -> int:
        """How much is lacking; 0 when nothing is."""
        return max(self.least - self.value, 0)


@dataclass(frozen=True, slots=True)
class TierProgress:
    """Where a member stands on a ladder, why, and what comes next.

    Attributes
    ----------
    ladder, level : str
        Where.
    since : datetime or None
        When the member came to the level; None: at the opening.
    until : datetime or None
        The end of its validity, if that was said.
    kept : str or None
        A level that nothing takes the member below, `kept_until` (None: for good).
    for_life : str or None
        A level that is his for life.
    evidence : mapping or None
        The metrics that decided the last change, as of `evidence_time`; None: there was none, or
        somebody gave the level.
    metrics : mapping
        What they are now.
    reached : str
        The level that they reach by themselves.
    next_level : str or None
        The next higher level that can be earned.
    to_next : list of list of Need
        What it takes: any of these lists, all of one.
    ends : datetime or None
        When the level is assessed next; None: by each run.
    metrics_at_end : mapping
        What they will be then if nothing more is posted.
    to_stay : list of list of Need
        What it takes then to keep the level; empty: nothing.
    projected : str
        The level after that, and after any grace, if nothing more is posted.
    """

    ladder: str
    level: str
    since: dt.datetime | None
    until: dt.datetime | None
    kept: str | None
    kept_until: dt.datetime | None
    for_life: str | None
    evidence: Mapping[str, int] | None
    evidence_time: dt.datetime | None
    metrics: Mapping[str, int]
    reached: str
    next_level: str | None
    to_next: Sequence[Sequence[Need]]
    ends: dt.datetime | None
    metrics_at_end: Mapping[str, int]
    to_stay: Sequence[Sequence[Need]]
    projected: str

    def __str__(self) -> str:
        lines = [f"{self.ladder}: {self.level}" + _since(self.since)]
        if self.kept is not None:
            end = "for good" if self.kept_until is None else f"until {self.kept_until:%Y-%m-%d}"
            lines.append(f"  kept on {self.kept} {end}")
        if self.for_life is not None:
            lines.append(f"  {self.for_life} for life")
        if self.evidence is not None and self.evidence_time is not None:
            lines.append(f"  as of {self.evidence_time:%Y-%m-%d}: {_values(self.evidence)}")
        lines.append(f"  now: {_values(self.metrics)}")
        if self.next_level is not None:
            lines.append(f"  to {self.next_level}: {_needs(self.to_next)}")
        if self.ends is not None:
            lines.append(f"  until {self.ends:%Y-%m-%d}; to stay: {_needs(self.to_stay)}")
            lines.append(f"  if nothing more comes: {self.projected}")
        return "\n".join(lines)


def check_ladder(ladder: str, known: Sequence[str]) -> None:
    """Raise InvalidInputError if it is none of the programme's."""
    if ladder not in known:
        names = ", ".join(known) or "none"
        raise InvalidInputError(f"ladder: there is no {ladder!r}; there are: {names}")


def members_of(members: object) -> _core.MemberArrays:
    """Return a column of members as the engine takes it; None for all."""
    if members is None:
        return _core.MemberArrays()
    return _core.MemberArrays(**member_arrays(read_column("member", members)))


def run_of(run: _core.TierRun, ledger: _core.Ledger, dry_run: bool, texts: bool) -> TierRun:
    """Copy the engine's."""
    return TierRun(
        at=datetime_of(run.at_us),
        dry_run=dry_run,
        assessed=run.assessed,
        passed_over=run.passed_over,
        moves=_moves_table(run),
        changes=_changes_table(run, ledger, texts),
        through_sequence=run.through_sequence,
        program_version=run.program_version,
        started_sequence=run.started_sequence,
        finished_sequence=run.finished_sequence,
        levels={ladder.name: tuple(ladder.levels) for ladder in run.ladders},
    )


def standings_table(raw: Mapping[str, Any], texts: bool) -> Table:
    """Return where members stand as a Table; see `Ledger.tiers`."""
    ladders = raw["ladders"]
    levels = [ladder.levels for ladder in ladders]
    kept = _names(levels, raw["ladder"], raw["kept"])
    since_opening = raw["since_us"] == _core.MIN_TIME_US
    columns = {
        **member_columns(raw, texts),
        "ladder": _ladders(ladders, raw["ladder"]),
        "level": _names(levels, raw["ladder"], raw["level"]),
        "since": times(raw["since_us"], since_opening),
        "until": times(raw["until_us"], raw["until_us"] == _core.NEVER_US),
        "kept": masked(kept, raw["kept"] == 0),
        "kept_until": times(
            raw["kept_until_us"], (raw["kept"] == 0) | (raw["kept_until_us"] == _core.NEVER_US)
        ),
        "for_life": masked(_names(levels, raw["ladder"], raw["for_life"]), raw["for_life"] == 0),
        "sequence": pa.array(raw["sequence"], mask=raw["sequence"] == 0),
    }
    return Table(pa.table(columns))


def progress_of(found: _core.MemberProgress) -> list[TierProgress]:
    """Copy the engine's."""
    return [
        _one(names, progress) for names, progress in zip(found.ladders, found.progress, strict=True)
    ]


def _one(names: _core.LadderNames, progress: _core.TierProgress) -> TierProgress:
    def values(numbers: Sequence[int]) -> dict[str, int]:
        return dict(zip(names.metrics, numbers, strict=True))

    def needs(alternatives: Sequence[Sequence[_core.TierNeed]]) -> list[list[Need]]:
        return [
            [Need(names.metrics[need.metric], need.least, need.value) for need in needed]
            for needed in alternatives
        ]

    now = progress.now
    change = progress.evidence
    assessed = change is not None and change.assessed_us != _core.NEVER_US
    return TierProgress(
        ladder=names.name,
        level=names.levels[now.level],
        since=None if now.since_us == _core.MIN_TIME_US else datetime_of(now.since_us),
        until=_or_none(now.until_us),
        kept=names.levels[now.kept] if now.kept else None,
        kept_until=_or_none(now.kept_until_us) if now.kept else None,
        for_life=names.levels[now.for_life] if now.for_life else None,
        evidence=dict(zip(progress.evidence_metrics, change.values, strict=True))
        if change and assessed
        else None,
        evidence_time=datetime_of(change.assessed_us) if change and assessed else None,
        metrics=values(progress.values),
        reached=names.levels[progress.found],
        next_level=None if progress.next is None else names.levels[progress.next],
        to_next=needs(progress.to_next),
        ends=_or_none(progress.ends_us),
        metrics_at_end=values(progress.values_at_end),
        to_stay=needs(progress.to_stay),
        projected=names.levels[progress.projected],
    )


def _matrix_html(ladder: str, levels: Sequence[str], members: NDArray[np.int64]) -> str:
    """Return the moves of a ladder, those who stay in grey, with the sums before and after."""

    def cell(was: int, now: int) -> str:
        style = ' style="color: gray"' if was == now else ""
        return f"<td{style}>{_count(members[was, now])}</td>"

    head = "".join(f"<th>to {escape(level)}</th>" for level in levels)
    rows = "".join(
        f"<tr><th>from {escape(level)}</th>"
        + "".join(cell(was, now) for now in range(len(levels)))
        + f"<td>{members[was].sum():,}</td></tr>"
        for was, level in enumerate(levels)
    )
    after = "".join(f"<td>{count:,}</td>" for count in members.sum(axis=0))
    return (
        f"<table><thead><tr><th>{escape(ladder)}</th>{head}<th>before</th></tr></thead><tbody>"
        f"{rows}<tr><th>after</th>{after}<td>{members.sum():,}</td></tr></tbody></table>"
    )


def _count(members: int) -> str:
    return f"{members:,}" if members else ""


def _moves_table(run: _core.TierRun) -> Table:
    rows = [
        (ladder.name, ladder.levels[place // size], ladder.levels[place % size], members)
        for ladder, moved in zip(run.ladders, run.moved, strict=True)
        for size in (len(ladder.levels),)
        for place, members in enumerate(moved)
        if members
    ]
    names = ("ladder", "from", "to")
    columns = {
        name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(names)
    }
    return Table(pa.table(columns | {"members": pa.array([row[3] for row in rows], pa.int64())}))


def _changes_table(run: _core.TierRun, ledger: _core.Ledger, texts: bool) -> Table:
    raw = run.changes(ledger)
    levels = [ladder.levels for ladder in run.ladders]
    columns = {
        **member_columns(raw, texts),
        "ladder": _ladders(run.ladders, raw["ladder"]),
        "from": _names(levels, raw["ladder"], raw["from"]),
        "to": _names(levels, raw["ladder"], raw["to"]),
        "effective_time": times(raw["effective_us"]),
        "assessed_time": times(raw["assessed_us"]),
        "until": times(raw["until_us"], raw["until_us"] == _core.NEVER_US),
        "metrics": _metrics(run, raw),
    }
    return Table(pa.table(columns), {"at": datetime_of(run.at_us)})


def _metrics(run: _core.TierRun, raw: Mapping[str, Any]) -> pa.Array:
    """Return the values of each change by the names of its ladder's metrics.

    The values are in the order that threads found them, the changes are not.
    """
    names = [ladder.metrics for ladder in run.ladders]
    counts = np.array([len(of) for of in names], np.int64)[raw["ladder"]]
    offsets = np.append(0, np.cumsum(counts))
    places = np.arange(offsets[-1]) - np.repeat(offsets[:-1], counts)
    values = raw["values"][np.repeat(raw["first_value"], counts) + places]
    keys = _names(names, np.repeat(raw["ladder"], counts), places)
    return pa.MapArray.from_arrays(
        pa.array(offsets, pa.int32()), keys.cast(pa.string()), pa.array(values)
    )


def _ladders(ladders: Sequence[_core.LadderNames], numbers: NDArray[np.uint16]) -> pa.Array:
    names = pa.array([ladder.name for ladder in ladders], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(numbers.astype(np.int32)), names)


def _names(
    names: Sequence[Sequence[str]], ladders: NDArray[np.uint16], places: NDArray[Any]
) -> pa.Array:
    """Return the names at places of lists, one list a ladder."""
    known = sorted({name for of in names for name in of})
    index = np.zeros((len(names), max((len(of) for of in names), default=0) or 1), np.int32)
    for ladder, of in enumerate(names):
        index[ladder, : len(of)] = [known.index(name) for name in of]
    return pa.DictionaryArray.from_arrays(
        pa.array(index[ladders, places]), pa.array(known, pa.string())
    )


def _or_none(at_us: int) -> dt.datetime | None:
    return None if at_us == _core.NEVER_US else datetime_of(at_us)


def _since(since: dt.datetime | None) -> str:
    return "" if since is None else f", since {since:%Y-%m-%d}"


def _values(values: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {value:,}" for name, value in values.items()) or "no metrics"


def _needs(alternatives: Sequence[Sequence[Need]]) -> str:
    """Say what is lacking: the alternatives joined by "or"."""
    if not alternatives:
        return "nothing"
    texts = [
        ", ".join(f"{need.missing:,} {need.metric}" for need in needs if need.missing) or "nothing"
        for needs in alternatives
    ]
    return "nothing" if "nothing" in texts else " or ".join(texts)

"""What ``loyalty tiers`` shows people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

import loyalty
from loyalty.cli.output import facts, instant, number, screen, table


def rows_of(data: pa.Table) -> list[dict[str, Any]]:
    """Rows with members' keys as they are, integers or texts, and metrics by name."""
    rows: list[dict[str, Any]] = data.to_pylist()
    for row in rows:
        if row.pop("member_is_text", None) is False:
            row["member"] = int(row["member"])
        if "metrics" in row:
            row["metrics"] = dict(row["metrics"])
    return rows


def moves_table(run: loyalty.TierRun, ladder: str) -> RenderableType:
    """A matrix of the levels before and after; a list where that is too wide for the screen."""
    members, levels = run.matrix(ladder), run.levels[ladder]
    climbed, fell = np.triu(members, 1).sum(), np.tril(members, -1).sum()
    stayed = members.trace()
    told = f"{ladder}: {climbed:,} climbed, {fell:,} fell, ({stayed:,}) stayed"
    title = Text(told, style="bold")  # one of the table would be cut to its width
    columns = ["", *(f"to {level}" for level in levels), "before"]
    shown = table(columns, [], left=columns[:1])
    for was, level in enumerate(levels):
        cells = [_move(int(members[was, now]), was == now) for now in range(len(levels))]
        shown.add_row(f"from {level}", *cells, number(members[was].sum()))
    sums = [number(count) for count in members.sum(axis=0)]
    shown.add_row("after", *sums, number(members.sum()), style="dim")
    console = screen()
    unbounded = console.options.update(max_width=100 * len(columns))
    if console.measure(shown, options=unbounded).maximum <= console.width:
        return Group(title, shown)
    rows = [
        (levels[was], levels[now], _move(int(members[was, now]), bool(was == now)))
        for was, now in np.argwhere(members)
    ]
    return Group(title, table(("from", "to", "members"), rows, left=("from", "to")))


def _move(members: int, stayed: bool) -> str:
    if not members:
        return ""
    return f"({members:,})" if stayed else number(members)


def run_facts(
    run: loyalty.TierRun, *, picture: Path | None = None, output: Path | None = None
) -> Table:
    """What there is to say of a run beside the moves."""
    changes = run.changes.to_arrow()
    kept = pc.sum(pc.equal(changes["from"].cast("string"), changes["to"].cast("string")))
    entries = f"{number(run.started_sequence)} to {number(run.finished_sequence)}"
    rows = [
        ("as of", instant(run.at)),
        ("members assessed", number(run.assessed)),
        ("kept for longer", number(kept.as_py() or 0)),
        ("passed over", f"{number(run.passed_over)}, whose level changed meanwhile: run it again")
        if run.passed_over
        else ("passed over", "0"),
        ("counted", f"entries up to {number(run.through_sequence)}"),
        ("entries of the run", "none: nothing was journaled" if run.dry_run else entries),
    ]
    files = (("picture", picture), ("changes in", output))
    return facts([*rows, *((name, str(file)) for name, file in files if file is not None)])


def changes_table(run: loyalty.TierRun, most: int) -> Table | str:
    """The first of those who move, with the metrics that decide."""
    changes = run.changes.to_arrow()
    moves = changes.filter(
        pc.not_equal(changes["from"].cast("string"), changes["to"].cast("string"))
    )
    rows = rows_of(moves.slice(0, most))
    if not rows:
        return "Nobody moves.\n"
    columns = ["member", "from", "to", "effective", "until", "metrics"]
    if several := len(run.levels) > 1:
        columns.insert(1, "ladder")
    title = "Who moves"
    if len(rows) < len(moves):
        title += f", the first {number(len(rows))} of {number(len(moves))}"
    shown = table(columns, [], left=columns, title=title)
    for row in rows:
        cells = [str(row["member"]), *([row["ladder"]] if several else []), row["from"], row["to"]]
        cells += [instant(row["effective_time"]), _instant_or(row["until"], "")]
        shown.add_row(*cells, _values(row["metrics"]))
    return shown


def standings_table(rows: Sequence[dict[str, Any]], time: datetime | None) -> Table:
    """Where named members stand."""
    columns = ("member", "ladder", "level", "since", "until", "kept on")
    cells = [
        (
            str(row["member"]),
            row["ladder"],
            row["level"],
            _instant_or(row["since"], "opening"),
            _instant_or(row["until"], ""),
            "" if row["kept"] is None else _kept(row["kept"], row["kept_until"]),
        )
        for row in rows
    ]
    title = "Levels" if time is None else f"Levels as of {instant(time)}"
    return table(columns, cells, left=columns, title=title)


def counts_table(ladder: str, members: Mapping[str, int]) -> Table:
    """How many members are on each level."""
    total = sum(members.values())
    rows = [
        (level, number(count), f"{count / total:.1%}" if total else "")
        for level, count in members.items()
    ]
    return table(("level", "members", "share"), rows, left=("level",), title=ladder)


def progress_tables(
    member: int | str,
    on: loyalty.TierProgress,
    entry: dict[str, Any] | None,
    as_of: datetime | None,
) -> list[RenderableType]:
    """Why a member is where he is, or was as of a time, and what comes next."""
    now = "now" if as_of is None else "then"
    rows = [
        ("level", f"{on.level}, since {_instant_or(on.since, 'the opening')}"),
        ("because", _because(on, entry)),
    ]
    if on.kept is not None:
        rows.append(("kept on", _kept(on.kept, on.kept_until)))
    if on.for_life is not None:
        rows.append(("for life", on.for_life))
    rows.append((f"reached {now}", on.reached))
    if on.ends is None:
        rows.append(("assessed next", "by the next run"))
    elif on.ends > (as_of or datetime.now(UTC)):
        rows.append(("assessed next", f"at {instant(on.ends)}, when the level's validity ends"))
    else:
        ended = f"by the next run, as of {instant(on.ends)}, when the level's validity ended"
        rows.append(("assessed next", ended))
    rows.append(("then he is on", f"{on.projected}, if nothing more is posted"))
    shown = facts(rows)
    then = "" if as_of is None else f", as of {instant(as_of)}"
    shown.title, shown.title_justify = f"Member {member!r}, {on.ladder}{then}", "left"
    shown.title_style = "bold"
    tables: list[RenderableType] = [Padding(shown, (0, 0, 1, 0), expand=False)]
    if on.metrics:
        tables.append(_metrics_table(on, now))
    if on.to_next or on.to_stay:
        tables.append(_needs_table(on))
    return tables


def _because(on: loyalty.TierProgress, entry: dict[str, Any] | None) -> str:
    if entry is None:
        return "all members begin here"
    place = f"entry {number(entry['sequence'])}"
    if on.evidence_time is None:
        return f"given by {entry['actor']}: {entry['reason']} ({place})"
    return f"assessed as of {instant(on.evidence_time)} ({place})"


def _metrics_table(on: loyalty.TierProgress, now: str) -> Table:
    """The metrics that decided, those of now, and those of the end."""
    sides = [(now, on.metrics)]
    if on.evidence is not None:
        sides.insert(0, (f"{on.evidence_time:%Y-%m-%d}", on.evidence))
    if on.ends is not None:
        sides.append((f"{on.ends:%Y-%m-%d}", on.metrics_at_end))
    rows = [
        (name, *(number(values[name]) if name in values else "" for _, values in sides))
        for name in on.metrics
    ]
    columns = ["metric", *(head for head, _ in sides)]
    return table(columns, rows, left=columns[:1], title="What counts")


def _needs_table(on: loyalty.TierProgress) -> Table:
    columns = ("", "metric", "needed", "there is", "lacking")
    shown = table(columns, [], left=columns[:2], title="What it takes")
    stay = f"to stay {on.level}" + (f" on {on.ends:%Y-%m-%d}" if on.ends else "")
    for what, alternatives in ((f"to reach {on.next_level}", on.to_next), (stay, on.to_stay)):
        for place, needs in enumerate(alternatives):
            for row, need in enumerate(needs):
                label = "" if row else (what if place == 0 else "  or")
                cells = (number(need.least), number(need.value), number(need.missing))
                shown.add_row(label, need.metric, *cells)
    return shown


def _values(values: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {value:,}" for name, value in values.items()) or "no metrics"


def _kept(level: str, until: datetime | None) -> str:
    return f"{level}, {'for good' if until is None else 'until ' + instant(until)}"


def _instant_or(time: datetime | None, otherwise: str) -> str:
    return otherwise if time is None else instant(time)

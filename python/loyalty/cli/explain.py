"""``loyalty explain``: what a posting took, and what became of it."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from loyalty.cli.arguments import AsJson, LedgerPlace, open_ledger
from loyalty.cli.output import instant, number, print_json, screen, table

_SEQUENCE = re.compile(r"[1-9][0-9]{0,18}")
_TITLES = {
    "took": "What it did to lots",
    "used": "What became of the lots that it made",
    "left": "What is left of them",
    "about": "Entries about it",
}
_SHOWN = {
    "took": ("source_sequence", "source_kind", "source_rule", "source_effective_time"),
    "used": ("sequence", "kind", "member", "effective_time"),
    "left": ("member", "state"),
    "about": ("sequence", "kind", "effective_time", "status"),
}


def explain(
    ledger: LedgerPlace,
    posting: Annotated[
        str, typer.Argument(metavar="POSTING", help="Its id, or the sequence of its entry.")
    ],
    as_json: AsJson = False,
) -> None:
    """Show which lots a posting took, and what became of those that it made.

    Digits alone are a sequence, as `history` shows it; anything else is an id.
    """
    with open_ledger(ledger, read_only=True) as opened:
        explained = opened.explain(int(posting) if _SEQUENCE.fullmatch(posting) else posting)
    parts = {name: getattr(explained, name).to_pylist() for name in _SHOWN}
    (record,) = explained.record.to_pylist()
    if as_json:
        print_json({"record": record, **parts})
        return
    member = "" if record["member"] is None else f" of {record['member']!r}"
    title = f"Entry {number(record['sequence'])}: {record['kind']}{member}"
    columns = ("points", "effective", "status", "id")
    cells = (
        f"{record['points']:+,}",
        instant(record["effective_time"]),
        record["status"],
        record["id"].hex(),
    )
    screen().print(table(columns, [cells], left=columns[1:], title=title))
    for name, rows in parts.items():
        if rows:
            screen().print(_part(name, rows))


def _part(name: str, rows: list[dict[str, Any]]) -> Any:
    """One of the tables; without a source, it is arrears that were moved."""
    columns = [column.removeprefix("source_") for column in _SHOWN[name]]
    lots = name != "about"
    shown = table(
        [*columns, "points", *(["lot expires"] if lots else [])],
        [],
        left=[*columns[1:], "lot expires"],
        title=_TITLES[name],
    )
    for row in rows:
        cells = [_cell(row[column]) for column in _SHOWN[name]]
        if name == "took" and row["source_sequence"] is None:
            cells[1] = "arrears"
        expires = [_cell(row["expires_time"]) or "never"] if lots else []
        shown.add_row(*cells, f"{row['points']:+,}", *expires)
    return shown


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if hasattr(value, "isoformat"):
        return instant(value)
    return number(value) if isinstance(value, int) else str(value)

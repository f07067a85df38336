"""``loyalty report``: the liability by month of expiry, and breakage by month of issue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from loyalty._liability import breakage_table
from loyalty.cli.arguments import (
    AsJson,
    AsOfRecorded,
    AsOfSequence,
    AsOfTime,
    LedgerPlace,
    open_ledger,
    parse_as_of,
)
from loyalty.cli.output import facts, instant, number, print_json, progress, screen, table

_STOCKS = ("active", "pending", "held", "outstanding")
_FLOWS = ("issued", "redeemed", "expired", "other", "outstanding")


def report(
    ledger: LedgerPlace,
    as_of: AsOfTime = None,
    recorded: AsOfRecorded = None,
    sequence: AsOfSequence = None,
    ladder: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Also by members' levels on this ladder."),
    ] = None,
    value: Annotated[
        str | None, typer.Option(metavar="MONEY", help="What a point is worth, such as 0.01.")
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also draw it: a .png or .svg (needs matplotlib)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the points that members have by month of expiry, and how much expires unspent.

    Reads the whole journal. `--json` has every cohort: by month of issue and month of expiry, with
    `--ladder` also by level.
    """
    if picture is not None and picture.suffix not in (".png", ".svg"):
        raise typer.BadParameter(f"{str(picture)!r} must end in .png or .svg")
    past = parse_as_of(as_of, recorded, sequence)
    with open_ledger(ledger, read_only=True) as opened, progress() as bar:
        task = bar.add_task("reading the journal", total=None)
        liability = opened.liability(
            as_of=past,
            ladder=ladder,
            value=value,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    cohorts, months = liability.to_pylist(), breakage_table(liability).to_pylist()
    if picture is not None:
        from loyalty.cli.picture import draw_report

        draw_report(by_expiry(cohorts), months, picture)
    if as_json:
        told = [{key: _exact(cell) for key, cell in row.items()} for row in cohorts]
        print_json({**liability.metadata, "cohorts": told, "breakage": months})
        return
    if ladder is not None:
        title = f"What members have, by level on {ladder} as of then"
        screen().print(_stock_table(title, "level", sums_by(cohorts, "level")))
    title = "What members have, by month of expiry"
    screen().print(_stock_table(title, "expire in", by_expiry(cohorts)), _breakage_table(months))
    owed = ", ".join(f"{name} {number(n)}" for name, n in liability.metadata["arrears"].items())
    rows = [
        ("owed by members", owed),
        ("as of", instant(liability.metadata["time"])),
        ("entries up to", number(liability.metadata["sequence"])),
    ]
    if picture is not None:
        rows.append(("picture", str(picture)))
    screen().print(facts(rows))


def by_expiry(cohorts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sum what is there by month of expiry; never comes last."""
    rows = sums_by(cohorts, "expiry_month")
    order = list(dict.fromkeys(row["currency"] for row in rows))
    return sorted(
        rows,
        key=lambda row: (
            order.index(row["currency"]),
            row["expiry_month"] is None,
            row["expiry_month"] or date.max,
        ),
    )


def sums_by(cohorts: Sequence[dict[str, Any]], column: str) -> list[dict[str, Any]]:
    """Sum what is there, if anything, by currency and a column, in the order of their coming."""
    sums: dict[tuple[Any, Any], dict[str, Any]] = {}
    for row in cohorts:
        key = (row["currency"], row[column])
        names = [name for name in (*_STOCKS, "value") if name in row]
        total = sums.setdefault(
            key, {"currency": key[0], column: key[1], **dict.fromkeys(names, 0)}
        )
        for name in names:
            total[name] += row[name]
    return [row for row in sums.values() if row["outstanding"]]


def _stock_table(title: str, heading: str, rows: Sequence[dict[str, Any]]) -> Any:
    """Rows of `sums_by`."""
    valued = any("value" in row for row in rows)
    columns = ("currency", heading, *_STOCKS, *(["value"] if valued else []))
    shown = table(columns, [], left=columns[:2], title=title)
    for row in rows:
        by = row["level"] if "level" in row else _month(row["expiry_month"], "never")
        cells = [row["currency"], by, *(number(row[name]) for name in _STOCKS)]
        shown.add_row(*cells, *([f"{row['value'].normalize():,f}"] if valued else []))
    return shown


def _breakage_table(rows: Sequence[dict[str, Any]]) -> Any:
    columns = ("currency", "issued in", *_FLOWS, "expired share")
    shown = table(columns, [], left=columns[:2], title="What became of points, by month of issue")
    for row in rows:
        share = row["expired_share"]
        cells = [row["currency"], _month(row["issue_month"], "to date")]
        cells += [number(row[name]) for name in _FLOWS]
        style = "bold" if row["issue_month"] is None else None
        shown.add_row(*cells, "" if share is None else f"{share:.1%}", style=style)
    return shown


def _month(month: Any, otherwise: str) -> str:
    return otherwise if month is None else f"{month:%Y-%m}"


def _exact(value: Any) -> Any:
    """A decimal as a text, without the noughts at its end."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value

"""``loyalty report``: the liability by month of expiry, and breakage by month of issue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

import loyalty
from loyalty._liability import breakage_table
from loyalty.cli.arguments import (
    AsJson,
    AsOfRecorded,
    AsOfSequence,
    AsOfTime,
    LedgerPath,
    parse_as_of,
)
from loyalty.cli.output import facts, instant, number, print_json, progress, screen, table

_STOCKS = ("active", "pending", "held", "outstanding")
_FLOWS = ("issued", "redeemed", "expired", "other", "outstanding")


def report(
    ledger: LedgerPath,
    as_of: AsOfTime = None,
    recorded: AsOfRecorded = None,
    sequence: AsOfSequence = None,
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

    Reads the whole journal. `--json` has every cohort: by month of issue and month of expiry.
    """
    if picture is not None and picture.suffix not in (".png", ".svg"):
        raise typer.BadParameter(f"{str(picture)!r} must end in .png or .svg")
    past = parse_as_of(as_of, recorded, sequence)
    with loyalty.open(ledger) as opened, progress() as bar:
        task = bar.add_task("reading the journal", total=None)
        liability = opened.liability(
            as_of=past,
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
    screen().print(_expiry_table(by_expiry(cohorts), value is not None), _breakage_table(months))
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
    """Sum what is there over the months of issue; never comes last."""
    sums: dict[tuple[Any, Any], dict[str, Any]] = {}
    for row in cohorts:
        key = (row["currency"], row["expiry_month"])
        names = [name for name in (*_STOCKS, "value") if name in row]
        total = sums.setdefault(
            key, {"currency": key[0], "expiry_month": key[1], **dict.fromkeys(names, 0)}
        )
        for name in names:
            total[name] += row[name]
    order = list(dict.fromkeys(currency for currency, _ in sums))
    rows = [row for row in sums.values() if row["outstanding"]]
    return sorted(
        rows,
        key=lambda row: (
            order.index(row["currency"]),
            row["expiry_month"] is None,
            row["expiry_month"] or date.max,
        ),
    )


def _expiry_table(rows: Sequence[dict[str, Any]], valued: bool) -> Any:
    columns = ("currency", "expire in", *_STOCKS, *(["value"] if valued else []))
    shown = table(columns, [], left=columns[:2], title="What members have, by month of expiry")
    for row in rows:
        cells = [row["currency"], _month(row["expiry_month"], "never")]
        cells += [number(row[name]) for name in _STOCKS]
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

"""``loyalty demo``: run it, and show what a programme manager asks first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loyalty.cli.output import NEEDS_A_LOOK, complain, facts, number, progress, screen, size, table
from loyalty.cli.reading import trial_balance
from loyalty.demo import check_installed

if TYPE_CHECKING:
    import polars as pl

    from loyalty.demo.run import Outcome

_BAR_COLUMNS = 40
_EARNED, _REDEEMED = "rgb(0,114,178)", "rgb(230,159,0)"  # as in the picture


def demo(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the ledger is, or will be made.")
    ] = Path("loyalty-demo"),
) -> None:
    """Post a year of real grocery purchases, and show what came of it.

    1.5 million purchase lines of 2,469 households (The Complete Journey) earn points, which the
    households turn into vouchers. Run it again, and nothing changes: every posting is there
    already, and the digest is the same. A picture of the points by month is saved beside the
    ledger.
    """
    check_installed()
    from loyalty.demo.run import run_demo

    with progress() as bar:
        task = bar.add_task("starting", total=1)

        def show(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        outcome = run_demo(directory, show)
    _show(screen(), directory, outcome)
    for problem in outcome.report.problems:
        complain(problem)
    if outcome.report.problems or outcome.refused:
        raise typer.Exit(NEEDS_A_LOOK)


def _show(console: Console, directory: Path, outcome: Outcome) -> None:
    console.print(_what_was_done(directory, outcome))
    console.print(_months(outcome.months))
    console.print(_tiers(outcome.tiers))
    largest = outcome.largest.select("member", "active", "lifetime_earned", "lifetime_redeemed")
    console.print(
        table(
            ("household", "balance", "earned", "redeemed"),
            [[str(row[0]), *map(number, row[1:])] for row in largest.iter_rows()],
            title="Largest balances",
        )
    )
    console.print(trial_balance(outcome.totals.to_pylist()))
    household = largest["member"][0]
    console.print(
        facts(
            [
                ("verified", "everything agrees" if outcome.report.ok else "PROBLEMS, see below"),
                ("digest", outcome.report.digest),
                ("picture", str(outcome.picture)),
                ("look further", f"loyalty balance {directory} {household}"),
                ("", f"loyalty history {directory} {household} --last 20"),
                ("", f"loyalty info {directory}"),
            ]
        )
    )


def _what_was_done(directory: Path, outcome: Outcome) -> Table:
    postings = sum(outcome.postings.values())
    by_status = ", ".join(f"{count:,} {status}" for status, count in outcome.postings.items())
    rate = postings / max(outcome.posting_s, 1e-9)
    return facts(
        [
            ("ledger", str(directory)),
            ("earn", outcome.earn_rule),
            ("redeem", f"{outcome.reward_rule}, on Sunday nights"),
            ("postings", f"{postings:,}: {by_status}"),
            (
                "throughput",
                f"{rate:,.0f} postings/s, each on disk when answered ({outcome.posting_s:.1f} s)",
            ),
            (
                "0 points",
                f"{outcome.lines_without_points:,} of {outcome.lines:,} lines, under 10 cents:"
                " posted too, since money and visits count",
            ),
            (
                "size",
                f"{size(outcome.info.disk_bytes)}, {outcome.bytes_a_posting:.1f} bytes a posting",
            ),
        ]
    )


def _months(months: pl.DataFrame) -> Table:
    largest = max(*months["earned"], *months["redeemed"])
    result = table(
        ("month", "", "points", "outstanding"), [], left=("month", ""), title="Points by month"
    )
    result.caption = Text.assemble(("━ earned  ", _EARNED), ("━ redeemed", _REDEEMED))
    for month in months.iter_rows(named=True):
        bars, points = Text(), Text()
        for name, colour in (("earned", _EARNED), ("redeemed", _REDEEMED)):
            end = "\n" if name == "earned" else ""
            bars.append("━" * round(month[name] * _BAR_COLUMNS / largest) + end, colour)
            points.append(number(month[name]) + end, colour)
        result.add_row(f"{month['month']:%Y-%m}", bars, points, number(month["outstanding"]))
    return result


def _tiers(tiers: pl.DataFrame) -> Table:
    households, spent = tiers["households"].sum(), tiers["spent"].sum()
    rows = [
        (
            tier["tier"],
            number(tier["from_points"]),
            number(tier["households"]),
            f"{tier['households'] / households:.1%}",
            number(tier["earned"]),
            f"${tier['spent'] / 100:,.2f}",
            f"{tier['spent'] / spent:.1%}",
        )
        for tier in tiers.iter_rows(named=True)
    ]
    columns = ("tier", "from", "households", "share", "points earned", "spent", "share of spend")
    return table(columns, rows, left=("tier",), title="Tiers, by points earned in 2017")

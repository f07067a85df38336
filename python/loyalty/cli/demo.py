"""``loyalty demo``: run it, and show what a programme manager asks first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from loyalty.cli.output import NEEDS_A_LOOK, complain, facts, number, progress, screen, size, table
from loyalty.cli.reading import trial_balance
from loyalty.demo import check_installed
from loyalty.demo.server import NOT_FOUND

if TYPE_CHECKING:
    import polars as pl

    from loyalty import Need
    from loyalty.demo.asking import Latency
    from loyalty.demo.run import Outcome
    from loyalty.demo.tiers import Story

_BAR_COLUMNS = 40
_EARNED, _REDEEMED = "rgb(0,114,178)", "rgb(230,159,0)"  # as in the picture
_CLIMBED, _FELL = "rgb(0,114,178)", "rgb(213,94,0)"  # as in the picture of moves


def demo(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the ledger is, or will be made.")
    ] = Path("loyalty-demo"),
) -> None:
    """Post a year of real grocery purchases, and show what came of it.

    1.5 million purchase lines of 2,469 households (The Complete Journey) earn points, which the
    households turn into vouchers. Run it again, and nothing changes: every posting is there
    already, and the digest is the same. Levels are assessed at the end of each month. Pictures of
    the points by month, and of who moved between levels at last, are saved beside the ledger.
    At the end loyaltyd serves the ledger for a moment, and is asked for balances: the program that
    LOYALTYD names in the environment, else that of this checkout, else that on PATH.
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
    console.print(_tiers(outcome))
    console.print(_one_household(outcome.story))
    largest = outcome.largest.select("member", "active", "lifetime_earned", "lifetime_redeemed")
    console.print(
        table(
            ("household", "balance", "earned", "redeemed"),
            [[str(row[0]), *map(number, row[1:])] for row in largest.iter_rows()],
            title="Largest balances",
        )
    )
    console.print(trial_balance(outcome.totals.to_pylist()))
    console.print(_latencies(outcome.latencies))
    household = outcome.story.household
    console.print(
        facts(
            [
                ("verified", "everything agrees" if outcome.report.ok else "PROBLEMS, see below"),
                ("digest", outcome.report.digest),
                ("pictures", str(outcome.picture)),
                ("", str(outcome.tier_picture)),
                ("look further", f"loyalty balance {directory} {household}"),
                ("", f"loyalty history {directory} {household} --last 20"),
                ("", f"loyalty tiers explain {directory} {household}"),
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


def _tiers(outcome: Outcome) -> Table:
    """Months with who moved and who stands where; below, what the levels spent."""
    names = list(outcome.tier_spent)
    title = "Levels by month, from what was spent in 13 weeks"
    result = table(("month", "climbed", "fell", *names), [], left=("month",), title=title)
    for month in outcome.tier_months.iter_rows(named=True):
        result.add_row(
            f"{month['month']:%Y-%m}",
            Text(_some(month["climbed"]), _CLIMBED),
            Text(_some(month["fell"]), _FELL),
            *(number(month[name]) for name in names),
        )
    result.add_section()
    spent = sum(outcome.tier_spent.values())
    shares = (f"{outcome.tier_spent[name] / spent:.1%}" for name in names)
    result.add_row("of the year's money", "", "", *shares)
    return result


def _one_household(story: Story) -> Group:
    """Tell how it came to its level, and what it lacks to stay."""
    rows = [
        (
            f"{change['month']:%Y-%m}",
            f"{change['from_level']} to {change['level']}",
            _dollars(change["spent"]),
            number(change["visits"]),
        )
        for change in story.changes.iter_rows(named=True)
    ]
    columns = ("month", "level", "spent in 13 weeks", "visits")
    title = f"Household {story.household}, explained"
    now = story.progress
    told = [("stands on", now.level)]
    if now.ends is not None:
        to_stay = " or ".join(_lacking(needs) for needs in now.to_stay)
        told.append(("to the end of", f"{now.ends - timedelta(days=1):%Y-%m}"))
        told.append(("to stay then", to_stay or "nothing"))
    return Group(table(columns, rows, left=("month", "level"), title=title), facts(told), "")


def _lacking(needs: Sequence[Need]) -> str:
    """Say what is missing: cents as dollars, and visits."""
    texts = {
        need.metric: _dollars(need.missing) if need.metric == "spent" else number(need.missing)
        for need in needs
        if need.missing
    }
    return " and ".join(f"{text} {metric}" for metric, text in texts.items()) or "nothing"


def _latencies(latencies: Sequence[Latency]) -> Table | str:
    """How long a client waited for the service."""
    if not latencies:
        return f"The service was not asked: {NOT_FOUND}\n"
    rows = [
        [number(each.members), number(each.calls)]
        + [number(round(us)) for us in (each.p50_us, each.p99_us, each.max_us)]
        for each in latencies
    ]
    columns = ("balances a call", "calls", "p50", "p99", "max")
    return table(columns, rows, title="Asked of loyaltyd, one call after another, in µs")


def _dollars(cents: int) -> str:
    return f"${cents / 100:,.2f}"


def _some(count: int) -> str:
    return number(count) if count else ""

"""``loyalty expire``: the nightly run."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.progress import TimeRemainingColumn

from loyalty.cli.arguments import AsJson, LedgerPlace, open_ledger, parse_time
from loyalty.cli.output import facts, instant, number, print_json, progress, screen, table

_WHAT = {
    "expire": "expired",
    "activate": "became active",
    "time_out": "came back from holds",
    "cancel": "lost, not confirmed",
}


def expire(
    ledger: LedgerPlace,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="What fell due by this date or time, UTC; now if not given. Never of the future.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be journaled.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Journal what time has done: points that expired or became active, holds that ended.

    All of that shows at its instant anyway; the run makes the books say so. It may be interrupted:
    run it again, and it goes on where it was.
    """
    time = parse_time(as_of)
    with (
        open_ledger(ledger, read_only=dry_run) as opened,
        progress(TimeRemainingColumn()) as bar,
    ):
        task = bar.add_task("expiring", total=None)
        done = opened.expire(
            time,
            dry_run=dry_run,
            progress=lambda pages, total: bar.update(task, completed=pages, total=total),
        )
    lines = done.to_pylist()
    if as_json:
        run = {} if dry_run else dict(done.metadata)
        print_json({"dry_run": dry_run, "as_of": time, **run, "lines": lines})
        return
    title = "Would be journaled" if dry_run else "Journaled"
    rows = [
        (
            f"{line['month']:%Y-%m}",
            _WHAT[line["kind"]],
            line["currency"],
            number(line["entries"]),
            number(line["points"]),
        )
        for line in lines
    ]
    if rows:
        columns = ("month", "what", "currency", "entries", "points")
        screen().print(table(columns, rows, left=("month", "what", "currency"), title=title))
    else:
        screen().print(f"Nothing fell due by {instant(time)}." if time else "Nothing fell due.")
    if not dry_run:
        run_entries = (
            f"{done.metadata['started_sequence']:,} to {done.metadata['finished_sequence']:,}"
        )
        screen().print(facts([("entries of the run", run_entries)]))

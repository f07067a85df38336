"""Levels given at once: how long after the posting, and what that costs the postings."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from benchmarks.harness.context import Context, median
from benchmarks.harness.results import Result

NAMES = ("at_once_lag_ms", "at_once_days_lag_ms", "at_once_vs_at_run")

Run = dict[str, Any]


def measure(context: Context) -> list[Result]:
    """Post the same with a ladder that waits for runs and with ladders that do not, in turn."""
    runs: dict[str, list[Run]] = defaultdict(list)
    for repetition in range(context.sizes.repetitions):
        context.say(f"levels at once, repetition {repetition + 1} of {context.sizes.repetitions}")
        runs["at_run"].append(run_one(context, upgrade="at_run", of="points"))
        runs["points"].append(run_one(context, upgrade="at_once", of="points"))
        runs["days"].append(run_one(context, upgrade="at_once", of="days"))
    details = {"members": context.sizes.members, "postings": context.sizes.postings, **runs}
    lag_ms = {of: median([run["lag_max_ms"] for run in runs[of]]) for of in ("points", "days")}
    per_s = {name: median([run["post_per_s"] for run in of]) for name, of in runs.items()}
    return [
        Result("at_once_lag_ms", lag_ms["points"], "ms", "1 second", 1000, details),
        Result("at_once_days_lag_ms", lag_ms["days"], "ms", "1 second", 1000, details),
        Result(
            "at_once_vs_at_run",
            per_s["points"],
            "postings/s",
            "levels by runs",
            per_s["at_run"],
            details,
        ),
    ]


def run_one(context: Context, *, upgrade: str, of: str) -> Run:
    """Post to a new ledger; every level must be given."""
    with context.directory("at_once") as directory:
        run = context.program(
            "at_once_bench",
            dir=directory / "ledger",
            upgrade=upgrade,
            of=of,
            members=context.sizes.members,
            postings=context.sizes.postings,
        )
    if run.get("missing"):
        raise RuntimeError(f"levels were not given: {run}")
    return run

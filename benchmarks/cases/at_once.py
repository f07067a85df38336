"""Levels given at once: how long after the posting, and what that costs the postings."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from benchmarks.harness.context import Context, median
from benchmarks.harness.results import Result

NAMES = ("at_once_lag_ms", "at_once_vs_at_run")
UPGRADES = ("at_run", "at_once")


def measure(context: Context) -> list[Result]:
    """Post the same with a ladder that waits for runs and with one that does not, in turn."""
    runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for repetition in range(context.sizes.repetitions):
        context.say(f"levels at once, repetition {repetition + 1} of {context.sizes.repetitions}")
        for upgrade in UPGRADES:
            with context.directory("at_once") as directory:
                run = context.program(
                    "at_once_bench",
                    dir=directory / "ledger",
                    upgrade=upgrade,
                    members=context.sizes.members,
                    postings=context.sizes.postings,
                )
            runs[upgrade].append(run)
            if run.get("missing"):
                raise RuntimeError(f"levels were not given: {run}")
    details = {"members": context.sizes.members, "postings": context.sizes.postings, **runs}
    lags_ms = [run["lag_max_ms"] for run in runs["at_once"]]
    per_s = {upgrade: median([run["post_per_s"] for run in runs[upgrade]]) for upgrade in UPGRADES}
    return [
        Result("at_once_lag_ms", median(lags_ms), "ms", "1 second", 1000, details),
        Result(
            "at_once_vs_at_run",
            per_s["at_once"],
            "postings/s",
            "levels by runs",
            per_s["at_run"],
            details,
        ),
    ]

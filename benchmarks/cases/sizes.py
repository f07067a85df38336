"""Batches of 1 to 8,192 postings, with several in flight: what a small batch costs."""

from __future__ import annotations

from benchmarks.harness.context import Context
from benchmarks.harness.results import Result

SIZES = (1, 8, 64, 512, 2_048, 8_192)
NAMES = tuple(f"post_batch_size_{size}" for size in SIZES)
# Few syncs, small batches: so many batches that each size runs long enough.
BATCHES_MIN = 20_000
STOP_AFTER_S = 10


def measure(context: Context) -> list[Result]:
    """Post the same way with each size; the largest is the peer of the others."""
    context.say("batch sizes")
    runs = {}
    for size in sorted(SIZES, reverse=True):
        if size != max(SIZES) and not context.wanted(f"post_batch_size_{size}"):
            continue
        count = min(context.sizes.size_postings, BATCHES_MIN * size)
        with context.ledger() as directory:
            runs[size] = context.program(
                "post_bench",
                mode="batch",
                dir=directory,
                members=context.sizes.members,
                postings=count,
                batch=size,
                stop_after_s=STOP_AFTER_S,
            )
        context.say(f"{size} a batch: {runs[size]['per_s']:,.0f}/s")
    largest = runs[max(SIZES)]["per_s"]
    keep = ("cpu_us", "settle_s", "postings")
    return [
        Result(
            f"post_batch_size_{size}",
            run["per_s"],
            "postings/s",
            f"batches of {max(SIZES):,}",
            largest,
            {key: run[key] for key in keep},
        )
        for size, run in sorted(runs.items())
    ]

"""What the peers of the tier benchmark have in common: the postings, the question, the answer.

The question: of each member, the points earned in the twelve months up to an instant, the level
that they reach, and how many members stand on which level now and would then.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.harness.process import drop_from_cache
from benchmarks.harness.workload import START_US, YEAR_US

AT_US = START_US + YEAR_US
FROM_US = 1_703_980_800_000_000  # twelve months before: 31 December 2023, 00:00 UTC; not within
THRESHOLDS = (3_000, 5_000, 8_000)  # of levels 1 to 3

Counts = list[list[int]]  # level before, level after, members
Ask = Callable[[], Counts]


def arguments() -> argparse.Namespace:
    """Read the command line of a peer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--columns", required=True, help="prefix of the arrays of tiers_bench")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--members", type=int, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5, help="0: only load")
    return parser.parse_args()


def read_entries(prefix: str) -> pa.Table:
    """Return the postings as `member`, `effective_us`, `points`; redemptions are below 0."""
    types = {"member": np.uint32, "effective_us": np.int64, "points": np.int32}
    return pa.table(
        {name: pa.array(np.fromfile(f"{prefix}.{name}", kind)) for name, kind in types.items()}
    )


def measure(files: Path, open_anew: Callable[[], Ask], repeat: int) -> None:
    """Ask once with nothing of `files` in memory, then again and again; print times and memory."""
    drop_from_cache(files)
    ask = open_anew()
    times: list[float] = []
    counts: Counts = []
    for _ in range(repeat):
        begin = time.perf_counter()
        counts = ask()
        times.append(time.perf_counter() - begin)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"run_s": times, "counts": counts, "peak_mib": peak_mib}))

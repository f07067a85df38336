"""Posts from Python, and prints the rate as JSON: the same postings as post_bench, as Arrow tables.

python -m benchmarks.post_python --dir=D --members=N --postings=N [--rows=N]
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import loyalty
from benchmarks.harness.workload import DAY_US, Postings, make_postings

KEPT_DAYS = 730


def main() -> None:
    """Post and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--members", type=int, required=True)
    parser.add_argument("--postings", type=int, required=True)
    parser.add_argument("--rows", type=int, default=500_000, help="rows of a table")
    options = parser.parse_args()

    tables = list(make_tables(make_postings(options.postings, options.members), options.rows))
    with loyalty.open(options.dir) as ledger:
        begin_s, begin_cpu_s = time.perf_counter(), time.process_time()
        outcomes = [ledger.post(table) for table in tables]
        elapsed_s = time.perf_counter() - begin_s
        cpu_s = time.process_time() - begin_cpu_s
    taken = sum(np.count_nonzero(np.asarray(outcome.sequence)) for outcome in outcomes)
    if taken != options.postings:
        raise RuntimeError(f"took {taken} of {options.postings} postings")
    result = {
        "per_s": options.postings / elapsed_s,
        "elapsed_s": elapsed_s,
        "cpu_us": cpu_s / options.postings * 1e6,
        "ram_peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10,
    }
    print(json.dumps(result))


def make_tables(postings: Postings, rows: int) -> Iterator[pa.Table]:
    """Cut the postings into Arrow tables, as a notebook or an import would have them."""
    for begin in range(0, len(postings), rows):
        part = postings.take(slice(begin, begin + rows))
        kinds = pa.DictionaryArray.from_arrays(
            pa.array(part.redeems.astype(np.int8)), ["earn", "redeem"]
        )
        expires_us = (part.effective_us // DAY_US + 1 + KEPT_DAYS) * DAY_US
        yield pa.table(
            {
                "id": pa.Array.from_buffers(
                    pa.binary(16), len(part), [None, pa.py_buffer(part.ids.tobytes())]
                ),
                "kind": kinds,
                "member": member_keys(part.members),
                "points": part.points,
                "money": part.money,
                "effective_time": pa.array(part.effective_us, pa.timestamp("us", "UTC")),
                "expires_time": pa.array(expires_us, pa.timestamp("us", "UTC"), mask=part.redeems),
            }
        )


def member_keys(members: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the members' card numbers: KeyOfMember of cpp/workload.h."""
    x = members.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(2)).astype(np.int64)


if __name__ == "__main__":
    main()

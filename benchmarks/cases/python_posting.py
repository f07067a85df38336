"""Posting from Python beside C++: the same postings, the same batches in flight."""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.harness.context import Context, median
from benchmarks.harness.process import run_json
from benchmarks.harness.results import Result

NAMES = ("post_python_vs_cpp",)


def measure(context: Context) -> list[Result]:
    """Alternate the two languages."""
    cpp: list[dict[str, Any]] = []
    python: list[dict[str, Any]] = []
    flags: dict[str, Any] = {
        "members": context.sizes.members,
        "postings": context.sizes.python_postings,
    }
    for repetition in range(context.sizes.repetitions):
        context.say(f"Python and C++, repetition {repetition + 1} of {context.sizes.repetitions}")
        with context.ledger() as directory:
            cpp.append(context.program("post_bench", mode="batch", dir=directory, **flags))
        with context.ledger() as directory:
            command = [sys.executable, "-m", "benchmarks.post_python", f"--dir={directory}"]
            python.append(run_json(command + [f"--{k}={v}" for k, v in flags.items()]))
        context.say(f"C++ {cpp[-1]['per_s']:,.0f}/s, Python {python[-1]['per_s']:,.0f}/s")
    details = {
        "python": [run["per_s"] for run in python],
        "cpp": [run["per_s"] for run in cpp],
        "python_cpu_us": [run["cpu_us"] for run in python],
        "cpp_cpu_us": [run["cpu_us"] for run in cpp],
    }
    values = (median(details["python"]), median(details["cpp"]))
    return [Result(NAMES[0], values[0], "postings/s", "C++", values[1], details)]

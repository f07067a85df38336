"""The command line of the benchmarks: which to run, and where the results go."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from benchmarks.cases import (
    at_once,
    batch,
    points,
    python_posting,
    recovery,
    rpc,
    single,
    sizes,
    tiers,
)
from benchmarks.harness import machine
from benchmarks.harness.context import FULL, QUICK, Context, compiler
from benchmarks.harness.process import scratch
from benchmarks.harness.results import Result, print_table, write_json
from benchmarks.peers import postgres, redis

ROOT = Path(__file__).resolve().parents[2]
CASES: tuple[tuple[tuple[str, ...], Callable[[Context], list[Result]]], ...] = (
    (batch.NAMES, batch.measure),
    (sizes.NAMES, sizes.measure),
    (single.NAMES, single.measure),
    (python_posting.NAMES, python_posting.measure),
    (points.NAMES, points.measure),
    (recovery.NAMES, recovery.measure),
    (at_once.NAMES, at_once.measure),
    (tiers.NAMES, tiers.measure),
    (rpc.NAMES, rpc.measure),
)
FREE_BYTES_MIN = 20 << 30


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that are asked for; return 1 if one failed, not if a budget is missed."""
    options = parse(arguments)
    # So that a stop from outside leaves through the same clean-up as Ctrl-C.
    signal.signal(signal.SIGTERM, raise_interrupt)
    console = Console(width=None if sys.stdout.isatty() else 160)
    bench = options.output.resolve().parent
    bench.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(bench).free < FREE_BYTES_MIN:
        console.print(f"needs {FREE_BYTES_MIN >> 30} GiB free below {bench}")
        return 1
    begin = time.monotonic()
    with scratch(bench, "work") as work:
        work.chmod(0o755)  # the database server's user has to reach its own directory
        notes = notes_of_run(work, quick=options.quick)
        console.print(" · ".join(f"{key} {value}" for key, value in notes.items()))
        context = Context(
            sizes=QUICK if options.quick else FULL,
            binaries=options.binaries,
            work=work,
            console=console,
            wanted=lambda name: not options.only or name in options.only,
        )
        results, failures = measure_all(context)
    notes["took_s"] = round(time.monotonic() - begin)
    write_json(results, notes, options.output)
    print_table(results, console)
    for failure in failures:
        console.print(f"[red]failed:[/] {failure}", highlight=False)
    console.print(f"{notes['took_s']} s; written to {options.output}")
    return 1 if failures else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    names = [name for case_names, _ in CASES for name in case_names]
    parser = argparse.ArgumentParser(
        prog="benchmarks/run.py", description="Measure the ledger beside its peers."
    )
    parser.add_argument("--quick", action="store_true", help="smaller sizes, one repetition")
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=names, help=", ".join(names))
    parser.add_argument("--output", type=Path, default=ROOT / "build/bench/results.json")
    parser.add_argument("--binaries", type=Path, default=ROOT / "build/release/benchmarks/cpp")
    return parser.parse_args(arguments)


def raise_interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Turn a signal into what Ctrl-C raises."""
    raise KeyboardInterrupt


def notes_of_run(work: Path, *, quick: bool) -> dict[str, Any]:
    """Describe the machine and the versions; fails early when a peer is missing."""
    return {
        **machine.describe(work),
        "compiler": compiler(),
        "postgres": postgres.version(),
        "redis": redis.version(),
        "quick": quick,
    }


def measure_all(context: Context) -> tuple[list[Result], list[str]]:
    """Run every case that yields a wanted name; one that fails does not cost the others."""
    results: list[Result] = []
    failures: list[str] = []
    for names, measure in CASES:
        if not any(context.wanted(name) for name in names):
            continue
        try:
            results += [result for result in measure(context) if context.wanted(result.name)]
        except Exception as failure:
            failures.append(f"{', '.join(names)}: {failure}")
            context.console.print_exception()
    return results, failures


if __name__ == "__main__":
    sys.exit(main())

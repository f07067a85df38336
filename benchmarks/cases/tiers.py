"""Runs of tiers: a year's entries, all members' levels in place, beside DuckDB and Polars."""

from __future__ import annotations

import importlib.metadata
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness.context import Context, median
from benchmarks.harness.process import directory_bytes, drop_from_cache, run_json
from benchmarks.harness.results import Result

PEERS = {"duckdb": "DuckDB", "polars": "Polars"}
GROWTH = {"tiers_entries_10m": 10, "tiers_entries_30m": 30}  # percent of the largest ledger
BESIDE_PEERS = (
    "tiers_vs_duckdb",
    "tiers_vs_polars",
    "tiers_1_thread",
    "tiers_cold_vs_duckdb",
    "tiers_cold_vs_polars",
)
NAMES = (*BESIDE_PEERS, *GROWTH)
THREADS = 2
REPEAT = 6  # the first one cold

Run = dict[str, Any]
Runs = dict[str, list[Run]]


def measure(context: Context) -> list[Result]:
    """Build the largest ledger, run beside the peers; then the smaller ones, one at a time."""
    sizes = context.sizes
    runs: Runs = defaultdict(list)
    built: dict[str, Run] = {}
    with context.directory("tiers") as directory:
        beside = [name for name in PEERS if wants_peer(context, name)]
        columns = directory / "columns" if beside else None
        built["largest"] = build(context, directory / "ledger", sizes.tiers_entries, columns)
        for name in beside:
            built[name] = load_peer(context, name, directory)
        for column in directory.glob("columns.*"):
            column.unlink()
        for repetition in range(sizes.repetitions):
            context.say(f"tiers, repetition {repetition + 1} of {sizes.repetitions}")
            run_round(context, directory, beside, runs)
    for name in filter(context.wanted, GROWTH):
        with context.directory("tiers") as directory:
            built[name] = build(context, directory / "ledger", entries_of(context, name))
            runs[name] += [ours(context, directory) for _ in range(sizes.repetitions)]
    return results(context, runs, built)


def wants_peer(context: Context, name: str) -> bool:
    """Say whether a comparison with the peer is asked for."""
    return context.wanted(f"tiers_vs_{name}") or context.wanted(f"tiers_cold_vs_{name}")


def entries_of(context: Context, name: str) -> int:
    """Return how many entries a smaller ledger has; all have the same members."""
    return context.sizes.tiers_entries * GROWTH[name] // 100


def build(context: Context, ledger: Path, entries: int, columns: Path | None = None) -> Run:
    """Make a ledger with a year of entries, and let a first run give all members their levels."""
    members = context.sizes.tiers_members
    context.say(f"tiers: {members:,} members, {entries:,} entries")
    more: dict[str, Any] = {"columns": columns} if columns else {}
    begin_s = time.monotonic()
    context.program(
        "tiers_bench", mode="build", dir=ledger, members=members, postings=entries, **more
    )
    built = {"build_s": time.monotonic() - begin_s}
    first = context.program("tiers_bench", mode="journal", dir=ledger)
    context.say(f"the first run journaled {first['changes']:,.0f} levels: {first['run_s']:.2f} s")
    built |= {"first_run_s": first["run_s"], "first_run_changes": first["changes"]}
    return built | {"disk_bytes": directory_bytes(ledger)}


def run_round(context: Context, directory: Path, beside: Sequence[str], runs: Runs) -> None:
    """Run ours before, between and after the peers, so that noise hits all."""
    for name in beside:
        runs["ours"].append(ours(context, directory))
        runs[name].append(peer(context, name, directory, repeat=REPEAT))
    runs["ours"].append(ours(context, directory))
    if context.wanted("tiers_1_thread"):
        runs["ours_1_thread"].append(ours(context, directory, threads=1))
    levels = {name: [levels_of(run) for run in of] for name, of in runs.items()}
    if len({counts for of in levels.values() for counts in of}) != 1:
        raise RuntimeError(f"members on each level differ: {levels}")


def ours(context: Context, directory: Path, threads: int = THREADS) -> Run:
    """Open the ledger with nothing of it in memory; assess everyone, again and again."""
    drop_from_cache(directory / "ledger")
    run = context.program(
        "tiers_bench", mode="run", dir=directory / "ledger", threads=threads, repeat=REPEAT
    )
    context.say(f"ours, threads {threads}: {told(run)}")
    return run


def load_peer(context: Context, name: str, directory: Path) -> Run:
    """Let a peer make its own files of the same entries."""
    (directory / name).mkdir()
    begin_s = time.monotonic()
    peer(context, name, directory, repeat=0)
    load_s = time.monotonic() - begin_s
    return {"load_s": load_s, "disk_bytes": directory_bytes(directory / name)}


def peer(context: Context, name: str, directory: Path, *, repeat: int) -> Run:
    """Ask a peer the same, in a process of its own."""
    flags = {
        "columns": directory / "columns",
        "work": directory / name,
        "members": context.sizes.tiers_members,
        "threads": THREADS,
        "repeat": repeat,
    }
    command = [sys.executable, "-m", f"benchmarks.peers.tiers_{name}"]
    run = run_json(command + [f"--{key}={value}" for key, value in flags.items()])
    if repeat:
        context.say(f"{PEERS[name]}, threads {THREADS}: {told(run)}")
    return run


def levels_of(run: Run) -> tuple[int, ...]:
    """Return how many members are on each level afterwards."""
    if "levels" in run:
        return tuple(int(count) for count in run["levels"])
    after: dict[int, int] = defaultdict(int)
    for _, level, members in run["counts"]:
        after[level] += members
    return tuple(after[level] for level in sorted(after))


def told(run: Run) -> str:
    """Write the times of a run."""
    return f"{warm_s([run]):.2f} s, cold {cold_s([run]):.2f} s, {run['peak_mib']:,.0f} MiB"


def warm_s(runs: Sequence[Run]) -> float:
    """Return the median time of all but first runs."""
    return median([time_s for run in runs for time_s in run["run_s"][1:]])


def cold_s(runs: Sequence[Run]) -> float:
    """Return the median time of first runs."""
    return median([run["run_s"][0] for run in runs])


def results(context: Context, runs: Runs, built: dict[str, Run]) -> list[Result]:
    """Compare medians: rates beside the peers and for one thread, times for growth."""
    entries = context.sizes.tiers_entries
    times = {name: [run["run_s"] for run in of] for name, of in runs.items()}
    peaks = {name: max(run["peak_mib"] for run in of) for name, of in runs.items()}

    def details(*names: str) -> dict[str, Any]:
        return {
            "entries": entries,
            "members": context.sizes.tiers_members,
            "run_s": {name: times[name] for name in names},
            "warm_s": {name: warm_s(runs[name]) for name in names},
            "cold_s": {name: cold_s(runs[name]) for name in names},
            "peak_mib": {name: peaks[name] for name in names},
            "built": {name: built[name] for name in ("largest", *names) if name in built},
        }

    def rates(name: str, which: str, other: str, label: str, *, cold: bool = False) -> Result:
        took_s = cold_s if cold else warm_s
        mine, theirs = (entries / took_s(runs[kind]) for kind in (which, other))
        return Result(name, mine, "entries/s", label, theirs, details(which, other))

    found = []
    for name, label in PEERS.items():
        if name in runs:
            label = f"{label} {importlib.metadata.version(name)}, {THREADS} threads"
            found.append(rates(f"tiers_vs_{name}", "ours", name, label))
            found.append(rates(f"tiers_cold_vs_{name}", "ours", name, label, cold=True))
    if "ours_1_thread" in runs:
        label = f"ours, {THREADS} threads"
        found.append(rates("tiers_1_thread", "ours_1_thread", "ours", label))
    for name in filter(runs.get, GROWTH):
        label = f"{entries:,} entries"
        more = details("ours", name) | {"entries": entries_of(context, name)}
        mine_s, largest_s = warm_s(runs[name]), warm_s(runs["ours"])
        found.append(Result(name, mine_s, "s", label, largest_s, more))
    return sorted(found, key=lambda result: NAMES.index(result.name))

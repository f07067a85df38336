"""What every case is given: sizes, directories, the built programs, and whom to tell."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.harness.process import run, scratch


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    members: int
    postings: int
    repetitions: int
    singles: int
    python_postings: int
    size_postings: int  # at most, for each batch size
    peer_postings: int
    trial_postings: int  # for the trial of PostgreSQL's paths
    pgbench_s: int
    redis_calls: int
    recovery_members: int
    recovery_tail: int
    points_members: int
    points_postings: int
    points_lots: int  # that a run of expiry journals
    tiers_members: int
    tiers_entries: int  # of the largest ledger
    rpc_s: int  # of each closed loop
    rpc_mixed_s: int


FULL = Sizes(
    members=1_000_000,
    postings=20_000_000,
    repetitions=3,
    singles=1_000_000,
    python_postings=5_000_000,
    size_postings=2_000_000,
    peer_postings=1_500_000,
    trial_postings=400_000,
    pgbench_s=10,
    redis_calls=500_000,
    recovery_members=10_000_000,
    recovery_tail=5_000_000,
    points_members=1_000_000,
    points_postings=4_000_000,
    points_lots=10_000_000,
    tiers_members=10_000_000,
    tiers_entries=100_000_000,
    rpc_s=10,
    rpc_mixed_s=600,
)
QUICK = Sizes(
    members=1_000_000,
    postings=2_000_000,
    repetitions=1,
    singles=200_000,
    python_postings=1_000_000,
    size_postings=200_000,
    peer_postings=400_000,
    trial_postings=100_000,
    pgbench_s=4,
    redis_calls=100_000,
    recovery_members=1_000_000,
    recovery_tail=1_000_000,
    points_members=200_000,
    points_postings=1_000_000,
    points_lots=1_000_000,
    tiers_members=200_000,
    tiers_entries=2_000_000,
    rpc_s=4,
    rpc_mixed_s=20,
)


@dataclass(frozen=True)
class Context:
    """Shared by all cases of a run."""

    sizes: Sizes
    binaries: Path
    work: Path
    console: Console
    wanted: Callable[[str], bool]

    def say(self, text: str) -> None:
        """Tell who is watching."""
        self.console.print(f"  {text}", highlight=False)

    def program(self, name: str, *, expect: int = 0, **flags: str | int | Path) -> dict[str, Any]:
        """Run one of the built programs; return the JSON it prints.

        Raises
        ------
        FileNotFoundError
            It is not built.
        RuntimeError
            It did not end with the code `expect`.
        """
        binary = self.binaries / name
        if not binary.exists():
            raise FileNotFoundError(f"{binary} is not built: make bench")
        command = [str(binary), *(f"--{key}={value}" for key, value in flags.items())]
        code, output = run(command)
        if code != expect:
            raise RuntimeError(f"{' '.join(command)} ended with {code}")
        result: dict[str, Any] = json.loads(output)
        return result

    @contextmanager
    def directory(self, name: str) -> Iterator[Path]:
        """Make a directory for one measurement; what ran before has left nothing to write."""
        with scratch(self.work, name) as path:
            os.sync()
            yield path

    @contextmanager
    def ledger(self, ids: str = "ordered") -> Iterator[Path]:
        """Copy a ledger that has every member open and nothing else."""
        template = self.work / f"members-{ids}"
        if not template.exists():
            self.program(
                "post_bench", mode="open_members", dir=template, members=self.sizes.members, ids=ids
            )
        with scratch(self.work, "ledger") as path:
            copy = path / "ledger"
            shutil.copytree(template, copy)
            os.sync()
            yield copy


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return float(statistics.median(values))


def compiler() -> str:
    """Return the compiler's version."""
    command = ["g++", "--version"]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return output.splitlines()[0] if output else "unknown"

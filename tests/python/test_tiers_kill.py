"""Runs of tiers that are killed: the next one moves the rest, and nobody twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

import loyalty

from .tier_shop import PROGRAM, day

MEMBERS = 100_000
# Tells that it is at work, once the first changes are with the writer.
RUN = """
import sys, loyalty
def tell(done, total):
    print(done, flush=True)
with loyalty.open(sys.argv[1]) as ledger:
    ledger.recompute_tiers(int(sys.argv[2]), threads=1, progress=tell)
"""


def fill(path: Path) -> None:
    """Everybody buys once; nine of ten for enough to climb."""
    keys = np.arange(MEMBERS)
    with loyalty.create(path, program=loyalty.Program.from_toml(PROGRAM)) as ledger:
        ledger.open_members(keys, day(2023, 1))
        ledger.post(
            {
                "id": loyalty.new_ids(MEMBERS),
                "kind": "earn",
                "member": keys,
                "points": keys % 100,
                "money": keys % 1000,
                "effective_time": day(2023, 6),
            }
        ).raise_for_status()


def levels(ledger: loyalty.Ledger) -> list[str]:
    return [str(level) for level in ledger.tiers()["level"]]


def kill_a_run(path: Path) -> bool:
    """Kill it when it has begun; False if it was done before."""
    at_us = int(day(2024, 1).timestamp()) * 1_000_000
    command = [sys.executable, "-c", RUN, str(path), str(at_us)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() != ""
        process.send_signal(signal.SIGKILL)
        ended = process.wait()
    assert ended in (-signal.SIGKILL, 0)
    return ended != 0


def test_a_run_that_is_killed_goes_on(path: Path, tmp_path: Path) -> None:
    fill(path)
    fill(tmp_path / "undisturbed")
    killed = [kill_a_run(path) for _ in range(3)]
    assert any(killed)
    with (
        loyalty.open(path) as ledger,
        loyalty.open(tmp_path / "undisturbed") as undisturbed,
    ):
        assert ledger.verify().problems == ()
        ledger.recompute_tiers(day(2024, 1))
        undisturbed.recompute_tiers(day(2024, 1))
        assert levels(ledger) == levels(undisturbed)
        assert len(set(levels(ledger))) > 2
        assert len(ledger.recompute_tiers(day(2024, 1)).changes) == 0
        assert moved(ledger) == moved(undisturbed), "nobody was moved twice"


def moved(ledger: loyalty.Ledger) -> int:
    """How many changes of level there are."""
    tables = ledger.iter_changes()
    return sum(int((table["kind"] == "change_level").sum()) for table in tables)

"""A ledger killed while posting: how soon it is open again, and what its members take in RAM."""

from __future__ import annotations

import signal
from typing import Any

from benchmarks.harness.context import Context
from benchmarks.harness.process import directory_bytes
from benchmarks.harness.results import BUDGET, Result

NAMES = ("replay_entries_per_s", "open_after_crash_s", "ram_bytes_per_member")
REPLAY_ENTRIES_PER_S_MIN = 5_000_000
OPEN_S_MAX = 10
RAM_BYTES_MAX = 200
LOTS = 4


def measure(context: Context) -> list[Result]:
    """Fill, kill and open.

    Raises
    ------
    RuntimeError
        The opened ledger lacks postings that had been acknowledged.
    """
    members = context.sizes.recovery_members
    context.say(f"recovery: {members:,} members with {LOTS} lots, then kill -9 while posting")
    with context.directory("recovery") as directory:
        ledger = directory / "ledger"
        filled = context.program(
            "recovery_bench",
            expect=-signal.SIGKILL,
            mode="fill",
            dir=ledger,
            members=members,
            lots=LOTS,
            tail=context.sizes.recovery_tail,
        )
        filled["disk_bytes"] = directory_bytes(ledger)
        opened = context.program("recovery_bench", mode="open", dir=ledger)
        if opened["sequence"] < filled["acknowledged"]:
            raise RuntimeError(f"acknowledged postings are gone: {filled}, {opened}")
        again = context.program("recovery_bench", mode="open", dir=ledger)
    context.say(
        f"opened in {opened['open_s']:.2f} s, of which {opened['replay_s']:.2f} s replayed"
        f" {opened['replayed_entries']:,.0f} entries; after a clean close {again['open_s']:.2f} s"
    )
    return results(filled, opened, again)


def results(filled: dict[str, Any], opened: dict[str, Any], again: dict[str, Any]) -> list[Result]:
    """Compare with the budgets."""
    rate = opened["replayed_entries"] / max(opened["replay_s"], 1e-9)
    details = {"filled": filled, "opened": opened, "opened_after_close": again}
    return [
        Result(NAMES[0], rate, "entries/s", BUDGET, REPLAY_ENTRIES_PER_S_MIN, details),
        Result(NAMES[1], opened["open_s"], "s", BUDGET, OPEN_S_MAX),
        Result(
            NAMES[2],
            filled["ram_bytes"],
            "bytes",
            BUDGET,
            RAM_BYTES_MAX,
            {
                "state_ram_bytes": filled["state_ram_bytes"],
                "after_opening": opened["ram_bytes"],
                "without_lots": filled["ram_bytes_opened"],
            },
        ),
    ]

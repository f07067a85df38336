"""Results, what each must reach, the table and the JSON file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

BUDGET = "budget"  # the peer of a result that is compared with its budget alone


@dataclass(frozen=True)
class Budget:
    """What a ratio must be: at least, or at most."""

    limit: float
    at_most: bool = False

    def met(self, ratio: float) -> bool:
        """Say whether `ratio` is good enough."""
        return ratio <= self.limit if self.at_most else ratio >= self.limit

    def __str__(self) -> str:
        """Write it for the table."""
        return f"{'<=' if self.at_most else '>='} {self.limit:g}"


AT_LEAST_BUDGET = Budget(1.0)
AT_MOST_BUDGET = Budget(1.0, at_most=True)

# The published budgets, on `ratio`. A name that is not here is told, not judged.
BUDGETS: dict[str, Budget] = {
    "post_batch_ordered_vs_raw": Budget(0.25),
    "post_batch_ordered_vs_postgres": Budget(20),
    "post_batch_random_vs_ordered": Budget(0.5),
    "post_single64_vs_postgres": Budget(20),
    "post_single64_vs_redis": Budget(1),
    "post_python_vs_cpp": Budget(0.8),
    "replay_entries_per_s": AT_LEAST_BUDGET,
    "open_after_crash_s": AT_MOST_BUDGET,
    "ram_bytes_per_member": AT_MOST_BUDGET,
    "disk_bytes_per_posting": AT_MOST_BUDGET,
    "at_once_lag_ms": AT_MOST_BUDGET,
    "at_once_days_lag_ms": AT_MOST_BUDGET,
    "tiers_vs_duckdb": Budget(5),
    "tiers_vs_polars": Budget(5),
    "rpc_balance50_vs_redis": Budget(1),
    "rpc_balance256_vs_redis_pipelined": Budget(5),
    "rpc_mixed_pause_ms": AT_MOST_BUDGET,
}


@dataclass(frozen=True)
class Result:
    """One measured value beside its peer's.

    `peer_value` is None without a peer; `details` says how the value came about.
    """

    name: str
    value: float
    unit: str
    peer: str
    peer_value: float | None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """`value` as a multiple of the peer's."""
        return self.value / self.peer_value if self.peer_value else None

    @property
    def verdict(self) -> str:
        """Say whether the budget is met, or missed by how much."""
        budget = BUDGETS.get(self.name)
        if budget is None or self.ratio is None:
            return ""
        if budget.met(self.ratio):
            return "met"
        return f"missed by {abs(1 - self.ratio / budget.limit):.0%}"

    def as_json(self) -> dict[str, Any]:
        """Return what goes into the file."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "peer": self.peer,
            "peer_value": self.peer_value,
            "ratio": self.ratio,
            "budget": str(BUDGETS.get(self.name, "")),
            "verdict": self.verdict,
            "details": self.details,
        }


def number(value: float | None) -> str:
    """Write a number with three or four digits that matter."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def print_table(results: Iterable[Result], console: Console) -> None:
    """Print one line a result."""
    table = Table(title="Benchmarks: medians; ratios are from this run, on this machine")
    for heading in ("name", "value", "unit", "peer", "peer's value", "ratio", "budget", ""):
        right = heading in ("value", "peer's value", "ratio", "budget")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for result in results:
        style = {"met": "green", "": ""}.get(result.verdict, "red")
        table.add_row(
            result.name,
            number(result.value),
            result.unit,
            result.peer,
            number(result.peer_value),
            number(result.ratio),
            str(BUDGETS.get(result.name, "")),
            f"[{style}]{result.verdict}[/]" if style else "",
        )
    console.print(table)


def machine_entry(machine: dict[str, Any]) -> dict[str, Any]:
    """Return the machine in the shape of a result, so that the file stays one plain list."""
    return {
        "name": "machine",
        "value": machine.pop("cores"),
        "unit": "cores",
        "peer": "",
        "peer_value": None,
        "ratio": None,
        "budget": "",
        "verdict": "",
        "details": machine,
    }


def write_json(results: Iterable[Result], machine: dict[str, Any], path: Path) -> None:
    """Write the results and, last, the machine."""
    entries = [result.as_json() for result in results] + [machine_entry(dict(machine))]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries, indent=2) + "\n")

"""How long a client waits for balances from ``loyaltyd``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

import loyalty

AT_ONCE = 256
_STEP = 8  # between the first members of two calls

Question = TypeVar("Question")


@dataclass(frozen=True)
class Latency:
    """Of calls that were made one after another.

    Attributes
    ----------
    members
        How many each call asked for.
    calls
        How many there were.
    p50_us, p99_us, max_us
        What half of them, 99 in 100, and all of them took at most, in microseconds.
    """

    members: int
    calls: int
    p50_us: float
    p99_us: float
    max_us: float


def measure(address: str, members: list[int]) -> tuple[Latency, ...]:
    """Ask for each member's balance, then for those of `AT_ONCE` members a call."""
    groups = [members[at : at + AT_ONCE] for at in range(0, len(members) - AT_ONCE + 1, _STEP)]
    with loyalty.connect(address) as ledger:
        return (
            _measure(1, ledger.balance, members),
            _measure(AT_ONCE, ledger.balances, groups),
        )


def _measure(
    members: int, ask: Callable[[Question], object], questions: Iterable[Question]
) -> Latency:
    taken_us = []
    for question in questions:
        began_ns = time.perf_counter_ns()
        ask(question)
        taken_us.append((time.perf_counter_ns() - began_ns) / 1_000)
    p50_us, p99_us, max_us = np.percentile(taken_us, [50, 99, 100])
    return Latency(members, len(taken_us), p50_us, p99_us, max_us)

"""A shop whose members climb two ladders, for tests of tiers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import loyalty

PROGRAM = """
name = "Shop"
time_zone = "UTC"

[currencies.points]

[ladders.status]
window = { model = "trailing", months = 12 }
validity = { months = 12 }

[ladders.status.metrics.spent]
of = "money"

[ladders.status.metrics.visits]
of = "postings"

[[ladders.status.levels]]
name = "blue"

[[ladders.status.levels]]
name = "silver"
when = [{ spent = 100 }, { visits = 5 }]

[[ladders.status.levels]]
name = "gold"
when = { spent = 500, visits = 2 }

[[ladders.status.levels]]
name = "black"
by_invitation = true

[ladders.badge]
window = { model = "lifetime" }

[ladders.badge.metrics.points]
of = "points"
currency = "points"

[[ladders.badge.levels]]
name = "none"

[[ladders.badge.levels]]
name = "collector"
when = { points = 50 }
"""
WHO: dict[str, Any] = {"actor": "mia", "reason": "a friend of the house"}


def day(year: int, month: int, of_month: int = 1) -> dt.datetime:
    return dt.datetime(year, month, of_month, tzinfo=dt.UTC)


def make_shop(path: Path) -> loyalty.Ledger:
    """Of 2023: ada spent 150, eve 600 in two visits and 10 in 2024, ben 20, and 7 nothing."""
    ledger = loyalty.create(path, program=loyalty.Program.from_toml(PROGRAM))
    ledger.open_members(["ada", "ben", "eve"], day(2023, 1))
    ledger.open_members([7], day(2023, 1))
    for member, money, points, time in (
        ("ada", 150, 15, day(2023, 6)),
        ("eve", 400, 40, day(2023, 6)),
        ("eve", 200, 20, day(2023, 7)),
        ("ben", 20, 2, day(2023, 8)),
        ("eve", 500, 1, day(2024, 6)),
        ("eve", 500, 1, day(2024, 7)),
    ):
        ledger.earn(member, points, money=money, effective_time=time)
    return ledger

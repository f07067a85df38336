"""Postings for tests written by hand: times in days from a centre, one currency."""

from __future__ import annotations

from typing import Any

from loyalty import Posting, Program

from .generator import CENTRE, DAY
from .posting import WITH_REASON


def day(number: float) -> int:
    return CENTRE + round(number * DAY)


def ask(kind: str, points: int = 0, at: float = 0, member: str = "ada", **fields: Any) -> Posting:
    """A posting, its times in days."""
    for name in ("expires", "activates", "deadline"):
        if name in fields:
            fields[f"{name}_time"] = day(fields.pop(name))
    if kind in WITH_REASON:
        fields = {"actor": "ann", "reason": "why", **fields}
    return Posting(kind, member, points, "points", effective_time=day(at), **fields)


def shop(currency: str = "", rule: str = "", zone: str = "UTC") -> Program:
    """A currency with a policy, and a rule that gives a point for 10 of money."""
    return Program.from_toml(
        f"""
        name = "shop"
        time_zone = "{zone}"
        [currencies.points]
        {currency}
        [currencies.miles]
        [rules.base]
        currency = "points"
        points_per_money = "1/10"
        {rule}
        """
    )

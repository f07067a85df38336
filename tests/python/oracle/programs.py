"""Programmes of all sorts (docs/programme.md), as documents."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from loyalty import Program

from .choosing import Chooser
from .generator import LADDERS, LEVELS, RULES

ZONES = (
    *("UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata", "Pacific/Apia"),
    "America/Adak",  # the clocks change at noon in UTC
    "America/Sao_Paulo",  # they leave out midnight
    "Australia/Lord_Howe",  # they change by half an hour
)
UNITS = ("none", "none", "day", "month", "quarter", "year")
DATES = ("02-29", "12-01", "11-30", "12-31", "06-30", "2001-12-03", "2002-01-31", "1999-12-31")


@dataclass
class ProgramGenerator:
    """Makes programmes of these currencies; most of them have all of them."""

    currencies: Sequence[str]

    def program(self, choose: Chooser) -> Program:
        names = [name for name in self.currencies if choose.chance(95)] or self.currencies[:1]
        currencies = [self.currency(choose, name) for name in names]
        ladders = self.ladders(choose, names)
        by_level = {
            currency
            for ladder in ladders
            for level in ladder["levels"]
            for currency in level.get("expiry", {})
        }
        rules = [self.rule(choose, name, names, by_level) for name in RULES if choose.chance(70)]
        form = {
            "format": 1,
            "name": "Shop",
            "time_zone": choose.one(ZONES),
            "currencies": currencies,
            "rules": rules,
            "ladders": ladders,
        }
        return Program.from_json(json.dumps(form))

    def currency(self, choose: Chooser, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "decimals": 1 if choose.chance(4) else 0,
            "expiry": self.expiry(choose),
            "pending": self.pending(choose, 15),
            "floor": choose.one((0, 0, 0, -20, 5)),
            "ceiling": choose.one((None, None, None, 80, 200)),
            "over_ceiling": choose.one(("reject", "clip")),
            "reversal": choose.one(("arrears", "stop_at_zero")),
            "return_of_expired_days": choose.one((0, 0, 1, 4)),
            "reinstate_within_days": choose.one((0, 2, 8, 30)),
            "transfer": choose.one(("keep_expiry", "keep_expiry", "restart_expiry", "forbidden")),
        }

    def ladders(self, choose: Chooser, currencies: Sequence[str]) -> list[dict[str, Any]]:
        """Ladders of levels that are given, which may let points expire otherwise."""
        names = [name for name in LADDERS if choose.chance(60)]
        of = {currency: choose.one(names) for currency in currencies if names and choose.chance(60)}
        return [
            {
                "name": name,
                "upgrade": "at_run",
                "downgrade": "full",
                "grace_days": 0,
                "lifetime": None,
                "metrics": [],
                "levels": self.levels(choose, [each for each in of if of[each] == name]),
            }
            for name in names
        ]

    def levels(self, choose: Chooser, currencies: Sequence[str]) -> list[dict[str, Any]]:
        first = choose.number(0, len(LEVELS) - 1)
        names = [*LEVELS[first:], *LEVELS[:first]][: choose.number(2, len(LEVELS))]
        levels = []
        for place, name in enumerate(names):
            some = [currency for currency in currencies if choose.chance(60)]
            expiry = {currency: self.expiry(choose) for currency in some}
            said = {"expiry": expiry} if expiry else {}
            level = {"name": name, "by_invitation": place > 0, "when": [], "validity": None}
            levels.append({**level, **said})
        return levels

    def rule(
        self, choose: Chooser, name: str, currencies: Sequence[str], by_level: Collection[str]
    ) -> dict[str, Any]:
        fractions = ([1, 10], [2, 1], [3, 7], [1, 2], [5, 3], [2**31 - 1, 1], None)
        currency = choose.one(currencies)
        silent = currency in by_level and choose.chance(60)
        return {
            "name": name,
            "currency": currency,
            "points_per_money": choose.one(fractions),
            "rounding": choose.one(("floor", "half_even", "ceil")),
            "expiry": None if silent else self.expiry(choose),
            "pending": self.pending(choose, 30),
            "over_ceiling": choose.one(("reject", "clip")),
        }

    def expiry(self, choose: Chooser) -> dict[str, Any]:
        model = choose.one(("never", "days", "months", "dates", "inactivity"))
        if model == "days":
            days, unit = choose.number(1, 12), choose.one(UNITS)
            return {"model": "rolling", "days": days, "months": 0, "round_up": unit}
        if model == "months":
            months, unit = choose.number(1, 3), choose.one(UNITS)
            return {"model": "rolling", "days": 0, "months": months, "round_up": unit}
        if model == "dates":
            dates = {choose.one(DATES) for _ in range(choose.number(1, 3))}
            return {"model": "dates", "dates": sorted(dates)}
        if model == "inactivity":
            return {"model": "inactivity", "months": choose.one((1, 1, 2, 3, 1, 2, 3, 3_600))}
        return {"model": "never"}

    def pending(self, choose: Chooser, percent: int) -> dict[str, int] | None:
        if not choose.chance(percent):
            return None
        return {choose.one(("days", "confirm_within_days")): choose.number(1, 8)}

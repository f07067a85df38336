"""A programme as docs/programme.md has it: what a posting leaves to it, and its policies."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil, floor
from typing import Any, cast

from loyalty import Posting

from .account import NEVER
from .journal import MOST, Filled
from .posting import LAST_TIME, makes_lot, micros, time
from .wall_time import Calendar

Policy = Mapping[str, Any]  # a currency or a rule, or a part of one, as in the normalised form
Levels = Mapping[str, str] | None  # that a member was given, by ladder; None: nobody's

DEFAULT: Policy = {  # of a currency (docs/programme.md)
    "decimals": 0,
    "expiry": {"model": "never"},
    "pending": None,
    "floor": 0,
    "ceiling": None,
    "over_ceiling": "reject",
    "reversal": "arrears",
    "return_of_expired_days": 0,
    "reinstate_within_days": 0,
    "transfer": "keep_expiry",
}
ACTIVITIES = ("earn", "redeem", "capture")  # of a currency that expires by inactivity
ROUNDINGS: dict[str, Callable[[Fraction], int]] = {"floor": floor, "half_even": round, "ceil": ceil}


class Program:
    """One version of the programme, from its normalised form.

    Parameters
    ----------
    text : str or None
        The JSON; None: there is none yet, and everything is as by default.
    version : int
        Its number.
    """

    def __init__(self, text: str | None = None, version: int = 0) -> None:
        default = {"time_zone": "UTC", "currencies": [], "rules": [], "ladders": []}
        form: dict[str, Any] = json.loads(text) if text else default
        self.text = text
        self.version = version
        self.calendar = Calendar(form["time_zone"])
        self.rules: dict[str, Policy] = {rule["name"]: rule for rule in form["rules"]}
        # Levels in rising order.
        self.ladders: dict[str, list[Policy]] = {of["name"]: of["levels"] for of in form["ladders"]}
        self._currencies: dict[str, Policy] = {of["name"]: of for of in form["currencies"]}

    @property
    def currencies(self) -> list[str]:
        return list(self._currencies)

    def has(self, currency: str | None) -> bool:
        """Whether postings may be of that currency, which the ledger has."""
        return self.text is None or currency in self._currencies

    def currency(self, name: str) -> Policy:
        """The policies of a currency."""
        return self._currencies.get(name, DEFAULT)

    @property
    def names(self) -> list[str]:
        """The texts of codes that it brings, in the order of its document."""
        ladders = [[name, *(of["name"] for of in levels)] for name, levels in self.ladders.items()]
        return [*self.rules, *(name for ladder in ladders for name in ladder)]

    def place(self, ladder: str, level: str | None) -> int:
        """Where a level is on a ladder; what is none of its levels counts as the first."""
        names = [of["name"] for of in self.ladders[ladder]]
        return names.index(level) if level in names else 0

    def policy(self, posting: Posting) -> Policy:
        """What says when a credit activates and is cut: its rule, or its currency."""
        assert posting.currency is not None
        return self._rule(posting) or self.currency(posting.currency)

    def expiry(self, posting: Posting, levels: Levels) -> Policy:
        """When a credit expires: by its rule, or its member's level, or its currency (rule 7)."""
        assert posting.currency is not None
        rule = self._rule(posting)
        if rule and rule["expiry"]:
            return cast(Policy, rule["expiry"])
        expiry = self._expiry_by_level(posting.currency, levels)
        return expiry or self.currency(posting.currency)["expiry"]

    def _rule(self, posting: Posting) -> Policy | None:
        return self.rules.get(posting.rule or "") if posting.kind == "earn" else None

    def _expiry_by_level(self, currency: str, levels: Levels) -> Policy | None:
        if levels is None:
            return None
        found = [
            of["expiry"][currency]
            for ladder, all_levels in self.ladders.items()
            for of in [all_levels[self.place(ladder, levels.get(ladder))]]
            if currency in of.get("expiry", {})
        ]
        return found[0] if found else None

    def fault(self, posting: Posting) -> str | None:
        """Why the programme cannot say what the posting leaves to it."""
        if posting.kind == "set_level":
            levels = self.ladders.get(posting.ladder or "", [])
            known = posting.level in [of["name"] for of in levels]
            return None if known else "level_not_found"
        if posting.ladder or posting.level:
            return "level_not_found"
        if posting.kind != "earn":
            return None
        rule = self.rules.get(posting.rule or "")
        if rule and rule["currency"] != posting.currency:
            return "rule_of_other_currency"
        if posting.points is None and (rule is None or self._points(rule, posting.money) is None):
            return "no_points_by_rule"
        return None

    def fill(self, posting: Posting, levels: Levels) -> Filled:
        """Say what a posting leaves unsaid; by its member's levels. There must be no fault."""
        points = posting.points or 0
        if posting.points is None and posting.kind == "earn":
            points = self.points_of(posting.money, posting.rule)
        expires, deadline = time(posting.expires_time), time(posting.deadline_time)
        activates, at = time(posting.activates_time), time(posting.effective_time)
        assert at is not None
        if not makes_lot(posting):
            filled = Filled(points, NEVER if expires is None else expires, activates, deadline)
            return self._as_activity(posting, filled, levels)
        if activates is None and deadline is None and posting.kind == "earn":
            pending = self.policy(posting)["pending"] or {}
            if "days" in pending:
                activates = self.calendar.add_days(at, pending["days"])
            elif pending:
                deadline = self.calendar.add_days(at, pending["confirm_within_days"])
                deadline = deadline if expires is None else min(deadline, expires)
        filled = Filled(points, NEVER, None if activates == at else activates, deadline)
        if expires is not None:
            filled = filled._replace(expires=expires)
        elif deadline is None:  # what waits for confirmation: it is then that it starts to count
            start = at if activates is None else activates
            filled = self.let_expire(filled, self.expiry(posting, levels), start)
        return self._as_activity(posting, filled, levels)

    def _as_activity(self, posting: Posting, filled: Filled, levels: Levels) -> Filled:
        """Say until when it lets points live that expire by inactivity (rule 7)."""
        if posting.kind not in ACTIVITIES or posting.currency is None:
            return filled
        both = (
            self._expiry_by_level(posting.currency, levels),
            self.currency(posting.currency)["expiry"],
        )
        expiry = next((of for of in both if of and of["model"] == "inactivity"), None)
        if expiry is None:
            return filled
        until = self.expiry_from(expiry, micros(posting.effective_time))
        until = max(until, filled.active_until or until)
        filled = filled._replace(active_until=until)
        shown = filled.by_inactivity or not makes_lot(posting)
        return filled._replace(expires=until) if shown else filled

    def let_expire(self, filled: Filled, expiry: Policy, start: int) -> Filled:
        """Let points expire as a currency, rule or level says, from an instant on."""
        until = self.expiry_from(expiry, start)
        return filled.expiring(until, by_inactivity=expiry["model"] == "inactivity")

    def expiry_from(self, expiry: Policy, start: int) -> int:
        """When points expire by a model; from 2200 on is never.

        Inactivity is over before that, so that an activity never ends it for ever.
        """
        if expiry["model"] == "inactivity":
            return min(self.calendar.add_months(start, expiry["months"]), LAST_TIME - 1)
        end: int | None = None
        if expiry["model"] == "rolling":
            months, days = expiry["months"], expiry["days"]
            end = self.calendar.add_months(start, months) if months else None
            end = self.calendar.add_days(start, days) if end is None else end
            end = self.calendar.end_of(end, expiry["round_up"])
        elif expiry["model"] == "dates":
            end = self.calendar.next_end_of(start, expiry["dates"])
        return NEVER if end is None or end >= LAST_TIME else end

    def points_of(self, money: int, rule: str | None) -> int:
        """What a rule makes of money, which is not too much for it."""
        points = self._points(self.rules[rule or ""], money)
        assert points is not None
        return points

    def _points(self, rule: Policy, money: int) -> int | None:
        if rule["points_per_money"] is None:
            return None
        points = ROUNDINGS[rule["rounding"]](money * Fraction(*rule["points_per_money"]))
        return points if points <= MOST else None

"""The normalised form of a document: all defaults said, all that is inherited resolved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from loyalty.program.document import (
    CurrencyTable,
    Dates,
    Document,
    Expiry,
    Inactivity,
    LadderTable,
    LevelTable,
    MetricTable,
    Never,
    Pending,
    Rolling,
    RulePending,
    RuleTable,
    Trailing,
    Validity,
    Window,
)
from loyalty.program.form import Ladder
from loyalty.program.relations import lineage


def normalise(document: Document) -> dict[str, Any]:
    """Return the normalised form of a document without problems."""
    bases = {name: {"based_on": rule.based_on} for name, rule in document.rules.items()}
    return {
        "format": 1,
        "name": document.name,
        "time_zone": document.time_zone,
        "currencies": [
            normal_currency(name, currency) for name, currency in document.currencies.items()
        ],
        "rules": [
            normal_rule(name, [document.rules[rule] for rule in lineage(name, bases)], document)
            for name in document.rules
        ],
        "ladders": [normal_ladder(name, ladder) for name, ladder in document.ladders.items()],
    }


def normal_currency(name: str, table: CurrencyTable) -> dict[str, Any]:
    """Return a currency's part of the normalised form."""
    returned = table.return_of_expired
    return {
        "name": name,
        "decimals": table.decimals,
        "expiry": _expiry(table.expiry),
        "pending": _pending(table.pending),
        "floor": table.floor,
        "ceiling": table.ceiling,
        "over_ceiling": table.over_ceiling,
        "reversal": table.reversal,
        "return_of_expired_days": returned.reinstate_days if returned else 0,
        "reinstate_within_days": table.reinstate_within_days,
        "transfer": table.transfer,
    }


def normal_rule(name: str, tables: list[RuleTable], document: Document) -> dict[str, Any]:
    """Return a rule's part of the normalised form: of its table, and those that it is based on."""
    said: dict[str, Any] = {}
    for table in tables:
        for key in table.model_fields_set:
            said.setdefault(key, getattr(table, key))
    currency = document.currencies[said["currency"]]
    inherited = None if said["currency"] in by_level(document.ladders.values()) else currency.expiry
    expiry = said.get("expiry", inherited)
    rate = said.get("points_per_money")
    return {
        "name": name,
        "currency": said["currency"],
        "points_per_money": list(rate) if rate else None,
        "rounding": said.get("rounding", RuleTable().rounding),
        "expiry": _expiry(expiry) if expiry else None,
        "pending": _pending(said.get("pending", currency.pending)),
        "over_ceiling": said.get("over_ceiling", currency.over_ceiling),
    }


def by_level(ladders: Iterable[LadderTable | Ladder]) -> set[str]:
    """Return the currencies of which some level says when they expire."""
    return {name for ladder in ladders for level in ladder.levels for name in level.expiry}


def normal_ladder(name: str, table: LadderTable) -> dict[str, Any]:
    """Return a ladder's part of the normalised form."""
    lifetime = table.lifetime
    first, *others = table.levels
    return {
        "name": name,
        "upgrade": table.upgrade,
        "downgrade": table.downgrade,
        "grace_days": table.grace_days,
        "lifetime": {"level": lifetime.level, "years": lifetime.years} if lifetime else None,
        "metrics": [
            normal_metric(metric, said, table.window) for metric, said in table.metrics.items()
        ],
        "levels": [_level(first, None), *(_level(level, table.validity) for level in others)],
    }


def normal_metric(name: str, table: MetricTable, window: Window | None) -> dict[str, Any]:
    """Return a metric's part of the normalised form; the window is its ladder's."""
    adds = table.of not in ("balance", "tenure_months")
    return {
        "name": name,
        "of": table.of,
        "currency": table.currency,
        "kinds": sorted(table.kinds or ["earn"]) if adds else None,
        "rules": _codes(table.rules),
        "channels": _codes(table.channels),
        "locations": _codes(table.locations),
        "categories": _codes(table.categories),
        "window": _window(table.window or window) if adds else None,
    }


def _level(table: LevelTable, validity: Validity | None) -> dict[str, Any]:
    when = table.when or []
    expiry = {currency: _expiry(each) for currency, each in table.expiry.items()}
    return {
        "name": table.name,
        "by_invitation": table.by_invitation,
        "when": [when] if isinstance(when, dict) else when,
        "validity": _validity(table.validity or validity),
        **({"expiry": expiry} if expiry else {}),
    }


def _window(window: Window | None) -> dict[str, Any] | None:
    if isinstance(window, Trailing):
        return {"model": "trailing", "days": window.days or 0, "months": window.months or 0}
    return window.model_dump() if window else None


def _validity(validity: Validity | None) -> dict[str, Any] | None:
    if validity is None:
        return None
    days, months = validity.days or 0, validity.months or 0
    return {"days": days, "months": months, "round_up": validity.round_up}


def _codes(codes: list[str] | None) -> list[str] | None:
    return sorted(codes) if codes else None


def _expiry(expiry: Expiry) -> dict[str, Any]:
    match expiry:
        case Never():
            return {"model": "never"}
        case Rolling():
            days, months = expiry.days or 0, expiry.months or 0
            spans = {"days": days, "months": months}
            return {"model": "rolling", **spans, "round_up": expiry.round_up}
        case Dates():
            return {"model": "dates", "dates": sorted(expiry.dates)}
        case Inactivity():
            return {"model": "inactivity", "months": expiry.months}


def _pending(pending: Pending | RulePending | None) -> dict[str, int] | None:
    if pending is None:
        return None
    if pending.confirm_within_days:
        return {"confirm_within_days": pending.confirm_within_days}
    return {"days": pending.days} if pending.days else None

"""Programmes as documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loyalty.program.document import CurrencyTable, RuleTable
from loyalty.program.form import Currency, Form, Pending, Rule
from loyalty.program.ladder_writing import said_of_ladder
from loyalty.program.normalising import by_level, normal_currency
from loyalty.program.notation import Path, inline, key_text, quoted
from loyalty.program.span_writing import expiry_value

Values = Mapping[str, Any]


def to_toml(form: Form) -> str:
    """Return a document of this meaning, without what is so by default."""
    lines = [f"name = {quoted(form.name)}", f"time_zone = {quoted(form.time_zone)}"]
    for currency in form.currencies:
        lines += _table(("currencies", currency.name), said_of_currency(currency))
    for rule in form.rules:
        lines += _table(("rules", rule.name), said_of_rule(rule, form))
    for ladder in form.ladders:
        path: Path = ("ladders", ladder.name)
        said = dict(said_of_ladder(ladder))
        metrics, levels = said.pop("metrics", {}), said.pop("levels")
        lines += _table(path, said)
        for name, metric in metrics.items():
            lines += _table((*path, "metrics", name), metric)
        for level in levels:
            lines += _table((*path, "levels"), level, in_list=True)
    return "\n".join(lines) + "\n"


def currency_values(currency: Currency) -> dict[str, Any]:
    """Return all that a currency's table could say, in its order; None for what is not there."""
    returned = currency.return_of_expired_days
    return {
        "decimals": currency.decimals,
        "expiry": expiry_value(currency.expiry),
        "pending": _pending(currency.pending),
        "floor": currency.floor,
        "ceiling": currency.ceiling,
        "over_ceiling": currency.over_ceiling,
        "reversal": currency.reversal,
        "return_of_expired": {"reinstate_days": returned} if returned else "expire",
        "reinstate_within_days": currency.reinstate_within_days,
        "transfer": currency.transfer,
    }


def rule_values(rule: Rule) -> dict[str, Any]:
    """Return all that a rule's table could say, in its order; None for what is not there."""
    rate = rule.points_per_money
    return {
        "currency": rule.currency,
        "points_per_money": _rate(*rate) if rate else None,
        "rounding": rule.rounding,
        "expiry": expiry_value(rule.expiry) if rule.expiry else None,
        "pending": _pending(rule.pending) or {"days": 0},
        "over_ceiling": rule.over_ceiling,
    }


def said_of_currency(currency: Currency) -> Values:
    """Return what a currency's table has to say: its expiry, and what is not by default."""
    silent = Currency.model_validate(normal_currency(currency.name, CurrencyTable()))
    return _without(currency_values(currency), currency_values(silent), keep="expiry")


def said_of_rule(rule: Rule, form: Form) -> Values:
    """Return what a rule's table has to say: its currency, and what is not as of that."""
    currency = next(each for each in form.currencies if each.name == rule.currency)
    silent = Rule(
        name=rule.name,
        currency=rule.currency,
        points_per_money=None,
        rounding=RuleTable().rounding,
        expiry=None if currency.name in by_level(form.ladders) else currency.expiry,
        pending=currency.pending,
        over_ceiling=currency.over_ceiling,
    )
    return _without(rule_values(rule), rule_values(silent), keep="currency")


def _without(values: Values, silent: Values, *, keep: str) -> Values:
    return {key: value for key, value in values.items() if key == keep or value != silent[key]}


def _table(path: Path, values: Values, *, in_list: bool = False) -> list[str]:
    said = [f"{key} = {inline(value)}" for key, value in values.items()]
    header = f"[{key_text(path)}]"
    return ["", f"[{header}]" if in_list else header, *said]


def _pending(pending: Pending | None) -> dict[str, int] | None:
    if pending is None:
        return None
    if pending.days:
        return {"days": pending.days}
    return {"confirm_within_days": pending.confirm_within_days}


def _rate(numerator: int, denominator: int) -> int | str:
    return numerator if denominator == 1 else f"{numerator}/{denominator}"

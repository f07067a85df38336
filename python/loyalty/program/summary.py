"""Programmes for people: what they say, in short."""

from __future__ import annotations

import html
from typing import Any

import pyarrow as pa

from loyalty._table import Table
from loyalty.program.document import Cycle, Inactivity
from loyalty.program.form import (
    Dates,
    Expiry,
    Form,
    Ladder,
    Level,
    Metric,
    Pending,
    Rolling,
    Trailing,
    Window,
)
from loyalty.program.ladder_relations import FILTERS
from loyalty.program.ladder_writing import metric_values
from loyalty.program.writing import currency_values, rule_values

_WINDOWS = {
    "calendar_year": "calendar year",
    "anniversary": "year of membership",
    "since_change": "since the last change",
    "lifetime": "lifetime",
}


def summary(form: Form) -> dict[str, list[dict[str, str]]]:
    """Return the rows of the tables of `Program.summary`: columns and texts."""
    currencies = [
        {
            "currency": currency.name,
            "expiry": expiry_text(currency.expiry),
            "pending": pending_text(currency.pending),
            **_texts(currency_values(currency), leave_out=("expiry", "pending")),
        }
        for currency in form.currencies
    ]
    rules = [
        {
            "rule": rule.name,
            **_texts(rule_values(rule), leave_out=("expiry", "pending")),
            "expiry": expiry_text(rule.expiry),
            "pending": pending_text(rule.pending),
        }
        for rule in form.rules
    ]
    ladders = form.ladders
    return {
        "currencies": currencies,
        "rules": rules,
        "ladders": [_ladder(ladder) for ladder in ladders],
        "metrics": [_metric(ladder, metric) for ladder in ladders for metric in ladder.metrics],
        "levels": [_level(ladder, level) for ladder in ladders for level in ladder.levels],
    }


def as_html(form: Form) -> str:
    """Return a heading and the tables."""
    tables = [Table(pa.Table.from_pylist(rows)) for rows in summary(form).values() if rows]
    heading = f"<p><b>{html.escape(form.name)}</b> ({html.escape(form.time_zone)})</p>"
    return heading + "".join(table._repr_html_() for table in tables)


def expiry_text(expiry: Expiry | None) -> str:
    """Return when points expire; None: a rule leaves it to the members' levels."""
    match expiry:
        case None:
            return "by level"
        case Rolling():
            return _rounded(_span(expiry.days, expiry.months), expiry.round_up)
        case Dates():
            return f"end of {', '.join(expiry.dates)}"
        case Inactivity():
            return f"{_count(expiry.months, 'month')} without activity"
        case _:
            return "never"


def pending_text(pending: Pending | None) -> str:
    """Return when points become active."""
    if pending is None:
        return "none"
    if pending.days:
        return _count(pending.days, "day")
    return f"until confirmed, within {_count(pending.confirm_within_days, 'day')}"


def window_text(window: Window | None) -> str:
    """Return the time that a metric looks back on."""
    match window:
        case None:
            return "none"
        case Trailing():
            return f"last {_span(window.days, window.months)}"
        case Cycle():
            return f"{_count(window.months, 'month')}, counted from {window.start}"
        case _:
            return _WINDOWS[window.model]


def condition_text(level: Level) -> str:
    """Return what it takes to be on a level."""
    if level.by_invitation:
        return "invitation"
    texts = [
        " and ".join(f"{name} ≥ {least:,}" for name, least in alternative.items())
        for alternative in level.when
    ]
    return ", or ".join(texts) or "nothing"


def validity_text(ladder: Ladder, level: Level) -> str:
    """Return how long a level is kept."""
    if level == ladder.levels[0] or ladder.downgrade == "never":
        return "always"
    if level.validity is None:
        return "as given" if level.by_invitation else "while earned"
    span = _span(level.validity.days, level.validity.months)
    return _rounded(span, level.validity.round_up)


def _ladder(ladder: Ladder) -> dict[str, str]:
    lifetime = ladder.lifetime
    lasting = f"{lifetime.level} after {_count(lifetime.years, 'year')}" if lifetime else "none"
    return {
        "ladder": ladder.name,
        "upgrade": ladder.upgrade,
        "downgrade": ladder.downgrade,
        "grace_days": f"{ladder.grace_days:,}",
        "lifetime": lasting,
    }


def _metric(ladder: Ladder, metric: Metric) -> dict[str, str]:
    texts = {key: _listed(value) for key, value in metric_values(metric).items()}
    texts["window"] = window_text(metric.window)
    texts |= {key: "all" for key in FILTERS if getattr(metric, key) is None}
    if metric.currency is None and metric.of != "tenure_months":
        texts["currency"] = "any"
    return {"ladder": ladder.name, "metric": metric.name, **texts}


def _level(ladder: Ladder, level: Level) -> dict[str, str]:
    return {
        "ladder": ladder.name,
        "level": level.name,
        "needs": condition_text(level),
        "validity": validity_text(ladder, level),
        "expiries": _expiries_text(level),
    }


def _expiries_text(level: Level) -> str:
    texts = [f"{currency} {expiry_text(expiry)}" for currency, expiry in level.expiry.items()]
    return "; ".join(texts) or "the currency's"


def _listed(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else _text(value)


def _texts(values: dict[str, Any], leave_out: tuple[str, ...]) -> dict[str, str]:
    return {key: _text(value) for key, value in values.items() if key not in leave_out}


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _rounded(span: str, end: str) -> str:
    return span if end == "none" else f"{span}, to the end of the {end}"


def _span(days: int, months: int) -> str:
    return _count(days, "day") if days else _count(months, "month")


def _count(count: int, unit: str) -> str:
    return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"

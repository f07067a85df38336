"""Programmes for people: what they say, in short."""

from __future__ import annotations

import html
from typing import Any

import pyarrow as pa

from loyalty._table import Table
from loyalty.program.document import Inactivity
from loyalty.program.form import Dates, Expiry, Form, Pending, Rolling
from loyalty.program.writing import currency_values, rule_values


def summary(form: Form) -> dict[str, list[dict[str, str]]]:
    """Return the rows of two tables, ``currencies`` and ``rules``: columns and texts."""
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
    return {"currencies": currencies, "rules": rules}


def as_html(form: Form) -> str:
    """Return a heading and both tables."""
    tables = [Table(pa.Table.from_pylist(rows)) for rows in summary(form).values() if rows]
    heading = f"<p><b>{html.escape(form.name)}</b> ({html.escape(form.time_zone)})</p>"
    return heading + "".join(table._repr_html_() for table in tables)


def expiry_text(expiry: Expiry) -> str:
    """Return when points expire."""
    match expiry:
        case Rolling():
            span = _count(expiry.days, "day") if expiry.days else _count(expiry.months, "month")
            end = expiry.round_up
            return span if end == "none" else f"{span}, to the end of the {end}"
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


def _texts(values: dict[str, Any], leave_out: tuple[str, ...]) -> dict[str, str]:
    return {key: _text(value) for key, value in values.items() if key not in leave_out}


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _count(count: int, unit: str) -> str:
    return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"

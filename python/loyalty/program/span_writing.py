"""Expiries, windows and validities as documents write them."""

from __future__ import annotations

from typing import Any

from loyalty.program.document import Inactivity
from loyalty.program.form import Dates, Expiry, Rolling, Trailing, Validity, Window


def expiry_value(expiry: Expiry) -> dict[str, Any]:
    """Return when points expire."""
    match expiry:
        case Rolling():
            return {"model": "rolling", **_span(expiry), **_rounded(expiry)}
        case Dates():
            return {"model": "dates", "dates": list(expiry.dates)}
        case Inactivity():
            return {"model": "inactivity", "months": expiry.months}
        case _:
            return {"model": "never"}


def window_value(window: Window | None) -> dict[str, Any] | None:
    """Return the time that a metric looks back on."""
    if isinstance(window, Trailing):
        return {"model": window.model, **_span(window)}
    return window.model_dump() if window else None


def validity_value(validity: Validity | None) -> dict[str, Any] | None:
    """Return how long a level is kept."""
    return {**_span(validity), **_rounded(validity)} if validity else None


def _span(span: Rolling | Trailing | Validity) -> dict[str, int]:
    return {"days": span.days} if span.days else {"months": span.months}


def _rounded(span: Rolling | Validity) -> dict[str, str]:
    return {} if span.round_up == "none" else {"round_up": span.round_up}

"""The picture of `loyalty report`. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loyalty.errors import LoyaltyError

try:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
except ImportError as error:
    raise LoyaltyError(
        "a picture needs matplotlib: install it with pip, or leave out --picture"
    ) from error

# Okabe and Ito's palette: told apart with any colour vision, and by lightness in print.
_REDEEMED, _EXPIRED, _OUTSTANDING = "#E69F00", "#CC79A7", "#009E73"


def draw_report(
    expiries: Sequence[dict[str, Any]], months: Sequence[dict[str, Any]], path: Path
) -> None:
    """Save, for each currency, what expires when, and what became of what was issued when.

    Parameters
    ----------
    expiries
        ``currency``, ``expiry_month`` and ``outstanding``, in order.
    months
        The rows of `Ledger.breakage`.
    path
        A PNG or SVG file.
    """
    currencies = list(dict.fromkeys(row["currency"] for row in months))
    # Without pyplot: no display, no global state.
    figure = Figure(figsize=(9, 4.5 * max(1, len(currencies))), dpi=150, layout="constrained")
    places = figure.subplots(max(1, len(currencies)), 2, squeeze=False)
    for row, currency in zip(places, currencies, strict=False):
        issued = [m for m in months if m["currency"] == currency and m["issue_month"]]
        left = [m for m in expiries if m["currency"] == currency]
        _draw_issued(row[0], currency, issued)
        _draw_expiring(row[1], left)
    figure.savefig(path)


def _draw_issued(axes: Axes, currency: str, rows: Sequence[dict[str, Any]]) -> None:
    labels = [f"{row['issue_month']:%Y-%m}" for row in rows]
    bottom = [0] * len(rows)
    parts = (("redeemed", _REDEEMED), ("expired", _EXPIRED), ("outstanding", _OUTSTANDING))
    for name, colour in parts:
        heights = [row[name] for row in rows]
        axes.bar(labels, heights, bottom=bottom, color=colour, label=name)
        bottom = [below + height for below, height in zip(bottom, heights, strict=True)]
    axes.set_title(f"{currency}, by month of issue", loc="left")
    axes.legend(frameon=False)
    _tidy(axes)


def _draw_expiring(axes: Axes, rows: Sequence[dict[str, Any]]) -> None:
    labels = ["never" if r["expiry_month"] is None else f"{r['expiry_month']:%Y-%m}" for r in rows]
    axes.bar(labels, [row["outstanding"] for row in rows], color=_OUTSTANDING)
    axes.set_title("outstanding, by month of expiry", loc="left")
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.tick_params(axis="x", labelrotation=90)
    axes.spines[["top", "right"]].set_visible(False)

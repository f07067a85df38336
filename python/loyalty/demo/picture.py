"""Points by month as a picture."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import matplotlib
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

# Okabe and Ito's palette: told apart with any colour vision, and by lightness in print.
EARNED, REDEEMED, OUTSTANDING = "#0072B2", "#E69F00", "#009E73"
_TEXT, _GRID = "#333333", "#DDDDDD"
_BAR_MONTHS = 0.4


def draw_months(months: pl.DataFrame, path: Path, *, title: str, note: str) -> None:
    """Save a picture of what was earned and redeemed by month, and what is outstanding at its end.

    Parameters
    ----------
    months
        As :func:`loyalty.demo.figures.by_month` returns it.
    path
        The PNG file.
    title, note
        Above and below the picture.
    """
    with matplotlib.rc_context({"font.size": 10, "text.color": _TEXT, "axes.labelcolor": _TEXT}):
        # Without pyplot: no display, no global state, no warning in a thread.
        figure = Figure(figsize=(9, 6.2), dpi=150)
        figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.1)
        movement, standing = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        places = list(range(months.height))
        _draw_movement(movement, places, months)
        _draw_standing(standing, places, months)
        standing.set_xticks(places, [_month_label(month) for month in months["month"]])
        figure.suptitle(title, x=0.01, ha="left", fontsize=14, fontweight="bold")
        figure.supxlabel(note, x=0.01, ha="left", fontsize=8, color="#666666")
        figure.savefig(path)


def _draw_movement(axes: Axes, places: list[int], months: pl.DataFrame) -> None:
    left = [place - _BAR_MONTHS / 2 for place in places]
    right = [place + _BAR_MONTHS / 2 for place in places]
    axes.bar(left, months["earned"].to_list(), _BAR_MONTHS, color=EARNED, label="Earned")
    axes.bar(right, months["redeemed"].to_list(), _BAR_MONTHS, color=REDEEMED, label="Redeemed")
    axes.set_ylabel("Points in the month")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, borderaxespad=0.2)
    _tidy(axes)


def _draw_standing(axes: Axes, places: list[int], months: pl.DataFrame) -> None:
    outstanding = months["outstanding"].to_list()
    axes.fill_between(places, outstanding, color=OUTSTANDING, alpha=0.15, linewidth=0)
    axes.plot(places, outstanding, color=OUTSTANDING, marker="o", markersize=4, linewidth=2)
    if places:
        axes.annotate(
            f"{outstanding[-1]:,}",
            (places[-1], outstanding[-1]),
            xytext=(0, -18),
            textcoords="offset points",
            ha="right",
            color=OUTSTANDING,
            fontweight="bold",
        )
    axes.set_ylabel("Outstanding\nat month's end")
    axes.margins(y=0.2)
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(_in_millions))
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=_TEXT)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#999999")


def _month_label(month: date) -> str:
    return month.strftime("%b\n%Y" if month.month == 1 else "%b")


def _in_millions(value: float, _place: int | None = None) -> str:
    return "0" if value == 0 else f"{value / 1e6:g} M"

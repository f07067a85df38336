"""The picture of a run of tiers: who went from which level to which. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from loyalty.errors import LoyaltyError

try:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap, to_rgba
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch
except ImportError as error:
    raise LoyaltyError("a picture needs matplotlib: install it with pip") from error

if TYPE_CHECKING:
    from loyalty._tiers import TierRun

# Blue and vermilion of Okabe and Ito: told apart with any colour vision.
_CLIMBED, _FELL, _STAYED = "#0072B2", "#D55E00", "#D9D9D9"
_NOBODY = "#FAFAFA"
_PALE = 0.18  # of a colour, for the smallest move
_DARK = 0.75  # from here on, letters are white
_CELL_INCHES = 1.1, 0.55
_LONGEST_NAME = 18
_LONGEST_LEVEL_ABOVE = 9  # longer ones are written aslant


class Picture(Figure):
    """A figure that notebooks show by themselves, without pyplot."""

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def draw(run: TierRun, ladders: Sequence[str]) -> Picture:
    """Return a matrix a ladder, one below the other; see `TierRun.picture`."""
    matrices = [run.matrix(ladder) for ladder in ladders]
    sizes = [len(members) + 1 for members in matrices]
    width = max(6.5, _CELL_INCHES[0] * max(sizes) + 2.4)
    heights = [_CELL_INCHES[1] * size + 1.2 for size in sizes]
    figure = Picture(figsize=(width, sum(heights) + 0.5), dpi=150, layout="constrained")
    places = figure.subplots(len(ladders), 1, squeeze=False, height_ratios=heights)
    for axes, ladder, members in zip(places[:, 0], ladders, matrices, strict=True):
        _draw_ladder(axes, ladder, run.levels[ladder], members)
    dry = ", a dry run" if run.dry_run else ""
    figure.suptitle(
        f"Tiers as of {run.at:%Y-%m-%d %H:%M} UTC, {run.assessed:,} members{dry}",
        x=0.01,
        ha="left",
        fontsize="medium",
        color="dimgray",
    )
    colours = {"climbed": _CLIMBED, "fell": _FELL, "stayed": _STAYED}
    figure.legend(
        handles=[Patch(color=colour, label=label) for label, colour in colours.items()],
        loc="outside lower left",
        ncols=len(colours),
        frameon=False,
        fontsize="small",
    )
    return figure


def _draw_ladder(
    axes: Axes, ladder: str, levels: Sequence[str], members: NDArray[np.int64]
) -> None:
    count = len(levels)
    axes.imshow(_colours(members), aspect="auto", extent=(-0.5, count - 0.5, count - 0.5, -0.5))
    strengths = _strengths(members)
    for (was, now), here in np.ndenumerate(members):
        white = was != now and strengths[was, now] > _DARK
        _write(axes, now, was, f"{here:,}" if here else "", color="white" if white else "black")
    befores, afters = members.sum(axis=1), members.sum(axis=0)
    for at, (before, after) in enumerate(zip(befores, afters, strict=True)):
        _write(axes, count, at, f"{before:,}", color="dimgray")
        change = f"\n{after - before:+,}" if after != before else ""
        _write(axes, at, count, f"{after:,}{change}", color="dimgray")
    names = [_short(level) for level in levels]
    places = range(count + 1)
    axes.set_xticks(places, [*(f"to {name}" for name in names), "before"], parse_math=False)
    axes.set_yticks(places, [*(f"from {name}" for name in names), "after"], parse_math=False)
    axes.set_xlim(-0.5, count + 0.5)
    axes.set_ylim(count + 0.5, -0.5)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    if max(map(len, names)) > _LONGEST_LEVEL_ABOVE:
        for label in axes.get_xticklabels():
            label.set(rotation=30, ha="left", rotation_mode="anchor")
    axes.set_xticks(np.arange(count + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)
    climbed, fell = np.triu(members, 1).sum(), np.tril(members, -1).sum()
    told = f"{climbed:,} climbed, {fell:,} fell, {members.trace():,} stayed"
    title = f"{_short(ladder)}: {told}"
    axes.set_title(title, loc="left", fontweight="bold", parse_math=False)


def _strengths(members: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how dark each move is, by its share of the largest one: as its square root."""
    moves = members - np.diag(members.diagonal())
    shares: NDArray[np.float64] = np.sqrt(moves / max(int(moves.max()), 1))
    return _PALE + (1 - _PALE) * shares


def _colours(members: NDArray[np.int64]) -> NDArray[np.float64]:
    strengths = _strengths(members)
    up, down = (
        LinearSegmentedColormap.from_list("", ["white", colour])(strengths)
        for colour in (_CLIMBED, _FELL)
    )
    colours = np.where(np.triu(np.ones(members.shape, bool))[..., None], up, down)
    colours[members == 0] = to_rgba(_NOBODY)
    colours[np.diag_indices(len(members))] = to_rgba(_STAYED)
    return colours


def _write(axes: Axes, x: int, y: int, text: str, *, color: str) -> None:
    axes.text(x, y, text, ha="center", va="center", color=color)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"

"""Days, months and periods in a zone, as Polars' expressions on instants in microseconds.

Assumes what holds of the zones used: clocks change on a full hour, by one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

_HOUR = 3_600_000_000
_UNITS = {"day": "1d", "month": "1mo", "quarter": "1q", "year": "1y"}


class Window(NamedTuple):
    """The window of a metric, if it has periods."""

    model: str
    months: int | None
    start: str | None


@dataclass(frozen=True)
class Calendar:
    """The calendar of a zone."""

    zone: str

    def wall(self, us: pl.Expr) -> pl.Expr:
        """The time of day, without a zone."""
        utc = pl.from_epoch(us, "us").dt.replace_time_zone("UTC")
        return utc.dt.convert_time_zone(self.zone).dt.replace_time_zone(None)

    def instant(self, wall: pl.Expr) -> pl.Expr:
        """The first instant with that time of day; of one left out, when the clocks change."""
        hour_before = wall.dt.truncate("1h").dt.offset_by("-1h")
        return pl.coalesce(self._exact(wall), self._exact(hour_before) + _HOUR)

    def _exact(self, wall: pl.Expr) -> pl.Expr:
        zoned = wall.dt.replace_time_zone(self.zone, ambiguous="earliest", non_existent="null")
        return zoned.dt.epoch("us")

    def add_days(self, us: pl.Expr, days: int) -> pl.Expr:
        return self.instant(self.wall(us).dt.offset_by(f"{days}d"))

    def add_months(self, us: pl.Expr, months: int) -> pl.Expr:
        return self.instant(self.wall(us).dt.offset_by(f"{months}mo"))

    def end_of(self, us: pl.Expr, unit: str) -> pl.Expr:
        """The first end of a unit at or after an instant."""
        if unit == "none":
            return us
        start = self.wall(us).dt.truncate(_UNITS[unit])
        after = self.instant(start.dt.offset_by(_UNITS[unit]))
        return pl.when(self.instant(start) == us).then(us).otherwise(after)

    def half_year_end(self, us: pl.Expr) -> pl.Expr:
        """The first end of 30 June or 31 December after an instant."""
        quarter = self.wall(us).dt.truncate("1q")
        odd = quarter.dt.quarter() % 2 == 1
        end = pl.when(odd).then(quarter.dt.offset_by("6mo")).otherwise(quarter.dt.offset_by("3mo"))
        return self.instant(end)

    def tenure_months(self, opened_us: pl.Expr, us: pl.Expr) -> pl.Expr:
        """Whole months from one instant to another."""
        opened = self.wall(opened_us)
        months = _months(self.wall(us)) - _months(opened)
        late = self.instant(_later(opened, months)) > us
        return pl.max_horizontal(0, months - late.cast(pl.Int64))

    def with_period(
        self, frame: pl.DataFrame, window: Window, us: str, name: str, after: int = 0
    ) -> pl.DataFrame:
        """Add when the period of a window began that an instant is in; `after` = 1: when it ends.

        Parameters
        ----------
        frame : polars.DataFrame
            With ``opened_us``, if the window is of anniversaries.
        window : Window
            Of periods.
        us, name : str
            The columns of the instants, and of what is found.
        """
        first = pl.col("of first")
        if window.model == "anniversary":
            day = self.wall(pl.col("opened_us")).dt.truncate("1d")
        else:
            start = dt.datetime.fromisoformat(window.start or "2000-01-01")
            day = pl.lit(start, dtype=pl.Datetime("us"))
        length = window.months or 12
        at = pl.col(us)
        # At first it is that of the month; which may begin later in the month.
        number = (_months(self.wall(at)) - _months(first)) // length * length
        later = (self.instant(_later(first, pl.col("of number"))) > at).cast(pl.Int64)
        return (
            frame.with_columns(day.alias("of first"))
            .with_columns(number.alias("of number"))
            .with_columns((pl.col("of number") + length * (after - later)).alias("of number"))
            .with_columns(self.instant(_later(first, pl.col("of number"))).alias(name))
            .drop("of first", "of number")
        )


def _months(wall: pl.Expr) -> pl.Expr:
    return wall.dt.year().cast(pl.Int64) * 12 + wall.dt.month().cast(pl.Int64)


def _later(wall: pl.Expr, months: pl.Expr) -> pl.Expr:
    return wall.dt.offset_by(pl.format("{}mo", months))

"""Days, months and years in a programme's time zone (docs/programme.md, rule 2), by zoneinfo."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from .posting import micros

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_DAY = dt.timedelta(days=1)
_MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}


class Calendar:
    """Instants are microseconds since 1970; a wall time is a datetime without a zone."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)

    def wall(self, at: int) -> dt.datetime:
        """What the clocks show at an instant."""
        return self._wall(_EPOCH + at * _MICROSECOND)

    def _wall(self, at: dt.datetime) -> dt.datetime:
        return at.astimezone(self._zone).replace(tzinfo=None, fold=0)

    def instant(self, wall: dt.datetime) -> int:
        """When the clocks first show a time; if they leave it out, when they are changed."""
        at = wall.replace(tzinfo=self._zone).astimezone(dt.UTC)
        if self._wall(at) == wall:
            return micros(at)
        before, after = at - _DAY, at + _DAY  # the clocks show less, and more
        while after - before > _MICROSECOND:
            middle = before + (after - before) // 2
            before, after = (middle, after) if self._wall(middle) < wall else (before, middle)
        return micros(after)

    def add_days(self, at: int, days: int) -> int:
        """The same time of day, so many days later."""
        return self.instant(self.wall(at) + days * _DAY)

    def add_months(self, at: int, months: int) -> int:
        """The same day and time, so many months later; or the month's last day."""
        wall = self.wall(at)
        year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
        day = _clipped(year, month + 1, wall.day)
        return self.instant(dt.datetime.combine(day, wall.time()))

    def end_of(self, at: int, unit: str) -> int:
        """The first end of a day, month, quarter or year at or after an instant."""
        if unit == "none":
            return at
        start = self.wall(at).date()
        if unit != "day":
            start = start.replace(day=1)
            start = _later(start, -((start.month - 1) % _MONTHS_OF[unit]))
        if self._midnight(start) >= at:
            return self._midnight(start)
        return self._midnight(start + _DAY if unit == "day" else _later(start, _MONTHS_OF[unit]))

    def next_end_of(self, at: int, dates: Sequence[str]) -> int | None:
        """The first end of a day among MM-DD and YYYY-MM-DD after an instant, if there is one."""
        year = self.wall(at).year
        days = []
        for date in dates:
            *of_year, month, day = (int(part) for part in date.split("-"))
            days += [_clipped(y, month, day) for y in of_year or (year - 1, year, year + 1)]
        ends = (self._midnight(day + _DAY) for day in days)
        return min((end for end in ends if end > at), default=None)

    def month(self, at: int) -> dt.date:
        """The first day of the month of an instant."""
        return self.wall(at).date().replace(day=1)

    def _midnight(self, day: dt.date) -> int:
        return self.instant(dt.datetime.combine(day, dt.time()))


def _clipped(year: int, month: int, day: int) -> dt.date:
    return dt.date(year, month, min(day, calendar.monthrange(year, month)[1]))


def _later(first_of_month: dt.date, months: int) -> dt.date:
    year, month = divmod(first_of_month.year * 12 + first_of_month.month - 1 + months, 12)
    return dt.date(year, month + 1, 1)

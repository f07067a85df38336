"""Instants at which calendars and windows go wrong, of a zone and of the runs to come.

All times are integer microseconds since 1970 UTC.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable
from random import Random
from zoneinfo import ZoneInfo

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def micros(at: dt.datetime) -> int:
    """The instant of an aware time."""
    return (at - _EPOCH) // dt.timedelta(microseconds=1)


def wall(at_us: int, zone: ZoneInfo) -> dt.datetime:
    """The time of day in a zone, aware."""
    return (_EPOCH + dt.timedelta(microseconds=at_us)).astimezone(zone)


def of_wall(zone: ZoneInfo, *parts: int) -> int:
    """The instant of a year, month, day, hour and so on in a zone."""
    year, month, day, hour, minute, second, micro = [*parts, 0, 0, 0, 0][:7]
    return micros(dt.datetime(year, month, day, hour, minute, second, micro, tzinfo=zone))


def clock_changes(zone: ZoneInfo, years: Iterable[int]) -> list[int]:
    """The instants at which the clocks change; whole hours."""
    changes = []
    for year in years:
        hour = of_wall(zone, year, 1, 1) // HOUR * HOUR
        last = wall(hour, zone).utcoffset()
        while wall(hour, zone).year == year:
            if wall(hour, zone).utcoffset() != last:
                changes.append(hour)
                last = wall(hour, zone).utcoffset()
            hour += HOUR
    return changes


def shifted(at_us: int, zone: ZoneInfo, months: int) -> int:
    """So many months later at the same time of day; close enough to find edges."""
    local = wall(at_us, zone)
    month = local.year * 12 + local.month - 1 + months
    year, month = month // 12, month % 12 + 1
    day = min(local.day, calendar.monthrange(year, month)[1])
    return micros(local.replace(year=year, month=month, day=day))


class Moments:
    """A maker of instants within a span, some of them awkward.

    Parameters
    ----------
    zone : str
        The programme's.
    first, last : int
        The years of it.
    runs : list of int
        The instants of the runs, in microseconds.
    """

    def __init__(self, zone: str, first: int, last: int, runs: list[int]) -> None:
        self.zone = ZoneInfo(zone)
        self.begin = of_wall(self.zone, first, 1, 1)
        self.end = of_wall(self.zone, last + 1, 1, 1)
        years = range(first, last + 1)
        self._changes = clock_changes(self.zone, years)
        months = [of_wall(self.zone, year, month, 1) for year in years for month in range(1, 13)]
        leap = [year for year in years if calendar.isleap(year)]
        self._edges = [*months, *(of_wall(self.zone, year, 2, 29) for year in leap)]
        self._edges += [of_wall(self.zone, year, 8, 31) for year in years]
        for run in runs:
            self._edges += [run, *(shifted(run, self.zone, -by) for by in (1, 12))]
            self._edges += [run - days * DAY for days in (30, 120, 180)]

    def any(self, choose: Random) -> int:
        """An instant in the span."""
        kind = choose.random()
        if kind < 0.80:
            return choose.randrange(self.begin, self.end)
        if kind < 0.85:  # about midnight
            day = wall(choose.randrange(self.begin, self.end), self.zone)
            at = micros(day.replace(hour=0, minute=0, second=0, microsecond=0))
        elif kind < 0.89:  # in the hour before or after a change of clocks
            return choose.choice(self._changes) + choose.randrange(-HOUR, 2 * HOUR)
        elif kind < 0.90:
            at = choose.choice(self._changes)
        elif kind < 0.91:
            return of_wall(self.zone, 2020, 2, 29) + choose.randrange(DAY)
        else:
            at = choose.choice(self._edges)
        return at + choose.choice([-1, 0, 0, 1])

    def of_member(self, choose: Random, opened_us: int) -> int:
        """An instant that is an edge for a member: his opening, or an anniversary of it."""
        if choose.random() < 0.4:
            return opened_us + choose.choice([-1, 0, 0, 0, 1, -SECOND, SECOND])
        day = wall(shifted(opened_us, self.zone, 12 * choose.randint(1, 3)), self.zone)
        at = micros(day.replace(hour=0, minute=0, second=0, microsecond=0))
        return at + choose.choice([-1, 0, 1])

    def half_year(self, at_us: int) -> tuple[int, int]:
        """The year and its half that an instant is in."""
        local = wall(at_us, self.zone)
        return local.year, int(local.month > 6)

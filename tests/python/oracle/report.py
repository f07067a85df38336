"""What a run says that it did: see `loyalty.Ledger.expire`."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .journal import Entry
from .wall_time import Calendar

RUN_KINDS = ("cancel", "expire", "time_out", "activate")  # in the order of the report


class Line(NamedTuple):
    """What happened of one kind, to points of one currency, in one month."""

    kind: str
    currency: str
    month: dt.date
    entries: int
    points: int


def report(happened: Iterable[Entry], currencies: Sequence[str], calendar: Calendar) -> list[Line]:
    """Sum up the entries of a run."""
    entries: Counter[tuple[str, str, dt.date]] = Counter()
    points: Counter[tuple[str, str, dt.date]] = Counter()
    for entry in happened:
        assert entry.currency is not None
        assert entry.effective is not None
        group = (entry.kind, entry.currency, calendar.month(entry.effective))
        entries[group] += 1
        points[group] += entry.size
    ordered = sorted(
        entries,
        key=lambda group: (RUN_KINDS.index(group[0]), currencies.index(group[1]), group[2]),
    )
    return [Line(*group, entries[group], points[group]) for group in ordered]

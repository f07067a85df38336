"""Times of callers to and from the ledger's: whole microseconds since 1970-01-01 UTC."""

from __future__ import annotations

import datetime as dt

import numpy as np

from loyalty.errors import InvalidInputError

TimeLike = dt.datetime | dt.date | np.datetime64 | int

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def now_us() -> int:
    """Return the present time."""
    return time_us(dt.datetime.now(dt.UTC), "now")


def time_us(value: object, name: str) -> int:
    """Return microseconds for one time.

    Parameters
    ----------
    value : datetime, date, numpy.datetime64 or int
        A time without a zone is UTC; a date is its midnight, UTC; an integer is microseconds.
        What is finer than a microsecond is cut off.
    name : str
        What to call the value in a message.

    Raises
    ------
    InvalidInputError
        It is something else, or NaT.
    """
    if isinstance(value, dt.datetime) and not _is_missing(value):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
        return (aware - _EPOCH) // _MICROSECOND
    if isinstance(value, dt.date) and not _is_missing(value):
        return (value - _EPOCH.date()).days * 86_400_000_000
    if isinstance(value, np.datetime64) and not np.isnat(value):
        return int(value.astype("datetime64[us]").astype(np.int64))
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    raise InvalidInputError(
        f"{name} must be a datetime, a date, a numpy.datetime64 or integer microseconds, "
        f"not {type(value).__name__}: {value!r}"
    )


def datetime_of(at_us: int) -> dt.datetime:
    """Return the ledger's time as a datetime in UTC."""
    return _EPOCH + at_us * _MICROSECOND


def _is_missing(value: dt.date) -> bool:
    # pandas.NaT is a datetime by isinstance, and differs from itself.
    return value != value

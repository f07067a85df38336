"""The kinds of values that programmes are made of, and what each must be."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from loyalty.program.zones import zone_hint

POINTS_MOST = 2**61
RATE_MOST = 2**31 - 1
CURRENCIES_MOST = 16
CURRENCY_NAME_BYTES = 32
NAME_BYTES = 256
LADDERS_MOST = 8
METRICS_MOST = 16
LEVELS_LEAST, LEVELS_MOST = 2, 32
ALTERNATIVES_MOST = 16

_RATE = re.compile(r"([1-9][0-9]{0,18})(?:/([1-9][0-9]{0,18}))?")
_EVERY_YEAR = re.compile(r"[0-9]{2}-[0-9]{2}")
_ONE_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LEAP_YEAR = 2000
_YEARS = range(1900, 2200)  # those of the ledger's times


class Part(BaseModel):
    """A table of a programme: of just these keys, never changed."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def must_be(what: str, hint: str = "") -> PydanticCustomError:
    """The error that says what a value must be, and perhaps what was meant."""
    return PydanticCustomError("must_be", "must be {what}", {"what": what, "hint": hint})


def text_problem(text: str, most: int) -> str | None:
    """None for a text of 1 to `most` bytes of UTF-8; else what it must be."""
    try:
        right = 0 < len(text.encode()) <= most
    except UnicodeEncodeError:
        right = False
    return None if right else f"a text of 1 to {most} bytes"


def _text_of(most: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        if what := text_problem(text, most):
            raise must_be(what)
        return text

    return check


def _zone(name: str) -> str:
    hint = zone_hint(name)
    if hint is not None:
        raise must_be('an IANA time zone such as "Europe/Paris"', hint)
    return name


def _expiry_date(text: str) -> str:
    try:
        if _EVERY_YEAR.fullmatch(text):
            dt.date.fromisoformat(f"{_LEAP_YEAR}-{text}")
            return text
        if _ONE_DAY.fullmatch(text) and dt.date.fromisoformat(text).year in _YEARS:
            return text
    except ValueError:
        pass
    raise must_be(f'a date: "MM-DD" of every year, or "YYYY-MM-DD" of {_YEARS[0]} to {_YEARS[-1]}')


def _day(text: str) -> str:
    try:
        if _ONE_DAY.fullmatch(text) and dt.date.fromisoformat(text).year in _YEARS:
            return text
    except ValueError:
        pass
    raise must_be(f'a date: "YYYY-MM-DD" of {_YEARS[0]} to {_YEARS[-1]}')


def _rate(value: object) -> tuple[int, int]:
    """Points per money, in lowest terms: of an integer, "n" or "n/d"."""
    rate = None
    if isinstance(value, str) and (match := _RATE.fullmatch(value)):
        rate = Fraction(int(match[1]), int(match[2] or 1))
    elif isinstance(value, int) and not isinstance(value, bool) and value > 0:
        rate = Fraction(value)
    if rate is None:
        hint = ""
        if isinstance(value, float) and math.isfinite(value) and value > 0:
            meant = Fraction(str(value))
            exact = f'write "{meant}"' if _fits(meant) else "write a fraction"
            hint = f"; a float is not exact: {exact}"
        raise must_be('a fraction such as "1/10" or an integer, above 0', hint)
    if not _fits(rate):
        raise must_be("a fraction whose parts are below 2^31 in lowest terms")
    return rate.numerator, rate.denominator


def _fits(rate: Fraction) -> bool:
    return max(rate.numerator, rate.denominator) <= RATE_MOST


Days = Annotated[int, Field(ge=1, le=100_000)]
DaysOrNone = Annotated[int, Field(ge=0, le=100_000)]
Months = Annotated[int, Field(ge=1, le=3_600)]
MonthsOrNone = Annotated[int, Field(ge=0, le=3_600)]
Years = Annotated[int, Field(ge=1, le=300)]
Decimals = Annotated[int, Field(ge=0, le=9)]
Points = Annotated[int, Field(ge=-POINTS_MOST, le=POINTS_MOST)]
Threshold = Annotated[int, Field(ge=1, le=POINTS_MOST)]
RatePart = Annotated[int, Field(ge=1, le=RATE_MOST)]
Rate = Annotated[tuple[int, int], PlainValidator(_rate)]
Zone = Annotated[str, AfterValidator(_zone)]
ExpiryDate = Annotated[str, AfterValidator(_expiry_date)]
Day = Annotated[str, AfterValidator(_day)]
Name = Annotated[str, AfterValidator(_text_of(NAME_BYTES))]
CurrencyName = Annotated[str, AfterValidator(_text_of(CURRENCY_NAME_BYTES))]

RoundUp = Literal["none", "day", "month", "quarter", "year"]
OverCeiling = Literal["reject", "clip"]
Reversal = Literal["arrears", "stop_at_zero"]
Transfer = Literal["keep_expiry", "restart_expiry", "forbidden"]
Rounding = Literal["floor", "half_even", "ceil"]
Upgrade = Literal["at_run", "at_once"]
Downgrade = Literal["full", "one_level", "never"]
RoundUpOrPeriod = Literal["none", "day", "month", "quarter", "year", "period"]
MetricOf = Literal["points", "money", "postings", "days", "balance", "tenure_months"]
MetricKind = Literal["earn", "adjust", "redeem", "capture"]

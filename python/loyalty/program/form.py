"""The normalised form of a programme: complete, and the same for all that mean the same."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from loyalty.program.document import Inactivity, Never
from loyalty.program.kinds import (
    CurrencyName,
    Days,
    DaysOrNone,
    Decimals,
    ExpiryDate,
    MonthsOrNone,
    Name,
    OverCeiling,
    Part,
    Points,
    RatePart,
    Reversal,
    Rounding,
    RoundUp,
    Transfer,
    Zone,
)


class Rolling(Part):
    """Points expire some days or months after they became active; the other one is 0."""

    model: Literal["rolling"]
    days: DaysOrNone
    months: MonthsOrNone
    round_up: RoundUp


class Dates(Part):
    """Points expire at the end of the next of these days."""

    model: Literal["dates"]
    dates: Annotated[tuple[ExpiryDate, ...], Field(min_length=1)]


Expiry = Annotated[Never | Rolling | Dates | Inactivity, Field(discriminator="model")]


class Pending(Part):
    """Points become active after some days, or when confirmed within some; the other one is 0."""

    days: Days = 0
    confirm_within_days: Days = 0


class Currency(Part):
    """A currency."""

    name: CurrencyName
    decimals: Decimals
    expiry: Expiry
    pending: Pending | None
    floor: Points
    ceiling: Points | None
    over_ceiling: OverCeiling
    reversal: Reversal
    return_of_expired_days: DaysOrNone
    reinstate_within_days: DaysOrNone
    transfer: Transfer


class Rule(Part):
    """An earn rule, with all that it inherits."""

    name: Name
    currency: CurrencyName
    points_per_money: tuple[RatePart, RatePart] | None
    rounding: Rounding
    expiry: Expiry
    pending: Pending | None
    over_ceiling: OverCeiling


class Form(Part):
    """A whole programme."""

    format: Literal[1]
    name: Name
    time_zone: Zone
    currencies: tuple[Currency, ...]
    rules: tuple[Rule, ...]

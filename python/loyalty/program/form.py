"""The normalised form of a programme: complete, and the same for all that mean the same."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from loyalty.program.document import (
    Alternative,
    Anniversary,
    CalendarYear,
    Cycle,
    Inactivity,
    Lifetime,
    Never,
    SinceChange,
    WholeLife,
)
from loyalty.program.kinds import (
    ALTERNATIVES_MOST,
    CurrencyName,
    Days,
    DaysOrNone,
    Decimals,
    Downgrade,
    ExpiryDate,
    MetricKind,
    MetricOf,
    MonthsOrNone,
    Name,
    OverCeiling,
    Part,
    Points,
    RatePart,
    Reversal,
    Rounding,
    RoundUp,
    RoundUpOrPeriod,
    Transfer,
    Upgrade,
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
    """An earn rule, with all that it inherits.

    The expiry is None where it is left to the member's level, and then to the currency; else it is
    the currency's that the rule inherits.
    """

    name: Name
    currency: CurrencyName
    points_per_money: tuple[RatePart, RatePart] | None
    rounding: Rounding
    expiry: Expiry | None
    pending: Pending | None
    over_ceiling: OverCeiling


class Trailing(Part):
    """The last days or months; the other one is 0."""

    model: Literal["trailing"]
    days: DaysOrNone
    months: MonthsOrNone


Window = Annotated[
    Trailing | CalendarYear | Anniversary | Cycle | SinceChange | WholeLife,
    Field(discriminator="model"),
]
Codes = Annotated[tuple[Name, ...], Field(min_length=1)]


class Metric(Part):
    """A metric of a ladder. Of balance and tenure there are neither kinds nor a window."""

    name: Name
    of: MetricOf
    currency: CurrencyName | None
    kinds: Annotated[tuple[MetricKind, ...], Field(min_length=1)] | None
    rules: Codes | None
    channels: Codes | None
    locations: Codes | None
    categories: Codes | None
    window: Window | None


class Validity(Part):
    """A level is kept so many days or months; the other one is 0."""

    days: DaysOrNone
    months: MonthsOrNone
    round_up: RoundUpOrPeriod


class Level(Part):
    """A level of a ladder: any of the alternatives, all of one."""

    name: Name
    by_invitation: bool
    when: Annotated[tuple[Alternative, ...], Field(max_length=ALTERNATIVES_MOST)]
    validity: Validity | None
    # By currency; not there when it says nothing, as in programmes from before levels could.
    expiry: Annotated[dict[str, Expiry], Field(min_length=1)] = Field(default_factory=dict)


class Ladder(Part):
    """A ladder, its levels in rising order."""

    name: Name
    upgrade: Upgrade
    downgrade: Downgrade
    grace_days: DaysOrNone
    lifetime: Lifetime | None
    metrics: tuple[Metric, ...]
    levels: tuple[Level, ...]


class Form(Part):
    """A whole programme."""

    format: Literal[1]
    name: Name
    time_zone: Zone
    currencies: tuple[Currency, ...]
    rules: tuple[Rule, ...]
    ladders: tuple[Ladder, ...]

"""The schema of a programme as it is written: docs/programme.md, in types."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from loyalty.program.kinds import (
    ALTERNATIVES_MOST,
    CurrencyName,
    Day,
    Days,
    DaysOrNone,
    Decimals,
    Downgrade,
    ExpiryDate,
    MetricKind,
    MetricOf,
    Months,
    Name,
    OverCeiling,
    Part,
    Points,
    Rate,
    Reversal,
    Rounding,
    RoundUp,
    RoundUpOrPeriod,
    Threshold,
    Transfer,
    Upgrade,
    Years,
    Zone,
    must_be,
)


class Never(Part):
    """Points do not expire."""

    model: Literal["never"]


class Rolling(Part):
    """Points expire some days or months after they became active. Just one of both is said."""

    model: Literal["rolling"]
    days: Days | None = None
    months: Months | None = None
    round_up: RoundUp = "none"


class Dates(Part):
    """Points expire at the end of the next of these days."""

    model: Literal["dates"]
    dates: Annotated[list[ExpiryDate], Field(min_length=1)]


class Inactivity(Part):
    """All points expire some months after a member's last activity."""

    model: Literal["inactivity"]
    months: Months


Expiry = Annotated[Never | Rolling | Dates | Inactivity, Field(discriminator="model")]


class Pending(Part):
    """Points become active later. Just one of both is said."""

    days: Days | None = None
    confirm_within_days: Days | None = None


class RulePending(Part):
    """Likewise of a rule: `days = 0` takes back what the currency says."""

    days: DaysOrNone | None = None
    confirm_within_days: Days | None = None


class Reinstating(Part):
    """Points that come back to a lot that has expired since count so many days more."""

    reinstate_days: Days


def _expire_or_table(value: object) -> object:
    if isinstance(value, dict):
        return value
    if value != "expire":
        raise must_be('"expire" or a table such as { reinstate_days = 30 }')
    return None


class CurrencyTable(Part):
    """``[currencies.NAME]``."""

    decimals: Decimals = 0
    expiry: Expiry = Never(model="never")
    pending: Pending | None = None
    floor: Points = 0
    ceiling: Points | None = None
    over_ceiling: OverCeiling = "reject"
    reversal: Reversal = "arrears"
    return_of_expired: Annotated[Reinstating | None, BeforeValidator(_expire_or_table)] = None
    reinstate_within_days: DaysOrNone = 0
    transfer: Transfer = "keep_expiry"


class RuleTable(Part):
    """``[rules.NAME]``. What it does not say is that of `based_on`, and then its currency's."""

    currency: CurrencyName | None = None
    points_per_money: Rate | None = None
    rounding: Rounding = "floor"
    expiry: Expiry | None = None
    pending: RulePending | None = None
    over_ceiling: OverCeiling | None = None
    based_on: Name | None = None


class Trailing(Part):
    """The last days or months. Just one of both is said."""

    model: Literal["trailing"]
    days: Days | None = None
    months: Months | None = None


class CalendarYear(Part):
    """The year."""

    model: Literal["calendar_year"]


class Anniversary(Part):
    """The year of membership."""

    model: Literal["anniversary"]


class Cycle(Part):
    """The cycle: so many months, again and again from a day on."""

    model: Literal["cycle"]
    start: Day
    months: Months


class SinceChange(Part):
    """From the last change of level on."""

    model: Literal["since_change"]


class WholeLife(Part):
    """All the time."""

    model: Literal["lifetime"]


Window = Annotated[
    Trailing | CalendarYear | Anniversary | Cycle | SinceChange | WholeLife,
    Field(discriminator="model"),
]
Codes = Annotated[list[Name], Field(min_length=1)]


class MetricTable(Part):
    """``[ladders.NAME.metrics.NAME]``."""

    of: MetricOf
    currency: CurrencyName | None = None
    kinds: Annotated[list[MetricKind], Field(min_length=1)] | None = None
    rules: Codes | None = None
    channels: Codes | None = None
    locations: Codes | None = None
    categories: Codes | None = None
    window: Window | None = None


class Validity(Part):
    """A level is kept so long. Just one of days and months is said."""

    days: Days | None = None
    months: Months | None = None
    round_up: RoundUpOrPeriod = "none"


def _table_or_list(value: object) -> str:
    return "list" if isinstance(value, list) else "table"


Alternative = Annotated[dict[str, Threshold], Field(min_length=1)]
Alternatives = Annotated[
    list[Alternative], Field(min_length=1, max_length=ALTERNATIVES_MOST), Tag("list")
]
When = Annotated[Annotated[Alternative, Tag("table")] | Alternatives, Discriminator(_table_or_list)]


class LevelTable(Part):
    """``[[ladders.NAME.levels]]``. The expiry is by currency."""

    name: Name
    when: When | None = None
    by_invitation: bool = False
    validity: Validity | None = None
    expiry: Annotated[dict[str, Expiry], Field(min_length=1)] = Field(default_factory=dict)


class Lifetime(Part):
    """Who was on a level for so many years stays there for good."""

    level: Name
    years: Years


class LadderTable(Part):
    """``[ladders.NAME]``. What its metrics and levels do not say of window and validity is its."""

    window: Window | None = None
    upgrade: Upgrade = "at_run"
    downgrade: Downgrade = "full"
    validity: Validity | None = None
    grace_days: DaysOrNone = 0
    lifetime: Lifetime | None = None
    metrics: dict[str, MetricTable] = Field(default_factory=dict)
    levels: list[LevelTable]


class Document(Part):
    """The whole document."""

    name: Name
    time_zone: Zone
    currencies: dict[str, CurrencyTable]
    rules: dict[str, RuleTable] = Field(default_factory=dict)
    ladders: dict[str, LadderTable] = Field(default_factory=dict)

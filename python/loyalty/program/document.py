"""The schema of a programme as it is written: docs/programme.md, in types."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from loyalty.program.kinds import (
    CurrencyName,
    Days,
    DaysOrNone,
    Decimals,
    ExpiryDate,
    Months,
    Name,
    OverCeiling,
    Part,
    Points,
    Rate,
    Reversal,
    Rounding,
    RoundUp,
    Transfer,
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


class Document(Part):
    """The whole document."""

    name: Name
    time_zone: Zone
    currencies: dict[str, CurrencyTable]
    rules: dict[str, RuleTable] = Field(default_factory=dict)

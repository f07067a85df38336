"""What was issued, what became of it, and what members still have: liability and breakage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loyalty._table import Table
from loyalty._times import datetime_of
from loyalty.errors import InvalidInputError

_FLOWS = ("issued", "redeemed", "expired", "other")
_STOCKS = ("active", "pending", "held")
_NEVER = 2**31 - 1  # Cohort::kNever


def value_of(value: Decimal | str | int | None) -> Decimal | None:
    """Return what a point is worth, exactly.

    Raises
    ------
    InvalidInputError
        It is a float, negative, or has more than nine decimals.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Decimal | str | int):
        raise InvalidInputError(
            f"value must be a Decimal, a text such as '0.01' or an integer, "
            f"not {type(value).__name__}: {value!r}"
        )
    try:
        exact = Decimal(value)
    except InvalidOperation:
        raise InvalidInputError(f"value: {value!r} is no number such as '0.01'") from None
    if not (exact.is_finite() and 0 <= exact < 10**9 and exact == round(exact, 9)):
        raise InvalidInputError(f"value: {value!r} is not from 0 to 10^9 with at most 9 decimals")
    return exact


def liability_table(
    raw: Mapping[str, Any], currencies: Sequence[str], value: Decimal | None
) -> Table:
    """Return cohorts as a Table; see `Ledger.liability`."""
    never = raw["expiry_month"] == _NEVER
    outstanding = sum(raw[name] for name in _STOCKS)
    by_level = {"level": _names(raw["level"], raw["levels"])} if raw["levels"] else {}
    columns = {
        "currency": _names(raw["currency"], currencies),
        **by_level,
        "issue_month": _months(raw["issue_month"]),
        "expiry_month": _months(np.where(never, 0, raw["expiry_month"]), never),
        **{name: pa.array(raw[name]) for name in _FLOWS + _STOCKS},
        "outstanding": pa.array(outstanding, pa.int64()),
    }
    if value is not None:
        worth = [int(points) * value for points in outstanding]
        columns["value"] = pa.array(worth, pa.decimal128(38, 9))
    return Table(pa.table(columns), _metadata(raw, currencies))


def breakage_table(liability: Table) -> Table:
    """Return a liability by month of issue, and to date; see `Ledger.breakage`."""
    cohorts = liability.to_arrow()
    order = pc.index_in(cohorts["currency"], value_set=cohorts["currency"].unique())
    cohorts = cohorts.append_column("order", order)
    sums = [(name, "sum") for name in (*_FLOWS, "outstanding")]
    by_month = cohorts.group_by(["order", "currency", "issue_month"]).aggregate(sums)
    to_date = cohorts.group_by(["order", "currency"]).aggregate(sums)
    no_month = pa.nulls(len(to_date), pa.date32())
    every = pa.concat_tables(
        [by_month, to_date.append_column("issue_month", no_month).select(by_month.column_names)]
    ).sort_by([("order", "ascending"), ("issue_month", "ascending")])
    columns = {name: every[name] for name in ("currency", "issue_month")}
    columns |= {name: every[f"{name}_sum"] for name, _ in sums}
    issued = columns["issued"].cast(pa.float64(), safe=False)
    share = pc.divide(columns["expired"].cast(pa.float64(), safe=False), issued)
    some = pc.greater(issued, 0)
    columns["expired_share"] = pc.if_else(some, share, pa.scalar(None, pa.float64()))
    return Table(pa.table(columns), liability.metadata)


def _metadata(raw: Mapping[str, Any], currencies: Sequence[str]) -> dict[str, Any]:
    arrears = dict(zip(currencies, raw["arrears"].tolist(), strict=True))
    return {"sequence": raw["sequence"], "time": datetime_of(raw["at_us"]), "arrears": arrears}


def _names(numbers: NDArray[np.int64], names: Sequence[str]) -> pa.Array:
    return pa.array([names[number] for number in numbers], pa.string())


def _months(months: NDArray[np.int64], nulls: NDArray[np.bool_] | None = None) -> pa.Array:
    """First days of months that are year * 12 + month - 1."""
    days = [dt.date(max(1, int(m) // 12), int(m) % 12 + 1, 1) for m in months]
    return pa.array(days, pa.date32(), mask=nulls)

"""The demo's programme: which postings the purchases lead to.

Pure: the same data give the same postings.

Rules
-----
earn
    10 points for each dollar of a purchase line, rounded down to whole points line by line
    (``floor``): one posting a line, with the dollars paid as its money. A line of less than 10
    cents is posted with 0 points: its money and its visit count.
reward
    On Sunday at 23:59:59, store time, a household turns every full 5,000 points into a $5 voucher:
    one redemption a voucher.

Ids have the shape of a UUIDv7: the time in milliseconds, then what the posting is, then what tells
it from the others of its kind. So they are ordered by time, never collide, and are the same on
every run.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from loyalty.demo.data import ZONE, Journey

CURRENCY = "points"
CENTS_A_POINT = 10
REWARD_POINTS = 5_000
EARN_RULE = "10 points a dollar, floor a line"
REWARD_RULE = "$5 voucher for 5,000 points"

# The 12 bits after an id's version: same instant, this order.
_OPEN, _EARN, _REDEEM = 0, 1, 2
_KIND_NAMES = {_OPEN: "open_member", _EARN: "earn", _REDEEM: "redeem"}
# The 62 bits after the variant: a wide number (basket, household), then a narrow one (product,
# voucher).
_WIDE_BITS, _NARROW_BITS = 36, 26


def make_postings(journey: Journey) -> pa.Table:
    """Openings, earns and redemptions of the whole year, interleaved in order of time.

    Returns
    -------
    pyarrow.Table
        The columns of :meth:`loyalty.Ledger.post`.
    """
    earning = journey.lines.with_columns(points=pl.col("cents") // CENTS_A_POINT)
    openings = (
        earning.group_by("household_id")
        .agg(time=pl.col("time").min())
        .select(order=_OPEN, member="household_id", time="time", wide="household_id", narrow=0)
    )
    earns = earning.select(
        "points",
        "department",
        "store_id",
        order=_EARN,
        member="household_id",
        time="time",
        money="cents",
        wide="basket_id",
        narrow="product_id",
    )
    everything = pl.concat([openings, earns, _redemptions(earning)], how="diagonal_relaxed")
    high, low = _id_halves(everything)
    return _frame(everything.with_columns(high=high, low=low).sort("high", "low"))


def _redemptions(earning: pl.DataFrame) -> pl.DataFrame:
    """One row a voucher.

    A household that turns in all its full 5,000s at the end of each week has had
    ``floor(points earned so far / 5,000)`` vouchers by then: no week depends on the one before.
    """
    week_end = pl.col("time").dt.convert_time_zone(ZONE).dt.truncate("1w").dt.offset_by("1w")
    return (
        earning.group_by(
            "household_id", time=week_end.dt.convert_time_zone("UTC") - pl.duration(seconds=1)
        )
        .agg(pl.col("points").sum())
        .sort("household_id", "time")
        .with_columns(so_far=pl.col("points").cum_sum().over("household_id") // REWARD_POINTS)
        .with_columns(before=pl.col("so_far").shift(1, fill_value=0).over("household_id"))
        .filter(pl.col("so_far") > pl.col("before"))
        .with_columns(voucher=pl.int_ranges("before", "so_far"))
        .explode("voucher")
        .select(
            order=_REDEEM,
            member="household_id",
            points=pl.lit(REWARD_POINTS, pl.Int64),
            time="time",
            wide="household_id",
            narrow=pl.col("voucher") + 1,
        )
    )


def _id_halves(rows: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """The two 64-bit halves of each row's id."""
    milliseconds = rows["time"].dt.epoch("ms").to_numpy().astype(np.uint64)
    order, wide, narrow = (
        rows[name].to_numpy().astype(np.uint64) for name in ("order", "wide", "narrow")
    )
    if wide.max() >= 2**_WIDE_BITS or narrow.max() >= 2**_NARROW_BITS:
        raise ValueError("a basket or product number of the data is too large for the demo's ids")
    version, variant = np.uint64(7), np.uint64(2)
    high = milliseconds << np.uint64(16) | version << np.uint64(12) | order
    low = variant << np.uint64(62) | wide << np.uint64(_NARROW_BITS) | narrow
    return pl.Series("high", high), pl.Series("low", low)


def _frame(rows: pl.DataFrame) -> pa.Table:
    order = pl.col("order")
    earn, redeem = order == _EARN, order == _REDEEM
    columns = rows.select(
        kind=order.replace_strict(_KIND_NAMES, return_dtype=pl.String),
        member="member",
        currency=pl.when(order != _OPEN).then(pl.lit(CURRENCY)),
        points=pl.col("points").fill_null(0),
        money=pl.col("money").fill_null(0),
        effective_time="time",
        rule=pl.when(earn).then(pl.lit(EARN_RULE)).when(redeem).then(pl.lit(REWARD_RULE)),
        channel=pl.when(earn).then(pl.lit("store")),
        location=pl.when(earn).then(pl.col("store_id").cast(pl.String)),
        category="department",
        tag=pl.when(earn).then(pl.col("wide")).otherwise(0).cast(pl.UInt64),
    ).to_arrow()
    halves = np.column_stack([rows["high"].to_numpy(), rows["low"].to_numpy()])
    return columns.add_column(0, "id", _id_column(halves))


def _id_column(halves: npt.NDArray[np.uint64]) -> pa.FixedSizeBinaryArray:
    data = pa.py_buffer(halves.astype(">u8").tobytes())
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(halves), [None, data])

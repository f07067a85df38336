"""The Complete Journey's year of groceries as postings: an earn a basket, by household."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import polars as pl

from loyalty.demo.data import ZONE, load

from .moments import of_wall


def baskets() -> pl.DataFrame:
    """The postings, with the generator's columns.

    A household is opened with its first basket, at the same instant. A basket's category is the
    department that most of its money was paid in.
    """
    earns = (
        load()
        .lines.group_by("household_id", "basket_id", "store_id", "time", "department")
        .agg(pl.col("cents").sum())
        .sort("basket_id", "time", "cents", "department")
        .group_by("household_id", "basket_id", "store_id", "time", maintain_order=True)
        .agg(pl.col("cents").sum(), category=pl.col("department").last())
        .sort("time", "basket_id", "store_id")
        .select(
            "category",
            kind=pl.lit("earn"),
            member="household_id",
            effective_us=pl.col("time").dt.epoch("us"),
            currency=pl.lit("stars"),
            money="cents",
            rule=pl.lit("base"),
            channel=pl.lit("store"),
            location=pl.col("store_id").cast(pl.String),
        )
    )
    openings = earns.group_by("member", maintain_order=True).agg(pl.col("effective_us").min())
    asks = pl.concat(
        [openings.with_columns(kind=pl.lit("open_member"), money=pl.lit(0, pl.Int64)), earns],
        how="diagonal",
    ).sort("effective_us", maintain_order=True)
    missing: dict[str, pl.DataType | type[pl.DataType]] = {
        "points": pl.Int64,
        "expires_us": pl.Int64,
        "activates_us": pl.Int64,
    }
    missing |= {"deadline_us": pl.Int64, "related": pl.Int64, "other": pl.Int64}
    missing |= {"ladder": pl.String, "level": pl.String}
    return (
        asks.with_row_index("number")
        .cast({"number": pl.Int64})
        .with_columns(
            *(pl.lit(None, kind).alias(name) for name, kind in missing.items()),
            posted_us="effective_us",
        )
    )


def month_ends() -> list[int]:
    """The first instants of February 2017 to January 2018, in microseconds."""
    zone = ZoneInfo(ZONE)
    return [of_wall(zone, 2017, month, 1) for month in range(2, 13)] + [of_wall(zone, 2018, 1, 1)]

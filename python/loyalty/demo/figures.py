"""What a programme manager asks first, computed from what the ledger holds."""

from __future__ import annotations

import polars as pl

from loyalty.demo.data import ZONE


def by_month(entries: pl.DataFrame) -> pl.DataFrame:
    """Points by month, as the calendar of the stores has it.

    Parameters
    ----------
    entries
        Posted entries: ``effective_time`` (UTC), ``kind`` (str), ``points`` (signed), ``money``
        (cents).

    Returns
    -------
    polars.DataFrame
        ``month`` (its first day), ``earned``, ``redeemed`` (both >= 0), ``spent`` (cents), and
        ``outstanding`` at the month's end; one row a month, in order.
    """
    points = pl.col("points")
    return (
        entries.filter(pl.col("kind").is_in(["earn", "redeem"]))
        .group_by(month=_local_time().dt.date().dt.truncate("1mo"))
        .agg(
            earned=points.filter(pl.col("kind") == "earn").sum(),
            redeemed=-points.filter(pl.col("kind") == "redeem").sum(),
            spent=pl.col("money").sum(),
        )
        .sort("month")
        .with_columns(outstanding=(pl.col("earned") - pl.col("redeemed")).cum_sum())
    )


def _local_time() -> pl.Expr:
    return pl.col("effective_time").dt.convert_time_zone(ZONE)

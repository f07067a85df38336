"""What a programme manager asks first, computed from what the ledger holds."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from loyalty.demo.data import ZONE


@dataclass(frozen=True)
class Tier:
    """A level, and the points earned in the year that reach it."""

    name: str
    from_points: int


TIERS = (
    Tier("Bronze", 0),
    Tier("Silver", 10_000),
    Tier("Gold", 25_000),
    Tier("Platinum", 50_000),
)
YEAR = 2017


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


def by_tier(entries: pl.DataFrame) -> pl.DataFrame:
    """Who reached which tier by what was earned in the year.

    Returns
    -------
    polars.DataFrame
        ``tier``, ``from_points``, ``households``, ``earned``, ``spent`` (cents); highest tier last.
    """
    in_year = _local_time().dt.year() == YEAR
    households = (
        entries.filter(pl.col("kind").is_in(["open_member", "earn"]))
        .group_by("member")
        .agg(pl.col("points").filter(in_year).sum(), pl.col("money").filter(in_year).sum())
        .sort("points")
    )
    tiers = pl.DataFrame(
        {"tier": [tier.name for tier in TIERS], "from_points": [tier.from_points for tier in TIERS]}
    )
    reached = households.join_asof(tiers, left_on="points", right_on="from_points")
    counts = reached.group_by("tier").agg(
        households=pl.len(), earned=pl.col("points").sum(), spent=pl.col("money").sum()
    )
    return tiers.join(counts, on="tier", how="left", maintain_order="left").fill_null(0)


def _local_time() -> pl.Expr:
    return pl.col("effective_time").dt.convert_time_zone(ZONE)

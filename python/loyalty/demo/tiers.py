"""The demo's levels: a run at the end of each month, and what the ledger tells of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

import loyalty
from loyalty.demo.data import ZONE

YEAR = 2017
_FIRST_LEVEL = 0
_RUN_RECORDED = (pl.col("kind") == "run_finished") & (pl.col("text") == "tiers")
_CHANGE = pl.col("kind") == "change_level"


@dataclass(frozen=True)
class Story:
    """One household's year.

    Attributes
    ----------
    household
        Its number.
    changes
        ``month`` (its first day), ``from_level``, ``level``, ``spent`` (cents) and ``visits`` of
        the 13 weeks up to its end; one row each time that the level became another one.
    progress
        Where it stands, why, and what it lacks.
    """

    household: int
    changes: pl.DataFrame
    progress: loyalty.TierProgress


def programme() -> loyalty.Program:
    """Read the programme, with its ladder."""
    return loyalty.Program.read(Path(__file__).with_name("programme.toml"))


def levels() -> tuple[str, ...]:
    """Return the names of the levels, in rising order."""
    (ladder,) = programme().ladders.values()
    return tuple(level.name for level in ladder.levels)


def month_ends() -> list[datetime]:
    """Return when the months of the year end: the stores' midnights after them, in UTC."""
    zone = ZoneInfo(ZONE)
    months = [*((YEAR, month) for month in range(2, 13)), (YEAR + 1, 1)]
    return [datetime(year, month, 1, tzinfo=zone).astimezone(UTC) for year, month in months]


def run_months(
    ledger: loyalty.Ledger, entries: pl.DataFrame, tell: Callable[[int, int], None]
) -> loyalty.TierRun | None:
    """Assess all households at the end of each month, as a programme does every month.

    Parameters
    ----------
    ledger
        With the whole year's postings: a run heeds only what is effective by then.
    entries
        Of the ledger. A month of which they record a run is left out: a second demo changes
        nothing.
    tell
        Told how many runs are done, of how many.

    Returns
    -------
    TierRun or None
        The year's last run; None when it has been before.
    """
    recorded = entries.filter(_RUN_RECORDED)["effective_time"].to_list()
    ends = month_ends()
    run = None
    for done, end in enumerate(ends):
        tell(done, len(ends))
        if end not in recorded:
            run = ledger.recompute_tiers(end)
    return run


def standings_of(entries: pl.DataFrame) -> pl.DataFrame:
    """Each household at each month's end since it was opened: its level, and the one before.

    Parameters
    ----------
    entries
        All of the ledger: ``sequence``, ``effective_time`` (UTC), ``kind`` (str), ``member``,
        ``level`` (str).

    Returns
    -------
    polars.DataFrame
        ``member``, ``end``, ``rank`` and ``before`` (places of levels, from 0).
    """
    ranks = {name: place for place, name in enumerate(levels())}
    changes = entries.filter(_CHANGE).select(
        "member",
        "sequence",
        end="effective_time",
        rank=pl.col("level").replace_strict(ranks, return_dtype=pl.Int64),
    )
    openings = entries.filter(pl.col("kind") == "open_member").select(
        "member", opened="effective_time"
    )
    ends = pl.DataFrame({"end": month_ends()}, {"end": openings["opened"].dtype})
    last = changes.sort("end", "sequence").unique(["member", "end"], keep="last")
    return (
        openings.join(ends, how="cross")
        .filter(pl.col("opened") <= pl.col("end"))
        .sort("end")
        .join_asof(last.sort("end"), on="end", by="member", check_sortedness=False)
        .with_columns(pl.col("rank").fill_null(_FIRST_LEVEL))
        .with_columns(before=pl.col("rank").shift(1, fill_value=_FIRST_LEVEL).over("member"))
    )


def by_month(standings: pl.DataFrame) -> pl.DataFrame:
    """Where households stood at the end of each month, and how many had moved.

    Parameters
    ----------
    standings
        As `standings_of` returns them.

    Returns
    -------
    polars.DataFrame
        ``month`` (its first day), ``climbed``, ``fell``, and the households on each level, which
        names the column; one row a month, in order.
    """
    rank, before = pl.col("rank"), pl.col("before")
    counts = [(rank == place).sum().alias(name) for place, name in enumerate(levels())]
    return (
        standings.group_by("end")
        .agg((rank > before).sum().alias("climbed"), (rank < before).sum().alias("fell"), *counts)
        .sort("end")
        .select(_month("end").alias("month"), pl.exclude("end"))
    )


def spent_by_level(standings: pl.DataFrame, entries: pl.DataFrame) -> dict[str, int]:
    """Return the cents that were spent in all, by the level at the year's end."""
    last = standings.filter(pl.col("end") == month_ends()[-1])
    spent = entries.group_by("member").agg(pl.col("money").sum())
    sums = dict(
        last.join(spent, on="member").group_by("rank").agg(pl.col("money").sum()).iter_rows()
    )
    return {name: sums.get(place, 0) for place, name in enumerate(levels())}


def tell_one(ledger: loyalty.Ledger, standings: pl.DataFrame) -> Story:
    """Tell of the household that moved most, of those whose level ends a month after the year."""
    moves = pl.col("rank") != pl.col("before")
    busiest = (
        standings.group_by("member")
        .agg(moves=moves.sum())
        .sort(["moves", "member"], descending=[True, False])
    )
    until = ledger.tiers().to_polars().select("member", "until")
    soon = until.filter(_month("until") == date(YEAR + 1, 1, 1))
    household = busiest.join(soon, on="member", how="semi", maintain_order="left")["member"][0]
    (progress,) = ledger.tier_progress(household)
    return Story(household, _changes_of(ledger, household, list(progress.metrics)), progress)


def _changes_of(ledger: loyalty.Ledger, household: int, metrics: list[str]) -> pl.DataFrame:
    entries = ledger.statement(household).to_polars()
    values = [pl.col("metrics").list.get(i).alias(name) for i, name in enumerate(metrics)]
    return (
        entries.filter(pl.col("kind").cast(pl.String) == "change_level")
        .with_columns(pl.col("from_level", "level").cast(pl.String))
        .filter(pl.col("from_level") != pl.col("level"))
        .select(_month("effective_time").alias("month"), "from_level", "level", *values)
    )


def _month(column: str) -> pl.Expr:
    """The month that an instant ends, or lies in."""
    local = (pl.col(column) - timedelta(microseconds=1)).dt.convert_time_zone(ZONE)
    return local.dt.date().dt.truncate("1mo")

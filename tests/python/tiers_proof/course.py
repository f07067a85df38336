"""A course of runs: a ledger has postings up to each run's time, and then the run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

import loyalty

from .moments import clock_changes, of_wall
from .plan import Plan

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
EXPIRY_EACH = 5  # runs: what has expired is journaled before every fifth


class Run(NamedTuple):
    """One run of the course."""

    number: int
    at_us: int  # as of which it is; microseconds since 1970 UTC
    clock_us: int  # what is recorded by then was posted before it; never less than the run before's


AfterRun = Callable[[loyalty.Ledger, Run], None]


def run_times(zone_name: str) -> list[int]:
    """Instants of runs over two years and two months, in microseconds.

    By the month, but with a gap of five, some at odd instants, one twice, and one of the past.
    """
    zone = ZoneInfo(zone_name)
    changes = clock_changes(zone, [2022, 2023])
    months_2022 = [of_wall(zone, 2022, month, 1) for month in (1, 2, 3, 4, 5, 11, 12)]
    months_2023 = [of_wall(zone, 2023, month, 1) for month in (1, 3, 4, 5, 6, 7, 10, 12)]
    odd = [
        changes[0],
        changes[1] - 1_800_000_000,
        months_2023[0] - 1,
        months_2023[0],
        of_wall(zone, 2023, 2, 28, 12, 34, 56, 789),
        of_wall(zone, 2023, 8, 31),
        of_wall(zone, 2023, 9, 30, 23, 59, 59, 999_999),
        changes[3] + 900_000_000,
        of_wall(zone, 2024, 1, 1),
        of_wall(zone, 2024, 2, 29, 12),
    ]
    times = sorted([*months_2022, *months_2023, *odd])
    times.insert(times.index(months_2023[3]) + 1, of_wall(zone, 2023, 4, 15))
    return times


def as_runs(times: list[int]) -> list[Run]:
    """The course of runs at those instants."""
    runs: list[Run] = []
    for number, at_us in enumerate(times):
        clock_us = max([at_us, *(run.clock_us for run in runs[-1:])])
        runs.append(Run(number, at_us, clock_us))
    return runs


def with_phases(asks: pl.DataFrame, runs: list[Run]) -> pl.DataFrame:
    """Add ``phase``: the number of the first run that a posting is recorded before."""
    clocks = pl.Series([run.clock_us for run in runs])
    return asks.with_columns(phase=clocks.search_sorted(asks["posted_us"], "left").cast(pl.Int64))


def play(
    plan: Plan, asks: pl.DataFrame, runs: list[Run], path: Path, after: AfterRun | None = None
) -> pl.DataFrame:
    """Let a new ledger have the postings and the runs' times.

    Parameters
    ----------
    asks : polars.DataFrame
        As the generator makes them, with their phases.
    path : Path
        Of the ledger.
    after : callable, optional
        What is done at the time of each run.

    Returns
    -------
    polars.DataFrame
        The postings, with ``ok``: whether each was posted, and ``moved``: its points, signed.
    """
    replies = []
    with loyalty.create(path, program=plan.program) as ledger:
        for run in [*runs, None]:
            phase = len(runs) if run is None else run.number
            part = asks.filter(pl.col("phase") == phase)
            if len(part):
                replies.append(_post(ledger, part))
            if run is None:
                continue
            if run.number % EXPIRY_EACH == 1:
                ledger.expire(datetime_of(run.at_us))
            if after is not None:
                after(ledger, run)
    return asks.join(pl.concat(replies), on="number", validate="1:1", maintain_order="left")


def datetime_of(at_us: int) -> dt.datetime:
    """An instant as an aware datetime."""
    return _EPOCH + dt.timedelta(microseconds=at_us)


def _post(ledger: loyalty.Ledger, asks: pl.DataFrame) -> pl.DataFrame:
    needs_reason = pl.col("kind").is_in(
        [
            *("adjust", "close_member", "reopen_member", "merge_members", "unmerge_members"),
            "set_level",
        ]
    )
    frame = asks.select(
        "kind",
        "member",
        "currency",
        "points",
        "money",
        "rule",
        "channel",
        "location",
        "category",
        "ladder",
        "level",
        id=_reference("number"),
        related=_reference("related"),
        effective_time="effective_us",
        expires_time="expires_us",
        activates_time="activates_us",
        deadline_time="deadline_us",
        other_member="other",
        actor=pl.when(needs_reason).then(pl.lit("ann")),
        reason=pl.when(needs_reason).then(pl.lit("proof")),
    )
    result = ledger.post(frame)
    return asks.select("number").with_columns(
        ok=pl.Series([status in ("posted", "posted_in_part") for status in result.status]),
        status=pl.Series(list(result.status)),
        moved=pl.Series(result.points),
    )


def _reference(column: str) -> pl.Expr:
    return pl.when(pl.col(column).is_not_null()).then(pl.format("posting {}", pl.col(column)))

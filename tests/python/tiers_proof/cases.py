"""The courses that are proved: which programme, which postings, which runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import polars as pl

from .course import Run, as_runs, run_times, with_phases
from .duckdb_engine import DuckEngine
from .generator import Generator
from .journey import baskets, month_ends
from .moments import Moments
from .plan import Plan, read_plan

NAMES = ("berlin", "auckland", "journey")
SEED = 20_240_229
CHANGE = (
    *("run", "member", "ladder", "from_level", "to_level", "effective_us", "assessed_us"),
    *("until_us", "metrics"),
)
STANDING = ("member", "ladder", "level", "since_us", "until_us")


@dataclass(frozen=True)
class Case:
    """A course: of what a ledger is to have, and when it is to assess its members."""

    plan: Plan
    asks: pl.DataFrame
    runs: list[Run]


@dataclass(frozen=True)
class Proved:
    """What a course comes to: standings after each run, and all changes."""

    standings: list[pl.DataFrame]
    changes: pl.DataFrame


@cache
def case(name: str) -> Case:
    """One of the courses by its name."""
    plan = read_plan(name)
    if name == "journey":
        runs = as_runs(month_ends())
        return Case(plan, with_phases(baskets(), runs), runs)
    times = run_times(plan.zone)
    members, entries = 1_000, 20_000
    if name == "auckland":
        times, members, entries = times[::2], 300, 6_000
    runs = as_runs(times)
    moments = Moments(plan.zone, 2020, 2023, times)
    gifts = plan.levels.select("ladder", "name").rows()
    generator = Generator(moments, gifts, SEED, members, entries)
    return Case(plan, with_phases(generator.make(), runs), runs)


def prove(of: Case, entries: pl.DataFrame) -> Proved:
    """What DuckDB makes of a course, once it is known how its postings ended."""
    engine = DuckEngine(of.plan, entries)
    standings = []
    for run in of.runs:
        engine.run(run)
        standings.append(in_order(engine.standings(), STANDING))
    return Proved(standings, in_order(engine.changes(), CHANGE))


def in_order(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """The columns alone, rows sorted by all of them."""
    return frame.select(columns).sort(columns)

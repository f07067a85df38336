"""Ladders worked out twice over generated lives and a year of groceries: the same in every row.

`test_tiers_proof_cases` holds numbers made by hand against it, `test_tiers_proof_ledger` the
ledger.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import loyalty

from .tiers_proof.cases import CHANGE, NAMES, STANDING, case, in_order, prove
from .tiers_proof.course import Run, datetime_of, play
from .tiers_proof.moments import DAY
from .tiers_proof.polars_engine import PolarsEngine
from .tiers_proof.polars_facts import make_facts, roots


@pytest.mark.parametrize("name", NAMES)
def test_sql_and_expressions_agree(name: str, tmp_path: Path) -> None:
    course = case(name)
    entries = play(course.plan, course.asks, course.runs, tmp_path / "ledger")
    proved = prove(course, entries)
    engine = PolarsEngine(course.plan, entries)
    for run, standings in zip(course.runs, proved.standings, strict=True):
        engine.run(run)
        assert_frame_equal(in_order(engine.standings(), STANDING), standings)
    assert_frame_equal(in_order(engine.changes(), CHANGE), proved.changes)


def test_balances_of_stars_are_the_ledgers(tmp_path: Path) -> None:
    """Balances without lots, as the metrics have them, at instants before and after each run."""
    course = case("auckland")
    seen: list[pl.DataFrame] = []

    def look(ledger: loyalty.Ledger, run: Run) -> None:
        for at_us in (run.at_us, run.at_us - 1, run.at_us - 70 * DAY):
            as_of = loyalty.AsOf(effective_time=datetime_of(at_us))
            found = pl.DataFrame(ledger.balances(members, "stars", as_of=as_of))
            there = found.filter("found").select("member", "active")
            seen.append(there.with_columns(phase=run.number, at_us=at_us))

    members = course.asks.filter(pl.col("kind") == "open_member")["member"].to_list()
    entries = play(course.plan, course.asks, course.runs, tmp_path / "ledger", look)
    facts = make_facts(course.plan, entries)
    assert pl.concat(seen)["active"].sum() > 0
    for found in seen:
        phase, at_us = found.row(0)[2:]
        who = roots(facts, found["member"], phase)
        here = (pl.col("from_us") <= at_us) & (pl.col("until_us") > at_us)
        moves = facts.moves.filter(here & (pl.col("phase") <= phase)).join(who, on="slot")
        mine = moves.group_by("member").agg(mine=pl.col("points").sum())
        both = found.join(who.filter(pl.col("slot") == pl.col("member")), on="member")
        both = both.join(mine, on="member", how="left").fill_null(0)
        assert_frame_equal(both.select("active"), both.select(active="mine"))

"""The ledger's runs against the same in SQL: who stands where, and each change with its reasons."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import loyalty

from .tiers_proof.cases import NAMES, case, prove
from .tiers_proof.course import Run, play
from .tiers_proof.ledger import ledger_run, ledger_standings
from .tiers_proof.polars_facts import make_facts, roots


@pytest.mark.parametrize("name", NAMES)
def test_the_ledger_agrees_with_sql(name: str, tmp_path: Path) -> None:
    course = case(name)
    changes: list[pl.DataFrame] = []
    standings: list[pl.DataFrame] = []

    def assess(ledger: loyalty.Ledger, run: Run) -> None:
        changes.append(run_somehow(ledger, run))
        standings.append(ledger_standings(ledger, course.plan, opened(run)))

    def run_somehow(ledger: loyalty.Ledger, run: Run) -> pl.DataFrame:
        """A run of all, after a dry one, or in parts."""
        if run.number % 4 == 1:
            dry = ledger_run(ledger, course.plan, run, dry_run=True)
            assert_frame_equal(ledger_run(ledger, course.plan, run), dry)
            assert ledger_run(ledger, course.plan, run).is_empty(), "a second run changes nothing"
            return dry
        if run.number % 4 == 3:
            members = opened(run)
            parts = [members.filter(members % 3 == rest).to_list() for rest in range(3)]
            return pl.concat(
                ledger_run(ledger, course.plan, run, members=part) for part in parts if part
            )
        return ledger_run(ledger, course.plan, run)

    def opened(run: Run) -> pl.Series:
        here = (pl.col("kind") == "open_member") & (pl.col("phase") <= run.number)
        return course.asks.filter(here)["member"]

    entries = play(course.plan, course.asks, course.runs, tmp_path / "ledger", assess)
    proved = prove(course, entries)
    facts = make_facts(course.plan, entries)
    wrong = []
    for run, mine, theirs in zip(course.runs, standings, proved.standings, strict=True):
        who = roots(facts, opened(run), run.number)
        there = who.filter(pl.col("slot") == pl.col("member")).select("member")
        wrong += differences(
            f"after run {run.number}",
            mine.join(there, on="member", how="semi"),
            theirs.join(there, on="member", how="semi"),
        )
    wrong += differences("changes", pl.concat(changes), proved.changes)
    assert not wrong, "\n".join(wrong)


def differences(where: str, mine: pl.DataFrame, theirs: pl.DataFrame) -> list[str]:
    """What the ledger (mine) and SQL (theirs) do not have in common, by ladder; the first of it."""
    columns = theirs.columns
    found = []
    for side, one, other in (("ledger", mine, theirs), ("SQL", theirs, mine)):
        alone = one.join(other, on=columns, how="anti", nulls_equal=True)
        for ladder, rows in alone.sort(columns).group_by("ladder", maintain_order=True):
            found.append(f"{where}: only {side}, {ladder[0]}: {len(rows)} like {rows.row(0)}")
    return found

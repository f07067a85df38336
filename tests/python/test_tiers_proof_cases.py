"""The engines of the proof against changes worked out by hand, and the ledger too."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import loyalty

from .tiers_proof.cases import CHANGE, in_order, prove
from .tiers_proof.course import Run, play
from .tiers_proof.ledger import ledger_run
from .tiers_proof.polars_engine import PolarsEngine
from .tiers_proof.tales import TALES, told


@pytest.mark.parametrize("name", TALES)
def test_both_engines_tell_the_tale(name: str, tmp_path: Path) -> None:
    tale = TALES[name]
    course = tale.case()
    entries = play(course.plan, course.asks, course.runs, tmp_path / "ledger")
    assert entries["ok"].all()
    assert told(prove(course, entries).changes) == tale.changes
    engine = PolarsEngine(course.plan, entries)
    for run in course.runs:
        engine.run(run)
    assert told(in_order(engine.changes(), CHANGE)) == tale.changes


@pytest.mark.parametrize("name", TALES)
def test_the_ledger_tells_the_tale(name: str, tmp_path: Path) -> None:
    tale = TALES[name]
    course = tale.case()
    changes: list[pl.DataFrame] = []

    def assess(ledger: loyalty.Ledger, run: Run) -> None:
        changes.append(ledger_run(ledger, course.plan, run))

    play(course.plan, course.asks, course.runs, tmp_path / "ledger", assess)
    assert told(pl.concat(changes)) == tale.changes

"""The ledger's own runs and standings, in the engines' terms."""

from __future__ import annotations

from typing import Any, cast

import polars as pl
import pyarrow as pa

import loyalty

from .cases import CHANGE, STANDING, in_order
from .course import Run, datetime_of
from .plan import Plan


def ledger_standings(ledger: loyalty.Ledger, plan: Plan, members: pl.Series) -> pl.DataFrame:
    """Where members stand, who are merged into nobody, with the columns of `STANDING`.

    Whoever is on the first level and has never been on another has neither ``since_us`` nor
    ``until_us``; the ledger may leave him out.
    """
    found = _frame(ledger.tiers(members.to_list())).select(
        "member",
        pl.col("ladder").cast(pl.String),
        name=pl.col("level").cast(pl.String),
        since_us=pl.col("since").dt.epoch("us"),
        until_us=pl.col("until").dt.epoch("us"),
    )
    everywhere = members.to_frame("member").join(plan.ladders.select("ladder"), how="cross")
    standings = everywhere.join(found, on=["member", "ladder"], how="left").join(
        plan.levels.select("ladder", "name", "level"), on=["ladder", "name"], how="left"
    )
    return in_order(standings.with_columns(pl.col("level").fill_null(0)), STANDING)


def ledger_run(
    ledger: loyalty.Ledger, plan: Plan, run: Run, dry_run: bool = False, **only: Any
) -> pl.DataFrame:
    """Do a run, of some members or ladders if said; return its changes as `CHANGE` says."""
    result = ledger.recompute_tiers(datetime_of(run.at_us), dry_run=dry_run, **only)
    table = pa.table(result.changes)
    words = [
        " ".join(f"{name}={value}" for name, value in sorted(metrics))
        for metrics in table["metrics"].to_pylist()
    ]
    changes = _frame(table.drop_columns(["metrics"])).select(
        "member",
        pl.col("ladder").cast(pl.String),
        pl.col("from", "to").cast(pl.String),
        run=pl.lit(run.number, pl.Int64),
        effective_us=pl.col("effective_time").dt.epoch("us"),
        assessed_us=pl.col("assessed_time").dt.epoch("us"),
        until_us=pl.col("until").dt.epoch("us"),
        metrics=pl.Series(words, dtype=pl.String),
    )
    for side in ("from", "to"):
        levels = plan.levels.select(
            "ladder", pl.col("name").alias(side), pl.col("level").alias(f"{side}_level")
        )
        changes = changes.join(levels, on=["ladder", side], how="left")
    return in_order(changes, CHANGE)


def _frame(table: Any) -> pl.DataFrame:
    return cast(pl.DataFrame, pl.from_arrow(pa.table(table)))

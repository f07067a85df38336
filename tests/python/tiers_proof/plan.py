"""A programme's ladders as tables, from its normalised form (docs/programme.md)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from loyalty import Program

PERIODS = ("calendar_year", "anniversary", "cycle")

_TEXTS = pl.List(pl.String)
_LADDERS = {
    "ladder": pl.String,
    "downgrade": pl.String,
    "grace_days": pl.Int64,
    "lifetime_level": pl.Int64,  # by its place; null: none
    "lifetime_months": pl.Int64,
    "period_model": pl.String,  # the window that validities of a "period" end with
    "period_months": pl.Int64,
    "period_start": pl.String,
}
_LEVELS = {
    "ladder": pl.String,
    "level": pl.Int64,  # by its place
    "name": pl.String,
    "below": pl.Int64,  # the next lower one that is not by invitation; of the first, itself
    "valid_days": pl.Int64,  # both null: without validity
    "valid_months": pl.Int64,
    "round_up": pl.String,
}
_METRICS = {
    "ladder": pl.String,
    "metric": pl.String,
    "of": pl.String,
    "currency": pl.String,
    "kinds": _TEXTS,
    "rules": _TEXTS,
    "channels": _TEXTS,
    "locations": _TEXTS,
    "categories": _TEXTS,
    "model": pl.String,
    "days": pl.Int64,
    "months": pl.Int64,
    "start": pl.String,
}
_CONDITIONS = {
    "ladder": pl.String,
    "level": pl.Int64,
    "alternative": pl.Int64,
    "metric": pl.String,
    "least": pl.Int64,
}
_RULES = {
    "rule": pl.String,
    "numerator": pl.Int64,
    "denominator": pl.Int64,
    "rounding": pl.String,
    "waits": pl.Boolean,  # its earns wait for a confirmation
}


@dataclass(frozen=True)
class Plan:
    """What a programme says, one row a thing; the columns are those of the module's schemas."""

    program: Program
    zone: str
    ladders: pl.DataFrame
    levels: pl.DataFrame
    metrics: pl.DataFrame
    conditions: pl.DataFrame
    rules: pl.DataFrame


def read_plan(name: str) -> Plan:
    """Read one of the programmes beside this file."""
    return plan_of(Program.read(Path(__file__).parent / f"{name}.toml"))


def plan_of(program: Program) -> Plan:
    """Take a programme apart."""
    form: dict[str, Any] = json.loads(program.to_json())
    ladders = form["ladders"]
    return Plan(
        program,
        form["time_zone"],
        _table([_ladder_row(ladder) for ladder in ladders], _LADDERS),
        _table([row for ladder in ladders for row in _level_rows(ladder)], _LEVELS),
        _table([row for ladder in ladders for row in _metric_rows(ladder)], _METRICS),
        _table([row for ladder in ladders for row in _condition_rows(ladder)], _CONDITIONS),
        _table([_rule_row(rule) for rule in form["rules"]], _RULES),
    )


def _table(rows: list[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema)


def _ladder_row(ladder: dict[str, Any]) -> dict[str, Any]:
    names = [level["name"] for level in ladder["levels"]]
    lifetime = ladder["lifetime"]
    windows = [metric["window"] for metric in ladder["metrics"] if metric["window"]]
    period: dict[str, Any] = next((of for of in windows if of["model"] in PERIODS), {})
    return {
        "ladder": ladder["name"],
        "downgrade": ladder["downgrade"],
        "grace_days": ladder["grace_days"],
        "lifetime_level": names.index(lifetime["level"]) if lifetime else None,
        "lifetime_months": 12 * lifetime["years"] if lifetime else None,
        "period_model": period.get("model"),
        "period_months": period.get("months"),
        "period_start": period.get("start"),
    }


def _level_rows(ladder: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    below = 0
    for place, level in enumerate(ladder["levels"]):
        validity = level["validity"] or {}
        rows.append(
            {
                "ladder": ladder["name"],
                "level": place,
                "name": level["name"],
                "below": below,
                "valid_days": validity.get("days"),
                "valid_months": validity.get("months"),
                "round_up": validity.get("round_up"),
            }
        )
        if not level["by_invitation"]:
            below = place
    return rows


def _metric_rows(ladder: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "ladder": ladder["name"],
            "metric": metric["name"],
            **{name: metric[name] for name in _METRICS if name in metric},
            **(metric["window"] or {}),
        }
        for metric in ladder["metrics"]
    ]


def _condition_rows(ladder: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "ladder": ladder["name"],
            "level": place,
            "alternative": alternative,
            "metric": metric,
            "least": least,
        }
        for place, level in enumerate(ladder["levels"])
        for alternative, all_of in enumerate(level["when"])
        for metric, least in all_of.items()
    ]


def _rule_row(rule: dict[str, Any]) -> dict[str, Any]:
    numerator, denominator = rule["points_per_money"] or (None, None)
    return {
        "rule": rule["name"],
        "numerator": numerator,
        "denominator": denominator,
        "rounding": rule["rounding"],
        "waits": "confirm_within_days" in (rule["pending"] or {}),
    }

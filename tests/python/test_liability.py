"""Liability and breakage: against an independent count in Polars, and their report."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

import loyalty
from loyalty._liability import breakage_table
from loyalty.cli import app

from .tier_shop import day, make_shop

START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
END = START + 400 * DAY


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A year of 30 members' earns and redemptions; runs expire some of the points."""
    path = tmp_path_factory.mktemp("year") / "ledger"
    random = np.random.default_rng(7)
    with loyalty.create(path, ["points", "miles"]) as ledger:
        ledger.open_members(range(30), effective_time=START)
        for month in range(12):
            rows = 300
            days = 30 * month + np.sort(random.uniform(0, 30, rows))
            at = [START + float(day) * DAY for day in days]
            kinds = random.choice(["earn", "redeem"], rows, p=[0.7, 0.3])
            lives = random.choice([60, 90, 400], rows)
            expires = [
                t + int(life) * DAY if kind == "earn" and life < 400 else None
                for t, life, kind in zip(at, lives, kinds, strict=True)
            ]
            ledger.post(
                {
                    "id": loyalty.new_ids(rows),
                    "kind": kinds,
                    "currency": random.choice(["points", "miles"], rows),
                    "member": random.integers(0, 30, rows),
                    "points": random.integers(1, 100, rows),
                    "effective_time": at,
                    "expires_time": pl.Series(expires, dtype=pl.Datetime("us", "UTC")),
                }
            )
            if month % 3 == 2:
                ledger.expire(START + 30 * (month + 1) * DAY)
    return path


def test_an_independent_count_agrees(year: Path) -> None:
    with loyalty.open(year) as ledger:
        ledger.expire(END)
        liability = ledger.liability(as_of=END).to_polars()
        balances = {name: ledger.balances(None, name, at=END) for name in ledger.currencies}
        entries = ledger.changes(limit=10**6).to_polars().filter(pl.col("status") == "posted")
    month = pl.col("effective_time").dt.date().dt.month_start().alias("issue_month")
    expiry = pl.col("expires_time").dt.date().dt.month_start().alias("expiry_month")
    keys = ["currency", "issue_month", "expiry_month"]
    issued = (
        entries.filter(pl.col("kind") == "earn")
        .with_columns(month, expiry, pl.col("currency").cast(pl.String))
        .group_by(keys)
        .agg(pl.col("points").sum().alias("issued"))
    )
    assert liability.select(*keys, "issued").sort(keys).equals(issued.sort(keys))
    for currency, table in balances.items():
        moved = entries.filter(pl.col("currency") == currency)
        cohorts = liability.filter(pl.col("currency") == currency)
        for kind, column in [("redeem", "redeemed"), ("expire", "expired")]:
            points = moved.filter(pl.col("kind") == kind)["points"].sum()
            assert cohorts[column].sum() == -points > 0
        assert cohorts["active"].sum() == cohorts["outstanding"].sum() == table["active"].sum() > 0
        assert cohorts["other"].sum() == 0
    # What expired did so in the months that say it: nothing later has expired yet.
    later = liability.filter(pl.col("expiry_month") > END.date())
    assert later["expired"].sum() == 0


def test_rows_add_up_at_any_time(year: Path) -> None:
    with loyalty.open(year) as ledger:
        last = ledger.info().sequence
        for as_of in (START + 100 * DAY, loyalty.AsOf(END, sequence=last // 2), END + 900 * DAY):
            frame = ledger.liability(as_of=as_of).to_polars()
            gone = frame["issued"] - frame["redeemed"] - frame["expired"] - frame["other"]
            assert gone.equals(frame["outstanding"], check_names=False)
            parts = frame["active"] + frame["pending"] + frame["held"]
            assert parts.equals(frame["outstanding"], check_names=False)


def test_breakage_by_month_of_issue_and_to_date(year: Path) -> None:
    with loyalty.open(year) as ledger:
        liability = ledger.liability(as_of=END).to_polars()
        table = ledger.breakage(as_of=END)
    assert table.metadata["time"] == END
    rows = table.to_pylist()
    assert [row["issue_month"] for row in rows if row["currency"] == "miles"][-1] is None
    for row in rows:
        mine = liability.filter(pl.col("currency") == row["currency"])
        if row["issue_month"] is not None:
            mine = mine.filter(pl.col("issue_month") == row["issue_month"])
        for name in ("issued", "redeemed", "expired", "other", "outstanding"):
            assert row[name] == mine[name].sum()
        assert row["expired_share"] == row["expired"] / row["issued"]
    assert [row["currency"] for row in rows] == sorted(
        (row["currency"] for row in rows), reverse=True
    )


def test_what_points_are_worth_is_exact(ledger: loyalty.Ledger) -> None:
    ledger.open_member(1)
    ledger.earn(1, 2**53 + 1, effective_time=START)
    (row,) = ledger.liability(value="0.001").to_pylist()
    assert row["value"] == (2**53 + 1) * Decimal("0.001")
    assert row["expiry_month"] is None
    assert row["issue_month"] == dt.date(2024, 1, 1)
    for bad in (0.01, "much", "-1", "0.0000000001", True):
        with pytest.raises(loyalty.InvalidInputError, match="value"):
            ledger.liability(value=bad)  # type: ignore[arg-type]


def test_arrears_are_told_apart(ledger: loyalty.Ledger) -> None:
    ledger.open_member(1, effective_time=START)
    ledger.earn(1, 100, effective_time=START, id="a")
    ledger.redeem(1, 80, effective_time=START)
    ledger.reverse(1, related="a", effective_time=START)
    table = ledger.liability()
    assert table.metadata["arrears"] == {"points": 80}
    assert table.metadata["sequence"] == ledger.info().sequence
    (row,) = table.to_pylist()
    assert (row["issued"], row["redeemed"], row["other"], row["outstanding"]) == (100, 80, 20, 0)


@pytest.fixture
def shop(path: Path) -> Iterator[loyalty.Ledger]:
    with make_shop(path) as opened:
        opened.recompute_tiers(day(2024, 1))
        yield opened


def test_levels_split_cohorts_and_nothing_else(shop: loyalty.Ledger) -> None:
    shop.redeem("eve", 10, effective_time=day(2024, 3))
    for as_of in (None, day(2024, 2), day(2023, 7)):
        plain = shop.liability(as_of=as_of).to_polars()
        split = shop.liability(as_of=as_of, ladder="status", value="0.5").to_polars()
        months = ["currency", "issue_month", "expiry_month"]
        sums = split.group_by(months).agg(pl.col(plain.columns[3:]).sum())
        assert_frame_equal(sums, plain, check_row_order=False, check_column_order=False)
    outstanding = dict(split.group_by("level").agg(pl.col("outstanding").sum()).iter_rows())
    assert outstanding == {"blue": 75}, "the run was as of later"
    now = shop.liability(ladder="status").to_polars()
    outstanding = dict(now.group_by("level").agg(pl.col("outstanding").sum()).iter_rows())
    assert outstanding == {"blue": 2, "silver": 15, "gold": 52}
    assert len(shop.breakage()) == len(breakage_table(shop.liability(ladder="status")))


def test_a_ladder_that_is_not_there(shop: loyalty.Ledger) -> None:
    with pytest.raises(loyalty.InvalidInputError, match="no 'gold'; there are: status, badge"):
        shop.liability(ladder="gold")


def test_the_report_by_level(shop: loyalty.Ledger, path: Path) -> None:
    shop.close()
    shown = " ".join(report(path, "--ladder", "status", "--value", "0.01").split())
    assert "What members have, by level on status as of then" in shown
    assert "points silver 15 0 0 15 0.15" in shown
    told = json.loads(report(path, "--ladder", "status", "--json"))
    assert {row["level"] for row in told["cohorts"]} == {"blue", "silver", "gold"}


def test_an_empty_ledger_has_no_cohorts(ledger: loyalty.Ledger) -> None:
    assert len(ledger.liability(value=1)) == len(ledger.breakage()) == 0


def test_a_callback_stops_it(year: Path) -> None:
    with loyalty.open(year) as ledger, pytest.raises(loyalty.StoppedError):
        ledger.liability(progress=lambda done, total: False)


def report(*arguments: object) -> Any:
    result = CliRunner().invoke(app, ["report", *map(str, arguments)])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_the_report_for_people(year: Path) -> None:
    shown = report(year, "--as-of", "2025-02-04", "--value", "0.01")
    assert "What members have, by month of expiry" in shown
    assert "never" in shown
    assert "to date" in shown
    assert "as of" in shown
    with loyalty.open(year) as ledger:
        total = ledger.breakage(as_of=dt.date(2025, 2, 4)).to_pylist()
    (miles,) = (row for row in total if row["currency"] == "miles" and not row["issue_month"])
    assert f"{miles['issued']:,}" in shown
    assert f"{miles['expired_share']:.1%}" in shown


@pytest.mark.parametrize("name", ["report.png", "report.svg"])
def test_the_report_for_machines_and_its_picture(year: Path, tmp_path: Path, name: str) -> None:
    told = json.loads(report(year, "--value", "0.5", "--picture", tmp_path / name, "--json"))
    assert (tmp_path / name).stat().st_size > 5_000
    assert told["arrears"] == {"points": 0, "miles": 0}
    assert all(
        Decimal(row["value"]) == row["outstanding"] * Decimal("0.5") for row in told["cohorts"]
    )
    assert {row["currency"] for row in told["breakage"]} == {"points", "miles"}


def test_a_picture_of_another_sort_is_refused(year: Path) -> None:
    refused = CliRunner().invoke(app, ["report", str(year), "--picture", "x.gif"])
    assert refused.exit_code == 2
    assert ".png or .svg" in refused.stderr

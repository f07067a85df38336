"""Reading: balances, statements, changes, the trial balance."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import loyalty

MAY = [dt.datetime(2024, 5, day, tzinfo=dt.UTC) for day in range(1, 32)]


@pytest.fixture
def shop(ledger: loyalty.Ledger) -> loyalty.Ledger:
    """Ada earns 500 on the 2nd, spends 100 on the 4th, fails on the 5th; Bob does nothing.

    Her 50 points of the 3rd are posted last.
    """
    ledger.open_member("ada", effective_time=MAY[0])
    ledger.open_member("bob", effective_time=MAY[0])
    ledger.earn("ada", 500, effective_time=MAY[1], id="e1", rule="welcome")
    ledger.redeem("ada", 100, effective_time=MAY[3])
    ledger.redeem("ada", 1000, effective_time=MAY[4])
    ledger.earn("ada", 50, effective_time=MAY[2])
    return ledger


def test_balance_of_one(shop: loyalty.Ledger) -> None:
    balance = shop.balance("ada")
    assert balance == loyalty.Balance(
        active=450,
        pending=0,
        held=0,
        arrears=0,
        expiring_points=0,
        expiring_time=None,
        lifetime_earned=550,
        lifetime_redeemed=100,
        sequence=shop.info().sequence,
    )
    assert shop.balance("bob").active == 0


def test_balance_of_nobody(shop: loyalty.Ledger) -> None:
    with pytest.raises(loyalty.MemberNotFoundError, match=r"^there is no member 'eve'$"):
        shop.balance("eve")
    with pytest.raises(KeyError):
        shop.balance(7)


def test_balances_of_all(shop: loyalty.Ledger) -> None:
    table = shop.balances()
    assert table["member"].tolist() == ["ada", "bob"]
    assert table["active"].tolist() == [450, 0]
    assert table["lifetime_earned"].tolist() == [550, 0]
    assert table["lifetime_redeemed"].tolist() == [100, 0]
    assert table.metadata["sequence"] == shop.info().sequence


@pytest.mark.parametrize(
    "members",
    [
        ["bob", "eve", "ada", "ada"],
        np.array(["bob", "eve", "ada", "ada"]),
        pl.Series(["bob", "eve", "ada", "ada"]),
        pa.array(["bob", "eve", "ada", "ada"]).dictionary_encode(),
        pa.array(["x", "bob", "eve", "ada", "ada"])[1:],
    ],
    ids=lambda value: type(value).__name__,
)
def test_balances_of_some(shop: loyalty.Ledger, members: Any) -> None:
    table = shop.balances(members)
    assert table["member"].tolist() == ["bob", "eve", "ada", "ada"]
    assert table["found"].tolist() == [True, False, True, True]
    assert table["active"].tolist() == [0, 0, 450, 450]


def test_balances_of_nobody(shop: loyalty.Ledger) -> None:
    assert len(shop.balances([])) == 0


def test_balances_by_number(ledger: loyalty.Ledger) -> None:
    ledger.open_members(range(10, 20))
    assert ledger.balances()["member"].dtype == np.int64
    assert ledger.balances([10, 9])["found"].tolist() == [True, False]


def test_members_of_both_sorts_are_told_apart(ledger: loyalty.Ledger) -> None:
    ledger.open_member(7)
    ledger.open_member("7")
    table = ledger.balances()
    assert table["member"].tolist() == ["7", "7"]
    assert table["member_is_text"].tolist() == [False, True]
    changes = ledger.changes()
    assert changes["member"].tolist() == [None, "7", "7"]
    assert changes["member_is_text"].tolist() == [None, False, True]


def test_a_statement_runs_by_effective_time(shop: loyalty.Ledger) -> None:
    table = shop.statement("ada")
    assert table["kind"].tolist() == ["open_member", "earn", "earn", "redeem", "redeem"]
    assert table["points"].tolist()[:4] == [0, 500, 50, -100]
    assert table["running_balance"].tolist() == [0, 500, 550, 450, 450]
    assert table["balance"].tolist() == [0, 500, 450, 400, 400]
    assert table["status"].tolist()[-1] == "insufficient_points"
    assert table["member"].tolist() == ["ada"] * 5
    assert table["rule"].tolist() == [None, "welcome", None, None, None]


def test_a_statement_between_two_times(shop: loyalty.Ledger) -> None:
    table = shop.statement("ada", MAY[2], MAY[4])
    assert table["effective_time"].astype("M8[D]").tolist() == [
        dt.date(2024, 5, 3),
        dt.date(2024, 5, 4),
    ]
    assert table["running_balance"].tolist() == [550, 450]
    assert len(shop.statement("ada", end=MAY[1])) == 1
    assert len(shop.statement("ada", start=dt.date(2024, 5, 5))) == 1
    assert len(shop.statement("ada", MAY[10], MAY[20])) == 0
    assert len(shop.statement("ada", MAY[4], MAY[2])) == 0


def test_a_statement_of_nobody(shop: loyalty.Ledger) -> None:
    with pytest.raises(loyalty.MemberNotFoundError, match="there is no member 'eve'"):
        shop.statement("eve")


def test_a_statement_runs_by_currency(path: Path) -> None:
    with loyalty.create(path, ["points", "status"]) as ledger:
        ledger.open_member(1)
        for currency, points in (("points", 5), ("status", 7), ("points", 1)):
            ledger.earn(1, points, currency)
        table = ledger.statement(1)
        assert table["currency"].tolist() == [None, "points", "status", "points"]
        assert table["running_balance"].tolist() == [0, 5, 7, 6]


def test_changes_tell_everything_in_order(shop: loyalty.Ledger) -> None:
    table = shop.changes()
    assert table["sequence"].tolist() == list(range(1, len(table) + 1))
    assert table.metadata["next_sequence"] == len(table) + 1
    assert table["kind"][0] == "define_currency"
    assert table["text"][0] == "points"
    opened = [row for row in table.to_pylist() if row["kind"] == "open_member"]
    assert [row["member"] for row in opened] == ["ada", "bob"]
    assert (np.diff(table["recorded_time"]) >= np.timedelta64(0)).all()


def test_changes_by_pages(shop: loyalty.Ledger) -> None:
    whole = shop.changes().to_pylist()
    pages = list(shop.iter_changes(batch_rows=3))
    assert [len(page) for page in pages[:-1]] == [3] * (len(pages) - 1)
    assert [row for page in pages for row in page.to_pylist()] == whole
    assert shop.changes(4, limit=2).to_pylist() == whole[3:5]
    assert shop.changes(4, limit=0).metadata["next_sequence"] == 4


def test_changes_go_on_where_they_ended(shop: loyalty.Ledger) -> None:
    following = shop.changes().metadata["next_sequence"]
    assert len(shop.changes(following)) == 0
    assert list(shop.iter_changes(following)) == []
    shop.earn("bob", 5)
    (page,) = shop.iter_changes(following)
    assert page["points"].tolist() == [5]


@pytest.mark.parametrize("arguments", [(0,), (-5,), (1, -1)])
def test_changes_from_nowhere(shop: loyalty.Ledger, arguments: tuple[int, ...]) -> None:
    with pytest.raises(loyalty.InvalidInputError, match="from_sequence must be at least 1"):
        shop.changes(*arguments)


def test_the_trial_balance_sums_to_zero(shop: loyalty.Ledger) -> None:
    shop.adjust("ada", 3, actor="a", reason="r")
    (row,) = shop.totals().to_pylist()
    assert row == {
        "currency": "points",
        "members": 453,
        "issued": -550,
        "redeemed": 100,
        "expired": 0,
        "adjusted": -3,
    }


def test_a_table_posts_into_another_ledger(shop: loyalty.Ledger, tmp_path: Path) -> None:
    """What a data scientist does: take changes as a frame, choose columns, post them elsewhere."""
    taken = shop.changes().to_polars().filter(pl.col("status") == "posted")
    kinds = ["open_member", "earn", "redeem"]
    frame = taken.filter(pl.col("kind").is_in(kinds)).select(
        "id", "kind", "member", "effective_time", "rule", points=pl.col("points").abs()
    )
    with loyalty.create(tmp_path / "copy") as copy:
        copy.post(frame).raise_for_status()
        assert copy.balances()["active"].tolist() == shop.balances()["active"].tolist()


def test_reports_are_plain_values(shop: loyalty.Ledger) -> None:
    info = shop.info()
    assert isinstance(info, loyalty.Info)
    assert json.dumps(info.digest)
    assert all(isinstance(value, int) for value in (info.members, info.sequence, info.disk_bytes))

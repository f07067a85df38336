"""Transfers and closed members from Python; the rules themselves are C++ tests."""

import datetime as dt

import polars as pl
import pytest

import loyalty

MAY = [dt.datetime(2024, 5, day, tzinfo=dt.UTC) for day in range(1, 31)]


@pytest.fixture
def shop(ledger: loyalty.Ledger) -> loyalty.Ledger:
    ledger.open_members(["ada", "ben"])
    ledger.earn("ada", 100, effective_time=MAY[0])
    return ledger


def test_a_transfer_is_two_entries(shop: loyalty.Ledger) -> None:
    reply = shop.transfer("ada", "ben", 40, effective_time=MAY[1])
    assert (reply.status, reply.points, reply.balance) == ("posted", -40, 60)
    first, second = shop.changes(reply.sequence).to_pylist()
    assert (first["member"], first["other_member"], first["points"]) == ("ada", "ben", -40)
    assert (second["member"], second["other_member"], second["points"]) == ("ben", "ada", 40)
    assert second["related_sequence"] == reply.sequence
    assert shop.balance("ben").active == 40
    assert shop.transfer("ada", "eve", 1).status == "other_member_not_found"


@pytest.mark.parametrize("dictionary", [False, True])
def test_a_frame_names_other_members_where_there_are_any(
    shop: loyalty.Ledger, dictionary: bool
) -> None:
    frame = pl.DataFrame(
        {
            "id": ["t1", "t2", "t3"],
            "kind": ["transfer", "earn", "transfer"],
            "member": ["ada", "ada", "ben"],
            "other_member": ["ben", None, "ada"],
            "points": [30, 5, 10],
            "effective_time": MAY[:3],
        }
    )
    if dictionary:
        frame = frame.with_columns(pl.col("other_member").cast(pl.Categorical))
    result = shop.post(frame)
    assert result.counts == {"posted": 3}
    assert result.balance.tolist() == [70, 75, 20]
    assert shop.balances()["active"].tolist() == [85, 20]


def test_integer_keys(ledger: loyalty.Ledger) -> None:
    ledger.open_members([7, 8])
    ledger.earn(7, 100)
    frame = {
        "id": ["a", "b"],
        "kind": ["transfer", "earn"],
        "member": [7, 7],
        "other_member": [8, None],
        "points": [30, 1],
        "effective_time": dt.datetime.now(dt.UTC),
    }
    assert ledger.post(frame).counts == {"posted": 2}
    with pytest.raises(loyalty.InvalidInputError, match="'other_member': it must hold integers"):
        ledger.post({**frame, "other_member": [8.5, None]})


def test_a_closed_member(shop: loyalty.Ledger) -> None:
    assert shop.close_member("ben", actor="clerk", reason="asked to").ok
    assert shop.transfer("ada", "ben", 1).status == "other_member_closed"
    assert shop.earn("ben", 1).status == "member_closed"
    assert shop.reopen_member("ben", actor="clerk", reason="came back").ok
    assert shop.earn("ben", 1).ok


def test_a_household_spends_from_its_pool(shop: loyalty.Ledger) -> None:
    shop.open_member("home")
    assert shop.join_pool("home", "ada").ok
    assert shop.join_pool("home", "ben", limit=15).ok
    assert shop.transfer("ada", "home", 40).ok
    assert shop.redeem("home", 10, other_member="ben", id="tea").ok
    refused = shop.redeem("home", 6, other_member="ben")
    assert (refused.status, refused.limit) == ("pool_limit_passed", 5)
    assert shop.pool("home").to_pylist() == [
        {"member": "ada", "limit": None, "spent": 0},
        {"member": "ben", "limit": 15, "spent": 10},
    ]
    assert shop.reverse("home", "tea", points=4).ok
    assert shop.pool("home")["spent"].tolist() == [0, 6]
    assert shop.leave_pool("home", "ada").points == -34
    assert shop.balance("home").active == 0
    assert shop.redeem("home", 1, other_member="ada").status == "insufficient_points"
    assert len(shop.pool("ben")) == 0
    with pytest.raises(loyalty.MemberNotFoundError, match="there is no member 'nobody'"):
        shop.pool("nobody")

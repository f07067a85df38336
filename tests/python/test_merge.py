"""Merging members from Python; the rules themselves are C++ tests."""

import datetime as dt

import pytest

import loyalty

MAY = [dt.datetime(2024, 5, day, tzinfo=dt.UTC) for day in range(1, 31)]
WHO = {"actor": "clerk", "reason": "one person"}


@pytest.fixture
def shop(ledger: loyalty.Ledger) -> loyalty.Ledger:
    ledger.open_members(["ada", "a. lovelace"], MAY[0])
    ledger.earn("ada", 100, effective_time=MAY[1])
    ledger.earn("a. lovelace", 30, effective_time=MAY[2], id="book")
    return ledger


def test_both_keys_lead_to_one_member(shop: loyalty.Ledger) -> None:
    before = shop.info().sequence
    merge = loyalty.Posting(
        *("merge_members", "ada"),
        other_member="a. lovelace",
        effective_time=MAY[3],
        actor="clerk",
        reason="one person",
    )
    assert shop.post([merge]).counts == {"posted": 1}
    assert shop.post(merge).status == "already_exists"
    assert shop.balance("ada").active == shop.balance("a. lovelace").active == 130
    assert shop.reverse("a. lovelace", "book", effective_time=MAY[4]).balance == 100
    assert shop.balances().to_pylist()[0]["member"] == "ada"
    assert len(shop.balances()) == 1

    statement = shop.statement("a. lovelace").to_pylist()
    assert [row["running_balance"] for row in statement][-1] == 100
    moved = [row for row in statement if row["kind"] == "move_points"]
    assert [(row["member"], row["points"]) for row in moved] == [("a. lovelace", -30), ("ada", 30)]

    then = loyalty.AsOf(sequence=before)
    assert shop.balances(as_of=then)["active"].tolist() == [100, 30]
    assert shop.verify().ok


def test_undoing_it_makes_them_two_again(shop: loyalty.Ledger) -> None:
    shop.merge_members("ada", "a. lovelace", id="merge", **WHO)
    shop.redeem("a. lovelace", 20)
    assert shop.unmerge_members("a. lovelace", "merge", **WHO).status == "posted"
    assert shop.balances()["active"].tolist() == [80, 30]
    again = shop.unmerge_members("ada", "merge", **WHO)
    assert again.status == "related_already_reversed"
    assert shop.merge_members("ada", "ada", **WHO).status == "other_member_invalid"
    assert shop.merge_members("ada", "nobody", **WHO).status == "other_member_not_found"

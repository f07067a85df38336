"""Erasing members from Python; the rules themselves are C++ tests."""

from pathlib import Path

import pytest

import loyalty

ADA = "ada-Jw8kq2Vx-lovelace"
WHO = {"actor": "clerk", "reason": "asked to"}


@pytest.fixture
def shop(ledger: loyalty.Ledger) -> loyalty.Ledger:
    ledger.open_members([ADA, "ben"])
    ledger.earn(ADA, 100, id="first")
    return ledger


def files_holding(directory: Path, text: str) -> list[str]:
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    return [path.name for path in paths if text.encode() in path.read_bytes()]


def test_the_key_leads_nowhere_and_the_totals_stay(shop: loyalty.Ledger) -> None:
    before = shop.totals().to_pylist()
    reply = shop.erase_member(ADA, **WHO)
    assert reply.status == "posted"
    assert shop.earn(ADA, 1).status == "member_not_found"
    assert shop.erase_member(ADA, **WHO).status == "member_not_found"
    with pytest.raises(loyalty.MemberNotFoundError):
        shop.balance(ADA)
    with pytest.raises(loyalty.MemberNotFoundError):
        shop.statement(ADA)
    assert shop.balances([ADA, "ben"])["found"].tolist() == [False, True]
    assert shop.totals().to_pylist() == before
    assert shop.verify().ok


def test_frames_show_no_key(shop: loyalty.Ledger) -> None:
    shop.open_member("home")
    shop.join_pool("home", ADA)
    shop.transfer(ADA, "ben", 30, id="gift")
    reply = shop.erase_member(ADA, **WHO)
    rows = shop.balances().to_pylist()
    assert [(row["member"], row["active"]) for row in rows] == [
        (None, 70),
        ("ben", 30),
        ("home", 0),
    ]
    assert shop.pool("home")["member"].tolist() == [None]
    entries = shop.changes().to_pylist()
    assert ADA not in str(entries)
    [opening, *_] = [entry for entry in entries if entry["kind"] == "open_member"]
    assert (opening["member"], opening["text"]) == (None, "")
    [gift, gift_too] = [entry for entry in entries if entry["kind"] == "transfer"]
    assert (gift["member"], gift["other_member"]) == (None, "ben")
    assert (gift_too["member"], gift_too["other_member"]) == ("ben", None)
    assert entries[-1]["kind"] == "erase_member"
    assert (entries[-1]["actor"], entries[-1]["sequence"]) == ("clerk", reply.sequence)
    assert ADA not in repr(shop.explain("first"))
    assert ADA not in str(shop.statement("ben").to_pylist())


def test_integer_keys(ledger: loyalty.Ledger) -> None:
    most = 2**63 - 1
    ledger.open_members([7, most])
    ledger.erase_member(7, **WHO)
    assert ledger.balances()["member"].tolist() == [None, most]
    ledger.erase_member(most, **WHO)
    assert ledger.balances()["member"].tolist() == [None, None]


def test_the_key_may_be_opened_again(shop: loyalty.Ledger) -> None:
    posting = loyalty.Posting("erase_member", ADA, actor="clerk", reason="asked to")
    first = shop.post(posting)
    assert shop.open_member(ADA).ok
    assert shop.balance(ADA).active == 0
    again = shop.post(posting)
    assert (again.status, again.sequence) == ("already_exists", first.sequence)
    assert shop.balance(ADA).active == 0
    repeated = shop.earn(ADA, 100, id="first", effective_time=0)
    assert repeated.status == "exists_with_different_member"


def test_a_frame_erases(shop: loyalty.Ledger) -> None:
    frame = {
        "id": ["a", "b", "c", "d"],
        "kind": ["erase_member", "earn", "open_member", "earn"],
        "member": [ADA] * 4,
        "points": [0, 5, 0, 7],
        "effective_time": [1, 2, 3, 4],
        "actor": "clerk",
        "reason": "asked to",
    }
    result = shop.post(frame)
    assert result.status.tolist() == ["posted", "member_not_found", "posted", "posted"]
    assert shop.balance(ADA).active == 7


def test_no_file_has_the_key(path: Path) -> None:
    with loyalty.create(path) as ledger:
        ledger.open_members([ADA, "ben"])
        ledger.checkpoint()
        assert files_holding(path, ADA)
        ledger.erase_member(ADA, **WHO)
        ledger.checkpoint()
        assert files_holding(path, ADA) == []
        ledger.open_member(ADA)
        assert files_holding(path, ADA)
        ledger.erase_member(ADA, **WHO)
    assert files_holding(path, ADA) == []
    with loyalty.open(path) as ledger:
        assert ledger.balances()["member"].tolist() == [None, "ben", None]
        assert ledger.verify().ok


def test_it_needs_no_currency(path: Path) -> None:
    with loyalty.create(path, ("points", "miles")) as ledger:
        ledger.open_members([ADA])
        assert ledger.erase_member(ADA, **WHO).ok
        frame = {"id": ["a"], "kind": "erase_member", "member": [ADA], "effective_time": 1}
        assert ledger.post({**frame, **WHO}).status.tolist() == ["member_not_found"]
        assert ledger.changes().to_pylist()[-1]["currency"] is None

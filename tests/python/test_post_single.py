"""Single postings: the helpers, `Posting`, and their replies."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import loyalty

pytestmark = pytest.mark.also_served

NOON = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def ada(ledger: loyalty.Ledger) -> loyalty.Ledger:
    ledger.open_member("ada").raise_for_status()
    ledger.earn("ada", 500).raise_for_status()
    return ledger


def test_a_reply_says_status_sequence_and_balance(ledger: loyalty.Ledger) -> None:
    ledger.open_member(7)
    reply = ledger.earn(7, 500)
    assert reply == loyalty.Reply("posted", ledger.info().sequence, 500, points=500)
    assert (
        repr(reply) == f"Reply(status='posted', sequence={reply.sequence}, balance=500, points=500)"
    )
    assert reply.ok


def test_a_redemption_takes_points(ada: loyalty.Ledger) -> None:
    assert ada.redeem("ada", 200).balance == 300


def test_a_refusal_is_a_status(ada: loyalty.Ledger) -> None:
    reply = ada.redeem("ada", 501)
    assert reply.status == "insufficient_points"
    assert reply.balance == 500
    assert not reply.ok
    assert reply.limit == 500
    with pytest.raises(loyalty.PostingRefusedError, match="insufficient_points; possible were 500"):
        reply.raise_for_status()


def test_an_adjustment_names_who_and_why(ada: loyalty.Ledger) -> None:
    assert ada.adjust("ada", -100, actor="clerk 7", reason="goodwill").balance == 400
    row = ada.changes().to_pylist()[-1]
    assert (row["actor"], row["reason"], row["points"]) == ("clerk 7", "goodwill", -100)


def test_a_reversal_names_the_posting(ada: loyalty.Ledger) -> None:
    ada.earn("ada", 50, id="order 17")
    assert ada.reverse("ada", "order 17").balance == 500
    assert ada.reverse("ada", "order 17").status == "related_already_reversed"
    assert ada.reverse("ada", uuid.uuid4()).status == "related_not_found"


def test_unknown_members_are_a_status(ledger: loyalty.Ledger) -> None:
    assert ledger.earn("nobody", 5).status == "member_not_found"


def test_the_number_and_the_text_are_two_members(ledger: loyalty.Ledger) -> None:
    ledger.open_member(7)
    ledger.open_member("7")
    ledger.earn("7", 5)
    assert ledger.balance(7).active == 0
    assert ledger.balance("7").active == 5


@pytest.mark.parametrize(
    "posting_id", [uuid.UUID(int=7), str(uuid.UUID(int=8)), "order 1", b"0123456789abcdef"]
)
def test_the_same_id_posts_once(ada: loyalty.Ledger, posting_id: Any) -> None:
    first = ada.earn("ada", 10, id=posting_id, effective_time=NOON)
    again = ada.earn("ada", 10, id=posting_id, effective_time=NOON)
    assert again == loyalty.Reply("already_exists", first.sequence, 510, points=10)
    assert ada.balance("ada").active == 510


def test_the_same_id_with_other_content_names_the_field(ada: loyalty.Ledger) -> None:
    ada.earn("ada", 10, id="x", effective_time=NOON)
    assert ada.earn("ada", 11, id="x", effective_time=NOON).status == "exists_with_different_points"
    later = NOON + dt.timedelta(microseconds=1)
    status = ada.earn("ada", 10, id="x", effective_time=later).status
    assert status == "exists_with_different_effective_time"


def test_a_posting_object_is_a_safe_retry(ada: loyalty.Ledger) -> None:
    posting = loyalty.Posting("earn", "ada", 10)
    first = ada.post(posting)
    assert ada.post(posting) == loyalty.Reply("already_exists", first.sequence, 510, points=10)


def test_an_id_of_none_is_a_fresh_one(ada: loyalty.Ledger) -> None:
    assert ada.earn("ada", 1, id=None).status == "posted"
    assert ada.earn("ada", 1, id=None).status == "posted"


def test_every_field_arrives(ada: loyalty.Ledger) -> None:
    posting_id = loyalty.new_id()
    ada.post(
        loyalty.Posting(
            "earn",
            "ada",
            10,
            "points",
            money=1999,
            effective_time=NOON,
            expires_time=NOON + dt.timedelta(days=365),
            activates_time=NOON + dt.timedelta(days=14),
            rule="double",
            channel="web",
            location="Łódź",
            category="books",
            actor="till 3",
            reason="promo",
            tag=2**64 - 1,
            id=posting_id,
        )
    )
    row = ada.changes().to_pylist()[-1]
    del row["recorded_time"], row["sequence"]
    assert row == {
        "effective_time": NOON,
        "kind": "earn",
        "member": "ada",
        "other_member": None,
        "currency": "points",
        "points": 10,
        "money": 1999,
        "balance": 500,
        "pending": 10,
        "held": 0,
        "arrears": 0,
        "status": "posted",
        "expires_time": NOON + dt.timedelta(days=365),
        "activates_time": NOON + dt.timedelta(days=14),
        "deadline_time": None,
        "floor": None,
        "ceiling": None,
        "asked": None,
        "held_change": 0,
        "revived": 0,
        "repaid": 0,
        "limit": None,
        "rule": "double",
        "channel": "web",
        "location": "Łódź",
        "category": "books",
        "actor": "till 3",
        "reason": "promo",
        "related_sequence": None,
        "id": posting_id.bytes,
        "tag": 2**64 - 1,
        "text": "",
        "ladder": None,
        "from_level": None,
        "level": None,
        "assessed_time": None,
        "metrics": None,
        "program_version": 0,
    }


def test_a_posting_cannot_be_changed() -> None:
    posting = loyalty.Posting("earn", 1, 5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        posting.points = 6  # type: ignore[misc]


def test_a_currency_must_be_said_when_there_are_several(path: Path) -> None:
    with loyalty.create(path, ["points", "status"]) as ledger:
        ledger.open_member(1)
        assert ledger.earn(1, 5, "status").balance == 5
        assert ledger.balance(1, "points").active == 0
        with pytest.raises(loyalty.InvalidInputError, match="which one of points, status"):
            ledger.earn(1, 5)
        with pytest.raises(loyalty.InvalidInputError, match="which one of points, status"):
            ledger.balance(1)
        with pytest.raises(loyalty.InvalidInputError, match="did you mean 'status'"):
            ledger.earn(1, 5, "statis")


def test_numpy_numbers_are_numbers(ada: loyalty.Ledger) -> None:
    ada.open_member(np.int32(9))  # type: ignore[arg-type]
    assert ada.earn(np.int64(9), np.int16(5)).balance == 5  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"points": 1.0}, "points must be an integer, not float: 1.0; round explicitly"),
        ({"points": True}, "points must be an integer, not bool"),
        ({"points": "5"}, "points must be an integer, not str"),
        ({"points": 2**63}, "points: 9223372036854775808 is not within"),
        ({"money": 0.5}, "money must be an integer"),
        ({"tag": -1}, "tag: -1 is not within 0 to"),
        ({"member": 1.0}, "member must be an integer or a text, not float"),
        ({"member": True}, "member must be an integer or a text, not bool"),
        ({"member": None}, "member must be an integer or a text, not NoneType"),
        ({"member": ""}, "member: a text key has 1 to 64 bytes, this one 0"),
        ({"member": "é" * 33}, "member: a text key has 1 to 64 bytes, this one 66"),
        ({"member": "\ud800"}, "member must be valid Unicode"),
        ({"member": 2**63}, "member: 9223372036854775808 is not within"),
        ({"id": ""}, "id: an empty text is no id"),
        ({"id": b"short"}, "id: an id has 16 bytes, this one 5"),
        ({"id": 17}, "id must be a uuid.UUID, a text or 16 bytes, not int: 17"),
        ({"related": 17}, "related must be a uuid.UUID"),
        ({"effective_time": "2024-05-01"}, "effective_time must be a datetime"),
        ({"effective_time": True}, "effective_time must be a datetime"),
        ({"effective_time": np.datetime64("NaT")}, "effective_time must be a datetime"),
        ({"expires_time": 1.5}, "expires_time must be a datetime"),
        ({"effective_time": 2**63}, "effective_time: 9223372036854775808 is not within"),
        ({"rule": 5}, "rule must be a text, not int: 5"),
        ({"currency": "gems"}, "currency: unknown 'gems'; there are: points"),
        ({"colour": "red"}, "earn: .*colour"),
        ({"rule": "x" * 300}, "rule: a code has at most 256 bytes, this one 300"),
    ],
)
def test_bad_fields_are_named(ada: loyalty.Ledger, fields: dict[str, Any], message: str) -> None:
    sequence = ada.info().sequence
    arguments: dict[str, Any] = {"member": "ada", "points": 5} | fields
    with pytest.raises(loyalty.InvalidInputError, match=message):
        ada.earn(**arguments)
    assert ada.info().sequence == sequence


def test_an_unknown_kind_is_refused(ada: loyalty.Ledger) -> None:
    with pytest.raises(loyalty.InvalidInputError, match="did you mean 'redeem'"):
        ada.post(loyalty.Posting("redeems", "ada", 5))


def test_points_that_are_not_said(ledger: loyalty.Ledger) -> None:
    """As in a batch: none where a kind needs none, else a mistake, but for earns by a rule."""
    ledger.open_member("ada")
    ledger.earn("ada", 5, id="gift")
    undo = loyalty.Posting("reverse", "ada", None, related="gift")
    assert ledger.post(undo).points == -5
    with pytest.raises(loyalty.InvalidInputError, match="points: a posting of kind 'redeem'"):
        ledger.post(loyalty.Posting("redeem", "ada", None))
    assert ledger.post(loyalty.Posting("earn", "ada", None)).status == "no_points_by_rule"


def test_texts_have_no_zero_characters(ada: loyalty.Ledger) -> None:
    assert ada.open_member("a\0b").status == "member_key_invalid"
    with pytest.raises(loyalty.InvalidInputError, match=r"UTF-8 without U\+0000"):
        ada.earn("ada", 5, reason="a\0b")

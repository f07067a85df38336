"""The binding itself: it refuses arrays that it cannot read in place, and copies none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import loyalty
from loyalty import _core

GOOD: dict[str, Any] = {
    "ids": np.zeros((2, 16), np.uint8),
    "kinds": np.zeros(2, np.uint8),
    "currencies": np.zeros(2, np.uint16),
    "points": np.zeros(2, np.int64),
    "effective_us": np.zeros(2, np.int64),
    "member_numbers": np.zeros(2, np.int64),
}
DATA = np.frombuffer(b"adabob", np.uint8)
TEXTS: dict[str, Any] = {"member_numbers": None, "member_data": DATA}


def test_good_columns_are_taken() -> None:
    assert len(_core.PostingColumns(**GOOD)) == 2
    offsets = np.array([0, 3, 6])
    assert len(_core.PostingColumns(**GOOD | TEXTS | {"member_offsets": offsets})) == 2


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("points", np.zeros(2, np.int32)),
        ("points", np.zeros(2, np.float64)),
        ("points", np.zeros(4, np.int64)[::2]),
        ("kinds", np.zeros(2, np.int64)),
        ("ids", np.zeros(32, np.int8)),
        ("money", [0, 0]),
        ("tags", np.zeros(2, np.int64)),
    ],
)
def test_other_types_are_refused_not_copied(name: str, array: Any) -> None:
    with pytest.raises(TypeError, match="incompatible constructor arguments"):
        _core.PostingColumns(**GOOD | {name: array})


@pytest.mark.parametrize("name", ["ids", "currencies", "points", "effective_us", "member_numbers"])
def test_other_lengths_are_refused(name: str) -> None:
    array = np.zeros(3 * 16, np.uint8) if name == "ids" else np.zeros(3, GOOD[name].dtype)
    with pytest.raises(ValueError, match=f"{name} must hold"):
        _core.PostingColumns(**GOOD | {name: array})


@pytest.mark.parametrize("offsets", [[0, 3, 7], [0, 7, 6], [3, 0, 6], [-1, 3, 6], [0, 2**62, 6]])
def test_offsets_must_lie_in_the_data(offsets: list[int]) -> None:
    with pytest.raises(ValueError, match="must rise within"):
        _core.PostingColumns(**GOOD | TEXTS | {"member_offsets": np.array(offsets)})
    with pytest.raises(ValueError, match="must rise within"):
        _core.ids_from_texts(np.array(offsets), DATA)


def test_members_are_numbers_or_texts() -> None:
    offsets = np.array([0, 3, 6])
    for wrong in (
        {"member_numbers": None},
        {"member_numbers": None, "member_offsets": offsets},
        TEXTS | {"member_offsets": offsets, "member_numbers": GOOD["member_numbers"]},
    ):
        with pytest.raises(ValueError, match="give either member_numbers, or"):
            _core.PostingColumns(**GOOD | wrong)


def test_columns_keep_their_arrays_alive(ledger: loyalty.Ledger) -> None:
    ledger.open_members(range(1000))
    columns = _core.PostingColumns(
        ids=np.frombuffer(loyalty.new_ids(1000).tobytes(), np.uint8).copy(),
        kinds=np.full(1000, 2, np.uint8),
        currencies=np.zeros(1000, np.uint16),
        points=np.full(1000, 7),
        effective_us=np.zeros(1000, np.int64),
        member_numbers=np.arange(1000),
    )
    for _ in range(10):
        np.full(1000, -1)  # would reuse freed memory
    outcome = ledger._core.post_columns(columns, chunk_rows=100, chunks_in_flight=2)
    assert outcome.error is None
    assert outcome.rows_durable == 1000
    assert (ledger.balances()["active"] == 7).all()


def test_chunks_have_rows(ledger: loyalty.Ledger) -> None:
    columns = _core.PostingColumns(**GOOD)
    for sizes in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="chunks must not be empty"):
            ledger._core.post_columns(columns, chunk_rows=sizes[0], chunks_in_flight=sizes[1])


def test_chunks_beyond_the_queue_are_a_fault(ledger: loyalty.Ledger) -> None:
    path = ledger.path
    ledger.close()
    with loyalty.open(path, queue_capacity=10) as small:
        rows = 100
        columns = _core.PostingColumns(
            ids=np.frombuffer(loyalty.new_ids(rows).tobytes(), np.uint8),
            kinds=np.ones(rows, np.uint8),
            currencies=np.zeros(rows, np.uint16),
            points=np.zeros(rows, np.int64),
            effective_us=np.zeros(rows, np.int64),
            member_numbers=np.arange(rows),
        )
        outcome = small._core.post_columns(columns, chunk_rows=50, chunks_in_flight=2)
        assert isinstance(outcome.error, loyalty.InvalidInputError)
        assert outcome.rows_durable == 0


def test_names_follow_the_engine() -> None:
    assert int(loyalty.PostingStatus.POSTED) == 1
    assert loyalty.PostingStatus(66).name == "INSUFFICIENT_POINTS"
    assert [kind.name for kind in loyalty.Kind][:3] == ["UNSPECIFIED", "OPEN_MEMBER", "EARN"]
    assert int(_core.StatusCode.INTERRUPTED) == 11

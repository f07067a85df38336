"""Malformed frames: each is refused whole, naming the column and the first bad row."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import loyalty

pytestmark = pytest.mark.also_served

MakeFrame = Callable[..., dict[str, Any]]

GONE = object()
NOON = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)

# Columns to put into a good frame of four rows (GONE: to take out), and the message.
BAD: list[tuple[dict[Any, Any], str]] = [
    # columns
    ({"id": GONE}, "the required column 'id' is missing"),
    ({"kind": GONE}, "the required column 'kind' is missing"),
    ({"member": GONE}, "the required column 'member' is missing"),
    ({"effective_time": GONE}, "the required column 'effective_time' is missing"),
    ({"points": GONE}, "column 'points' is missing, and row 0 needs it"),
    ({"pionts": [1] * 4}, "unknown column 'pionts'; did you mean 'points'?"),
    ({"xyz": [1] * 4}, "unknown column 'xyz'; there are: id, kind, member"),
    ({7: [1] * 4}, "unknown column 7"),
    ({"points": [1, 2, 3]}, "column 'points': it has 3 rows, but 'id' has 4"),
    ({"points": np.ones((4, 1), int)}, "'points': it must have one dimension, not shape (4, 1)"),
    # id
    ({"id": [1, 2, 3, 4]}, "column 'id': it must hold UUIDs, 16 bytes, pairs of uint64 or texts"),
    ({"id": ["a", "b", None, "d"]}, "column 'id', row 2: a value is missing"),
    ({"id": ["a", "b", "c", ""]}, "column 'id', row 3: an empty text is no id"),
    ({"id": [b"x" * 16, b"y" * 15] * 2}, "column 'id', row 1: an id has 16 bytes, this one 15"),
    ({"id": np.array([b"x"] * 4)}, "column 'id': NumPy byte strings are ambiguous"),
    ({"id": "one for all"}, "column 'id': every posting needs an id of its own"),
    ({"id": np.zeros((4, 3), np.uint64)}, "column 'id': it must have one dimension"),
    # kind
    ({"kind": ["earn", "earm", "earn", "x"]}, "column 'kind', row 1: unknown 'earm'; did you mean"),
    ({"kind": ["earn", "earn", None, "earn"]}, "column 'kind', row 2: a value is missing"),
    ({"kind": [2, 2, 2, 64]}, "column 'kind', row 3: unknown number 64; there are: 1 open_member"),
    ({"kind": [2, -1, 2, 2]}, "column 'kind', row 1: unknown number -1"),
    ({"kind": ["define_code"] * 4}, "column 'kind', row 0: unknown 'define_code'"),
    ({"kind": [1.0] * 4}, "column 'kind': it must hold texts, not double"),
    # member
    ({"member": [1, 2, "3", 4]}, "column 'member', row 2: str after int: '3'"),
    ({"member": [1, None, 3, 4]}, "column 'member', row 1: a value is missing"),
    ({"member": [1.0, 2.0, 3.0, 4.0]}, "column 'member': it must hold integers or texts"),
    ({"member": [True] * 4}, "column 'member': it must hold integers or texts, not bool"),
    ({"member": ["a", "", "c", "d"]}, "column 'member', row 1: an empty member key"),
    ({"member": ["a", "b", "x" * 65, "d"]}, "column 'member', row 2: a member key of 65 bytes"),
    ({"member": ["a", "b", "c", "é" * 33]}, "column 'member', row 3: a member key of 66 bytes"),
    ({"member": np.array([1, 2, 3, 2**63], np.uint64)}, "'member', row 3: 9223372036854775808"),
    ({"member": [b"a", b"b", b"c", b"d"]}, "column 'member': it must hold texts, not binary"),
    ({"member": [NOON] * 4}, "column 'member': it must hold texts, not timestamp"),
    # currency
    ({"currency": ["points", "pts", "x", "y"]}, "column 'currency', row 1: unknown 'pts'"),
    ({"currency": [1] * 4}, "column 'currency': it must hold texts, not int64"),
    # points and money
    ({"points": [1.0, 2.0, 3.0, 4.0]}, "column 'points': it is double, and only integers"),
    ({"points": [1.5] * 4}, "round explicitly, for example (frame['points'] * 100)"),
    ({"points": [1, 2, None, 4]}, "column 'points', row 2: a value is missing"),
    ({"points": np.array([1, 2, np.nan, 4])}, "column 'points': it is double"),
    ({"points": [decimal.Decimal("1.5")] * 4}, "column 'points': it is decimal128(2, 1)"),
    ({"points": ["1", "2", "3", "4"]}, "column 'points': it must hold integers, not "),
    ({"points": [True] * 4}, "column 'points': it must hold integers, not bool"),
    ({"points": [1, 2, 3, 2**63]}, "column 'points', row 3: 9223372036854775808 is not within"),
    ({"points": [1, 2, 2**70, 4]}, f"column 'points', row 2: {2**70} is out of range"),
    ({"points": [1, 2, "3", 4]}, "column 'points', row 2: str after int: '3'"),
    ({"money": [0.5] * 4}, "column 'money': it is double"),
    ({"money": [1, None, 3, 4]}, "column 'money', row 1: a value is missing"),
    # times
    ({"effective_time": ["2024-05-01"] * 4}, "'effective_time': it must hold timestamps, dates"),
    ({"effective_time": [NOON, None] * 2}, "column 'effective_time', row 1: a value is missing"),
    ({"effective_time": [1.5] * 4}, "'effective_time': it must hold timestamps, dates or integer"),
    (
        {"effective_time": np.array(["NaT", "2024-01-01"] * 2, "M8[us]")},
        "column 'effective_time', row 0: a value is missing",
    ),
    (
        {"effective_time": pa.array([0, 0, 2**62, 0], pa.timestamp("s"))},
        "column 'effective_time', row 2: 4611686018427387904 s since 1970 is out of range",
    ),
    ({"expires_time": ["never"] * 4}, "column 'expires_time': it must hold timestamps"),
    # codes, related, tag
    ({"rule": [1, 2, 3, 4]}, "column 'rule': it must hold texts, not int64"),
    ({"rule": ["a", "b", "x" * 300, "d"]}, "column 'rule', row 2: a code has at most 256 bytes"),
    ({"related": [1, 2, 3, 4]}, "column 'related': it must hold UUIDs"),
    ({"related": [b"x", None] * 2}, "column 'related', row 0: an id has 16 bytes, this one 1"),
    ({"tag": [-1, 0, 0, 0]}, "column 'tag', row 0: -1 is not within 0 to 18446744073709551615"),
    ({"tag": [0, 2**64, 0, 0]}, f"column 'tag', row 1: {2**64} is out of range"),
    ({"tag": [0.0] * 4}, "column 'tag': it is double"),
]


@pytest.mark.parametrize(("columns", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_columns_are_named(
    ledger: loyalty.Ledger, frame: MakeFrame, columns: dict[Any, Any], message: str
) -> None:
    bad = {name: values for name, values in (frame() | columns).items() if values is not GONE}
    before = ledger.digest
    with pytest.raises(loyalty.InvalidInputError) as caught:
        ledger.post(bad)
    assert message in str(caught.value)
    assert ledger.digest == before


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table], ids=lambda f: f.__module__)
def test_every_library_names_them(
    ledger: loyalty.Ledger, frame: MakeFrame, make: Callable[..., Any]
) -> None:
    good = frame() | {"id": [str(i) for i in range(4)]}
    for columns, message in (
        ({"points": [1.0, 2.0, 3.0, 4.0]}, "'points': it is double"),
        ({"member": ["a", "b", "", "d"]}, "'member', row 2: an empty member key"),
        ({"kind": ["earn", "x", "earn", "earn"]}, "'kind', row 1: unknown 'x'"),
        ({"effective_time": [NOON, NOON, None, NOON]}, "'effective_time', row 2: a value is"),
        ({"colour": ["red"] * 4}, "unknown column 'colour'"),
    ):
        with pytest.raises(loyalty.InvalidInputError) as caught:
            ledger.post(make(good | columns))
        assert message in str(caught.value)


def test_a_missing_value_makes_pandas_float(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    good = pd.DataFrame(frame() | {"id": ["a", "b", "c", "d"]})
    good.loc[2, "points"] = np.nan
    with pytest.raises(loyalty.InvalidInputError, match="'points': it is double"):
        ledger.post(good)


def test_a_column_twice_is_refused(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    good = pd.DataFrame(frame() | {"id": ["a", "b", "c", "d"]})
    twice = pd.concat([good, good[["points"]]], axis=1)
    with pytest.raises(loyalty.InvalidInputError, match="column 'points' is there 2 times"):
        ledger.post(twice)


@pytest.mark.parametrize("thing", [5, "text", None, 1.5, object(), {1, 2}, np.arange(3)])
def test_other_things_are_no_frame(ledger: loyalty.Ledger, thing: Any) -> None:
    with pytest.raises(loyalty.InvalidInputError, match="postings must be a dict of columns"):
        ledger.post(thing)


def test_an_array_of_numbers_is_no_table(ledger: loyalty.Ledger) -> None:
    with pytest.raises(loyalty.InvalidInputError, match="cannot be read as an Arrow table"):
        ledger.post(pa.array([1, 2]))


def test_single_values_only_are_no_frame(ledger: loyalty.Ledger) -> None:
    with pytest.raises(loyalty.InvalidInputError, match="no column of values"):
        ledger.post({"id": "a", "kind": "earn", "member": 1, "points": 5, "effective_time": 0})


def test_memory_of_others_is_checked(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    """Offsets beyond the data, an index beyond the dictionary, bytes that are no UTF-8."""
    data = pa.py_buffer(b"abcd")
    offsets = pa.py_buffer(np.array([0, 4_000, 2, 3, 4], np.int64))
    wild = pa.Array.from_buffers(pa.large_string(), 4, [None, offsets, data])
    latin = pa.array([b"\xe9"] * 4, pa.large_binary()).view(pa.large_string())
    far = pa.DictionaryArray.from_arrays(
        pa.array([0, 0, 0, 9], pa.int32()), pa.array(["a"]), safe=False
    )
    for column in (wild, latin, far):
        for name in ("member", "rule", "id"):
            with pytest.raises(loyalty.InvalidInputError, match=f"column '{name}'"):
                ledger.post(frame(4, **{name: column}))


def test_only_the_points_of_some_kinds_may_be_missing(ledger: loyalty.Ledger) -> None:
    frame = {
        "id": loyalty.new_ids(3),
        "kind": ["open_member", "earn", "adjust"],
        "member": "ada",
        "points": [None, 5, None],
        "effective_time": 0,
    }
    with pytest.raises(loyalty.InvalidInputError, match="'points', row 2: a value is missing"):
        ledger.post(frame)


def test_bad_lists_of_members_are_refused(ledger: loyalty.Ledger) -> None:
    for members, message in (
        ("ada", "column 'member': give a list or an array, not str: 'ada'"),
        (7, "give a list or an array, not int"),
        ([1, None], "column 'member', row 1: a value is missing"),
        ([1.0], "column 'member': it must hold integers or texts"),
        ([1, "a"], "column 'member', row 1: str after int"),
    ):
        for call in (ledger.open_members, ledger.balances):
            with pytest.raises(loyalty.InvalidInputError) as caught:
                call(members)
            assert message in str(caught.value)

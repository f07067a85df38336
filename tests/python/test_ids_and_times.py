"""Ids in all their forms, and times one by one."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import loyalty
from loyalty import _core
from loyalty._times import time_us

pytestmark = pytest.mark.also_served

MakeFrame = Callable[..., dict[str, Any]]

UUIDS = [uuid.UUID(int=0x018F_0000_0000_7000_8000_0000_0000_0000 + i) for i in range(3)]
BYTES = b"".join(u.bytes for u in UUIDS)
FORMS: dict[str, Any] = {
    "UUIDs": UUIDS,
    "array of UUIDs": np.array(UUIDS),
    "texts": [str(u) for u in UUIDS],
    "upper-case texts": [str(u).upper() for u in UUIDS],
    "hex digits": [u.hex for u in UUIDS],
    "16 bytes": [u.bytes for u in UUIDS],
    "V16": np.frombuffer(BYTES, "V16"),
    "V16, not contiguous": np.repeat(np.frombuffer(BYTES, "V16"), 2)[::2],
    "pairs of uint64": np.frombuffer(BYTES, ">u8").reshape(3, 2).astype(np.uint64),
    "fixed-size binary": pa.array([u.bytes for u in UUIDS], pa.binary(16)),
    "fixed-size binary, sliced": pa.array([bytes(16), *(u.bytes for u in UUIDS)], pa.binary(16))[
        1:
    ],
    "large binary": pa.array([u.bytes for u in UUIDS], pa.large_binary()),
    "Arrow UUIDs": pa.array([u.bytes for u in UUIDS], pa.uuid()),
    "Arrow texts": pa.array([str(u) for u in UUIDS]).dictionary_encode(),
    "pandas texts": pd.Series([str(u) for u in UUIDS]),
}


@pytest.mark.parametrize("ids", FORMS.values(), ids=FORMS)
def test_every_form_gives_the_same_ids(ledger: loyalty.Ledger, frame: MakeFrame, ids: Any) -> None:
    ledger.post(frame(3, id=ids)).raise_for_status()
    assert ledger.changes()["id"][-3:].tobytes() == BYTES


def test_references_are_hashed(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    references = ["order 1", "Łódź", "x" * 36, "z" * 32]
    ledger.post(frame(4, id=references)).raise_for_status()
    expected = [hashlib.sha256(text.encode()).digest()[:16] for text in references]
    assert ledger.changes()["id"][-4:].tolist() == expected
    assert ledger.earn(0, 100, id="order 1").sequence == ledger.info().sequence - 3


def test_reversals_name_ids_in_any_form(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    earned = ledger.post(frame(3, id=UUIDS))
    result = ledger.post(
        {
            "id": loyalty.new_ids(4),
            "kind": ["reverse", "earn", "reverse", "reverse"],
            "member": [0, 0, 1, 2],
            "points": [None, 5, None, None],
            "related": [str(UUIDS[0]), None, UUIDS[1].hex, "no such order"],
            "effective_time": dt.datetime(2024, 6, 1, tzinfo=dt.UTC),
        }
    )
    assert list(result.status) == ["posted", "posted", "posted", "related_not_found"]
    related = ledger.changes()["related_sequence"][-4:]
    assert related.tolist() == [earned.sequence[0], None, earned.sequence[1], None]


def test_an_id_of_zeros_is_none(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    assert ledger.post(frame(1, id=[bytes(16)])).counts == {"id_missing": 1}


@given(st.text(min_size=1))
def test_one_text_and_a_column_agree(text: str) -> None:
    try:
        data = np.frombuffer(text.encode(), np.uint8)
    except UnicodeEncodeError:
        return
    column = _core.ids_from_texts(np.array([0, len(data)]), data)
    assert column.tobytes() == _core.id_from_text(text)


@given(st.uuids())
def test_uuid_texts_keep_their_bits(value: uuid.UUID) -> None:
    for text in (str(value), value.hex, str(value).upper()):
        assert _core.id_from_text(text) == value.bytes


def test_new_ids_are_ordered_uuids_of_now() -> None:
    before_ms = time.time_ns() // 1_000_000
    ids = loyalty.new_ids(10_000)
    after_ms = time.time_ns() // 1_000_000
    assert ids.shape == (10_000,)
    values = [uuid.UUID(bytes=bytes(value)) for value in ids]
    assert values == sorted(values)
    assert len(set(values)) == 10_000
    assert {value.version for value in values} == {7}
    assert {value.variant for value in values} == {uuid.RFC_4122}
    assert before_ms <= values[0].int >> 80 <= values[-1].int >> 80 <= after_ms


def test_new_ids_come_in_any_number() -> None:
    assert len(loyalty.new_ids(0)) == 0
    with pytest.raises(loyalty.InvalidInputError, match="must not be negative: -1"):
        loyalty.new_ids(-1)


def test_new_id_is_one_of_them() -> None:
    ids = [loyalty.new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {(i.version, i.variant) for i in ids} == {(7, uuid.RFC_4122)}
    assert abs((ids[0].int >> 80) - time.time() * 1000) < 10_000


YEARS = (dt.datetime(1800, 1, 1), dt.datetime(2300, 1, 1))  # noqa: DTZ001


@given(st.datetimes(*YEARS) | st.datetimes(*YEARS, timezones=st.timezones()))
def test_datetimes_are_exact(value: dt.datetime) -> None:
    aware = value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
    us = time_us(value, "time")
    assert dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=us) == aware


@pytest.mark.parametrize(
    ("value", "us"),
    [
        (0, 0),
        (np.int64(-5), -5),
        (dt.date(1970, 1, 2), 86_400_000_000),
        (np.datetime64("1970-01-01T00:00:01"), 1_000_000),
        (np.datetime64("1970-01-02"), 86_400_000_000),
        (np.datetime64(-1, "ns"), -1),
        (pd.Timestamp(1_999, unit="ns"), 1),
        (pd.Timestamp("1970-01-01 01:00", tz="Europe/Paris"), 0),
    ],
)
def test_single_times(value: Any, us: int) -> None:
    assert time_us(value, "time") == us


@pytest.mark.parametrize("value", [None, pd.NaT, np.datetime64("NaT"), 1.0, "now", True])
def test_no_times(value: Any) -> None:
    with pytest.raises(loyalty.InvalidInputError, match="start must be a datetime"):
        time_us(value, "start")

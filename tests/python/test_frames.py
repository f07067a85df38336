"""Frames of every library post the same."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import loyalty

pytestmark = pytest.mark.also_served

MakeFrame = Callable[..., dict[str, Any]]

NOON = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
IDS = [uuid.UUID(int=i + 1) for i in range(4)]
COLUMNS: dict[str, Any] = {
    "id": [str(i) for i in IDS],
    "kind": ["open_member", "earn", "earn", "redeem"],
    "member": ["ada", "ada", "ada", "ada"],
    "points": [None, 100, 50, 30],
    "money": [0, 1999, 500, 0],
    "effective_time": [NOON] * 4,
    "expires_time": [None, NOON + dt.timedelta(days=30), None, None],
    "rule": [None, "double", "single", None],
    "channel": ["web", "web", "till", "till"],
    "tag": [0, 1, 2, 3],
}


class ArrowArrayOnly:
    """What another library's record batch looks like: nothing but the C interface."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch

    def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
        return self._batch.__arrow_c_array__(requested_schema)


class ArrowStreamOnly:
    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._table.__arrow_c_stream__(requested_schema)


def table() -> pa.Table:
    return pa.table(COLUMNS)


def categories(names: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(COLUMNS).astype({"points": "Int64"})
    return frame.astype(dict.fromkeys(names, "category"))


FRAMES: dict[str, Callable[[], Any]] = {
    "dict of lists": lambda: COLUMNS,
    "dict of NumPy": lambda: (
        {
            name: np.array(values)
            for name, values in COLUMNS.items()
            if name not in ("points", "expires_time", "rule", "effective_time")
        }
        | {"effective_time": np.array([NOON.replace(tzinfo=None)] * 4, "M8[ns]")}
        | {name: COLUMNS[name] for name in ("points", "expires_time", "rule")}
    ),
    "dict of series": lambda: {
        name: pd.Series(values, dtype="Int64" if name == "points" else None)
        if i % 2
        else pl.Series(values)
        for i, (name, values) in enumerate(COLUMNS.items())
    },
    "dict of Arrow": lambda: dict(zip(table().column_names, table().columns, strict=True)),
    "dict of tuples": lambda: {name: tuple(values) for name, values in COLUMNS.items()},
    "pandas": lambda: pd.DataFrame(COLUMNS).astype({"points": "Int64"}),
    "pandas categories": lambda: categories(["kind", "rule", "channel", "member"]),
    "pandas objects": lambda: pd.DataFrame(COLUMNS, dtype=object),
    "pandas of Arrow": lambda: table().to_pandas(types_mapper=pd.ArrowDtype),
    "Polars": lambda: pl.DataFrame(COLUMNS),
    "Polars categories": lambda: pl.DataFrame(COLUMNS).with_columns(
        pl.col("kind", "rule", "channel", "member").cast(pl.Categorical)
    ),
    "Polars in pieces": lambda: pl.concat(
        [pl.DataFrame(COLUMNS)[:1], pl.DataFrame(COLUMNS)[1:]], rechunk=False
    ),
    "Arrow table": table,
    "Arrow table in pieces": lambda: pa.concat_tables([table()[:1], table()[1:3], table()[3:]]),
    "Arrow table, sliced": lambda: pa.concat_tables([table(), table()]).combine_chunks()[4:],
    "Arrow dictionaries": lambda: pa.table(
        {
            name: column.combine_chunks().dictionary_encode()
            if pa.types.is_string(column.type)
            else column
            for name, column in zip(table().column_names, table().columns, strict=True)
        }
    ),
    "Arrow batch": lambda: table().combine_chunks().to_batches()[0],
    "Arrow array interface": lambda: ArrowArrayOnly(table().combine_chunks().to_batches()[0]),
    "Arrow stream interface": lambda: ArrowStreamOnly(table()),
    "our own table": lambda: loyalty.Table(table()),
}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_every_library_posts_the_same(ledger: loyalty.Ledger, make: Callable[[], Any]) -> None:
    result = ledger.post(make())
    assert result.counts == {"posted": 4}
    assert result.balance.tolist() == [0, 100, 150, 120]
    rows = [row for row in ledger.changes().to_pylist() if row["member"] == "ada"]
    assert [row["id"] for row in rows] == [i.bytes for i in IDS]
    assert [row["kind"] for row in rows] == COLUMNS["kind"]
    assert [row["points"] for row in rows] == [0, 100, 50, -30]
    for name in ("money", "effective_time", "expires_time", "rule", "channel", "tag"):
        assert [row[name] for row in rows] == COLUMNS[name], name
    assert ledger.post(make()).counts == {"already_exists": 4}


def test_a_single_value_stands_for_every_row(ledger: loyalty.Ledger) -> None:
    ledger.open_members([1, 2])
    result = ledger.post(
        {
            "id": loyalty.new_ids(2),
            "kind": "earn",
            "member": [1, 2],
            "points": 7,
            "currency": "points",
            "effective_time": NOON,
            "expires_time": None,
            "rule": "gift",
        }
    )
    assert result.balance.tolist() == [7, 7]
    assert ledger.changes()["rule"].tolist()[-2:] == ["gift", "gift"]


def test_kinds_may_be_numbers(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    assert ledger.post(frame(2, kind=[2, int(loyalty.Kind.EARN)])).ok
    assert ledger.post(frame(1, kind=np.array([2], np.uint8))).ok


def test_unused_categories_are_not_journaled(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    rule = pd.Categorical(["a", "a"], categories=["never", "a", "nor this"])
    assert ledger.post(frame(2, rule=rule)).ok
    changes = ledger.changes()
    assert changes["text"][changes["kind"] == "define_code"].tolist() == ["a"]


def test_many_categories_fit(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    """128 categories and a null: pandas holds them as int8, which has no number left for it."""
    names = [f"store {i}" for i in range(128)]
    location = pd.Categorical([*names, None])
    ledger.post(frame(129, location=location)).raise_for_status()
    assert ledger.changes()["location"][-129:].tolist() == [*names, None]


def test_columns_of_nulls_count_as_absent(ledger: loyalty.Ledger) -> None:
    ledger.open_members([0, 1])
    frame = pd.DataFrame(
        {
            "id": [i.hex for i in IDS[:2]],
            "kind": "earn",
            "member": [0, 1],
            "points": [1, 2],
            "effective_time": NOON,
            "expires_time": pd.NaT,
            "rule": np.nan,
            "money": None,
            "related": None,
            "tag": None,
        }
    )
    assert ledger.post(frame).ok


def test_members_of_every_integer_width(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    for dtype in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"):
        assert ledger.post(frame(3, member=np.arange(3, dtype=dtype))).ok, dtype


def test_the_largest_numbers_fit(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    limits = np.iinfo(np.int64)
    ledger.open_members([limits.min, limits.max])
    result = ledger.post(
        frame(2, member=[limits.min, limits.max], points=[limits.max - 1, 1], tag=[0, 2**64 - 1])
    )
    assert result.ok
    assert ledger.balance(limits.min).active == limits.max - 1
    assert ledger.changes()["tag"][-1] == 2**64 - 1


def test_texts_of_64_bytes_are_members(ledger: loyalty.Ledger) -> None:
    key = "é" * 32
    assert ledger.open_members([key]).ok
    assert ledger.balance(key).active == 0


def test_currencies_by_name(path: Path) -> None:
    with loyalty.create(path, ["points", "status"]) as ledger:
        frame: dict[str, Any] = {
            "id": loyalty.new_ids(4),
            "kind": ["open_member", "earn", "earn", "earn"],
            "member": "ada",
            "points": [None, 1, 2, 4],
            "currency": [None, "status", "points", "status"],
            "effective_time": 0,
        }
        assert ledger.post(frame).balance.tolist() == [0, 1, 2, 5]
        del frame["currency"]
        with pytest.raises(loyalty.InvalidInputError, match="'currency' is missing, and row 1"):
            ledger.post(frame)


@pytest.mark.parametrize(
    "times",
    [
        pd.date_range("2024-05-01 12:00", periods=2, freq="h", tz="UTC", unit="ns"),
        pd.date_range("2024-05-01 14:00", periods=2, freq="h", tz="Europe/Paris", unit="us"),
        pd.date_range("2024-05-01 12:00", periods=2, freq="h", unit="s"),
        np.array(["2024-05-01T12", "2024-05-01T13"], "M8[ms]"),
        [NOON, NOON + dt.timedelta(hours=1)],
        [NOON.replace(tzinfo=None), NOON.replace(tzinfo=None, hour=13)],
        [NOON.astimezone(ZoneInfo("Asia/Tokyo")), NOON.replace(hour=13)],
        [1714564800_000000, 1714568400_000000],
        pa.array([1714564800, 1714568400], pa.timestamp("s", "America/New_York")),
        pl.Series([NOON, NOON.replace(hour=13)]).dt.cast_time_unit("ns"),
    ],
    ids=lambda value: f"{type(value).__name__} {getattr(value, 'dtype', '')}",
)
def test_times_of_every_form(ledger: loyalty.Ledger, frame: MakeFrame, times: Any) -> None:
    assert ledger.post(frame(2, effective_time=times)).ok
    effective = ledger.changes()["effective_time"][-2:]
    assert effective.tolist() == [dt.datetime(2024, 5, 1, 12), dt.datetime(2024, 5, 1, 13)]  # noqa: DTZ001


def test_dates_are_midnight_and_nanoseconds_are_cut(
    ledger: loyalty.Ledger, frame: MakeFrame
) -> None:
    ledger.post(frame(1, effective_time=[dt.date(2024, 5, 1)])).raise_for_status()
    ledger.post(frame(1, effective_time=pl.Series([dt.date(2024, 5, 1)]))).raise_for_status()
    fine = np.array(["2024-05-01T00:00:00.000000999"], "M8[ns]")
    ledger.post(frame(1, effective_time=fine)).raise_for_status()
    early = np.array(["1969-12-31T23:59:59.999999001"], "M8[ns]")
    ledger.post(frame(1, effective_time=early)).raise_for_status()
    effective = ledger.statement(0).to_arrow()["effective_time"].cast(pa.int64()).to_pylist()
    midnight = 1714521600_000000
    assert effective[0] == -1
    assert effective[1:4] == [midnight] * 3

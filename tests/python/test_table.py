"""`Table`: the frame that comes back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import loyalty

NOON = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
COLUMNS = {
    "number": pa.array([1, 20, 300]),
    "gap": pa.array([1, None, 3]),
    "text": pa.array(["a", None, "<b>"]),
    "code": pa.array(["x", None, "y"]).dictionary_encode(),
    "time": pa.array([NOON, None, NOON], pa.timestamp("us", "UTC")),
    "id": pa.array([bytes(16), b"x" * 16, b"y" * 16], pa.binary(16)),
    "flag": pa.array([True, False, True]),
}


@pytest.fixture
def table() -> loyalty.Table:
    return loyalty.Table(pa.table(COLUMNS), {"sequence": 17})


def test_it_is_a_mapping_of_columns(table: loyalty.Table) -> None:
    assert len(table) == 3
    assert table.columns == tuple(COLUMNS)
    assert list(table) == list(COLUMNS)
    assert "text" in table
    assert "words" not in table
    assert table.metadata == {"sequence": 17}


def test_columns_are_numpy(table: loyalty.Table) -> None:
    columns = table.to_numpy()
    assert columns["number"].dtype == np.int64
    assert columns["number"].tolist() == [1, 20, 300]
    assert columns["gap"].tolist() == [1, None, 3]
    assert columns["text"].tolist() == ["a", None, "<b>"]
    assert columns["code"].tolist() == ["x", None, "y"]
    assert columns["time"].dtype == "M8[us]"
    assert np.isnat(columns["time"]).tolist() == [False, True, False]
    assert columns["id"].dtype == "V16"
    assert columns["id"][1].tobytes() == b"x" * 16
    assert columns["flag"].dtype == bool


def test_columns_of_a_slice(table: loyalty.Table) -> None:
    part = loyalty.Table(table.to_arrow().slice(1))
    assert part["id"].tobytes() == b"x" * 16 + b"y" * 16
    assert part["code"].tolist() == [None, "y"]


def test_columns_in_pieces_and_of_no_rows(table: loyalty.Table) -> None:
    twice = loyalty.Table(pa.concat_tables([table.to_arrow(), table.to_arrow()]))
    none = loyalty.Table(table.to_arrow().slice(3))
    for name in COLUMNS:
        assert len(twice[name]) == 6
        assert len(none[name]) == 0
    assert twice["code"].tolist() == ["x", None, "y"] * 2


def test_an_unknown_column_is_a_key_error(table: loyalty.Table) -> None:
    with pytest.raises(KeyError, match="no column 'nr'; there are: number, gap"):
        table["nr"]


def test_it_goes_into_every_library(table: loyalty.Table) -> None:
    rows = table.to_pylist()
    assert table.to_arrow().to_pylist() == rows
    assert pa.table(table).to_pylist() == rows
    assert table.to_polars().to_dicts() == rows
    assert pl.DataFrame(table).to_dicts() == rows
    frame = table.to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert frame["number"].tolist() == [1, 20, 300]
    assert frame["code"].dtype == "category"
    assert str(frame["time"].dtype) == "datetime64[us, UTC]"


def test_the_stream_can_be_read_again(table: loyalty.Table) -> None:
    assert pa.table(table).equals(pa.table(table))
    assert pa.schema(table) == table.to_arrow().schema


def test_repr_is_aligned(monkeypatch: pytest.MonkeyPatch, table: loyalty.Table) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert repr(table).splitlines() == [
        "number  gap  text  code  time                 id                                flag",
        "     1    1  a     x     2024-05-01 12:00:00  00000000000000000000000000000000  True",
        "    20    -  -     -     -                    78787878787878787878787878787878  False",
        "   300    3  <b>   y     2024-05-01 12:00:00  79797979797979797979797979797979  True",
        "3 rows x 7 columns; sequence 17",
    ]


def test_repr_names_what_does_not_fit(
    monkeypatch: pytest.MonkeyPatch, table: loyalty.Table
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    assert repr(table).splitlines()[0] == "number  gap  text  code"
    assert repr(table).splitlines()[-1] == "not shown: time, id, flag"


def test_repr_leaves_out_the_middle() -> None:
    lines = repr(loyalty.Table(pa.table({"n": range(1000)}))).splitlines()
    assert [line.strip() for line in lines] == [
        *("n", "0", "1", "2", "3", "4", "5", "…", "994", "995", "996", "997", "998", "999"),
        "1,000 rows x 1 columns",
    ]


def test_repr_shows_days_and_instants() -> None:
    month = pa.array([dt.date(2024, 5, 1), None])
    at = pa.array([dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC), None])
    shown = repr(loyalty.Table(pa.table({"month": month, "at": at}))).splitlines()
    assert shown[1].split() == ["2024-05-01", "2024-05-01", "12:00:00"]
    assert shown[2].split() == ["-", "-"]


def test_repr_cuts_long_texts() -> None:
    table = loyalty.Table(pa.table({"text": ["x" * 100]}))
    assert "x" * 35 + "…" in repr(table)
    assert "x" * 36 not in repr(table)


@pytest.mark.parametrize("data", [pa.table({}), pa.table({"n": pa.array([], pa.int64())})])
def test_empty_tables_show_themselves(data: Any) -> None:
    table = loyalty.Table(data)
    assert "0 rows" in repr(table)
    assert "0 rows" in table._repr_html_()


def test_html_is_escaped(table: loyalty.Table) -> None:
    html = table._repr_html_()
    assert "<td>&lt;b&gt;</td>" in html
    assert "<th>number</th>" in html
    assert "3 rows x 7 columns; sequence 17" in html

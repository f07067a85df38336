"""`Table`: the one frame that this package returns."""

from __future__ import annotations

import datetime as dt
import html
import shutil
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_ROWS_SHOWN = 12
_CELL_WIDTH = 36


class Table:
    """Columns of equal length: a thin, immutable wrapper of an Arrow table.

    Goes as it is into anything that takes Arrow (``polars.DataFrame(table)``, ``duckdb``,
    ``pyarrow``), as often as wanted. Times are UTC, in microseconds; statuses, kinds and codes
    are dictionary columns.

    Attributes
    ----------
    metadata : Mapping[str, Any]
        What belongs to the table as a whole, such as ``sequence`` of the snapshot that it shows.
    """

    def __init__(self, data: pa.Table, metadata: Mapping[str, Any] | None = None) -> None:
        self._data = data
        self.metadata: Mapping[str, Any] = dict(metadata or {})

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self._data.column_names)

    def __len__(self) -> int:
        return int(self._data.num_rows)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the column names, as a mapping does."""
        return iter(self.columns)

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return one column as NumPy values (see `to_numpy`); KeyError for an unknown name."""
        if name not in self.columns:
            raise KeyError(f"no column {name!r}; there are: {', '.join(self.columns)}")
        return _to_numpy(self._data.column(name))

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Hand the columns over by the Arrow PyCapsule interface."""
        return self._data.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        """Hand the schema over by the Arrow PyCapsule interface."""
        return self._data.schema.__arrow_c_schema__()

    def to_arrow(self) -> pa.Table:
        """Return the underlying Arrow table, without a copy."""
        return self._data

    def to_pandas(self) -> pd.DataFrame:
        """Return a pandas DataFrame (needs pandas). Dictionary columns become categories."""
        frame: pd.DataFrame = self._data.to_pandas()
        return frame

    def to_polars(self) -> pl.DataFrame:
        """Return a Polars DataFrame (needs polars)."""
        import polars

        frame = polars.from_arrow(self._data)
        assert isinstance(frame, polars.DataFrame)
        return frame

    def to_numpy(self) -> dict[str, NDArray[Any]]:
        """Return a dict of NumPy arrays, each of shape (len(self),).

        Times are ``datetime64[us]`` (UTC; NaT when null), texts are objects (None when null), ids
        are ``V16``, integers and flags keep their type; an integer column with nulls becomes
        objects.
        """
        return {name: self[name] for name in self.columns}

    def to_pylist(self) -> list[dict[str, Any]]:
        """Return one dict a row: for small tables and for tests."""
        rows: list[dict[str, Any]] = self._data.to_pylist()
        return rows

    def __repr__(self) -> str:
        names, cells = self._shown()
        if not names:
            return f"Table: {len(self):,} rows, no columns"
        numeric = [_is_number(self._data.schema.field(name).type) for name in names]
        widths = [max(map(len, column)) for column in cells]
        used = _columns_that_fit(widths, shutil.get_terminal_size((120, 24)).columns)
        lines = [
            "  ".join(
                cells[i][row].rjust(widths[i]) if numeric[i] else cells[i][row].ljust(widths[i])
                for i in range(used)
            ).rstrip()
            for row in range(len(cells[0]))
        ]
        lines.append(self._summary())
        if used < len(names):
            lines.append(f"not shown: {', '.join(names[used:])}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        names, cells = self._shown()
        head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(column[row])}</td>" for column in cells) + "</tr>"
            for row in range(1, len(cells[0]) if cells else 0)
        )
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"<p>{html.escape(self._summary())}</p>"
        )

    def _summary(self) -> str:
        notes = "".join(f"; {key} {value}" for key, value in self.metadata.items())
        return f"{len(self):,} rows x {len(self.columns)} columns{notes}"

    def _shown(self) -> tuple[list[str], list[list[str]]]:
        """Return the names, and each column's texts: its name, its first rows, its last rows."""
        count = len(self)
        half = _ROWS_SHOWN // 2
        gap = count > _ROWS_SHOWN
        cells = []
        for name in self.columns:
            column = self._data.column(name)
            parts = [column.slice(0, half), column.slice(count - half)] if gap else [column]
            texts = [[_cell(value) for value in part.to_pylist()] for part in parts]
            cells.append([name, *texts[0], *(["…", *texts[1]] if gap else [])])
        return list(self.columns), cells


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bytes):
        text = value.hex()
    elif isinstance(value, dt.datetime):
        text = value.isoformat(sep=" ").removesuffix("+00:00")
    else:
        text = str(value)
    return text if len(text) <= _CELL_WIDTH else text[: _CELL_WIDTH - 1] + "…"


def _columns_that_fit(widths: list[int], room: int) -> int:
    total = 0
    for i, width in enumerate(widths):
        total += width + (2 if i else 0)
        if total > room:
            return max(i, 1)
    return len(widths)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _to_numpy(column: pa.ChunkedArray) -> NDArray[Any]:
    kind = column.type
    if pa.types.is_fixed_size_binary(kind) and column.null_count == 0:
        array = column.combine_chunks()
        width = kind.byte_width
        return np.frombuffer(array.buffers()[1], f"V{width}", len(array), width * array.offset)
    if pa.types.is_dictionary(kind):
        # Not by Arrow's own to_numpy(), which takes a null's index for a value's.
        array = column.combine_chunks()
        texts = np.array([*array.dictionary.to_pylist(), None], object)
        return np.asarray(texts[array.indices.cast(pa.int64()).fill_null(len(texts) - 1)])
    if pa.types.is_timestamp(kind):
        return np.asarray(column.cast(pa.timestamp(kind.unit)).to_numpy())
    if pa.types.is_integer(kind) and column.null_count:
        return np.array(column.to_pylist(), dtype=object)
    return np.asarray(column.to_numpy())

"""Frames of any library to named Arrow columns. What the columns mean is `_columns`'s business."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loyalty.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd


class _ArrowStream(Protocol):
    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...


class _ArrowArray(Protocol):
    def __arrow_c_array__(self, requested_schema: Any = None) -> Any: ...


Frame: TypeAlias = "Mapping[str, Any] | pd.DataFrame | _ArrowStream | _ArrowArray"
Columns = dict[str, pa.Array]

_IDS = ("id", "related")


def bad_column(name: str, why: str) -> InvalidInputError:
    """Make the error for a whole column."""
    return InvalidInputError(f"column {name!r}: {why}")


def bad_row(name: str, row: int, why: str) -> InvalidInputError:
    """Make the error for a column's first bad row, counted from 0."""
    return InvalidInputError(f"column {name!r}, row {row}: {why}")


def read_frame(frame: object, known: Sequence[str]) -> Columns:
    """Read a frame into contiguous Arrow arrays of one length.

    Parameters
    ----------
    frame : mapping, pandas DataFrame, or anything with an Arrow C stream or array
        A mapping's values are sequences, or single values to be repeated in every row.
    known : Sequence[str]
        The column names that mean something.

    Returns
    -------
    dict of str to pyarrow.Array
        Missing values (None, NaN, NaT) are nulls.

    Raises
    ------
    InvalidInputError
        It is no frame; a column is unknown, repeated, of another length, or mixes types.
    """
    pandas = sys.modules.get("pandas")
    if isinstance(frame, Mapping):
        _check_names(list(frame), known)
        return _of_mapping(frame)
    if pandas is not None and isinstance(frame, pandas.DataFrame):
        names = list(frame.columns)
        _check_names(names, known)
        return {name: _to_arrow(name, frame[name]) for name in names}
    if hasattr(frame, "__arrow_c_stream__") or hasattr(frame, "__arrow_c_array__"):
        table = _import(frame)
        _check_names(table.column_names, known)
        return {name: _one_chunk(name, table.column(name)) for name in table.column_names}
    raise InvalidInputError(
        "postings must be a dict of columns, a pandas or Polars frame, an Arrow table or a list of "
        f"loyalty.Posting, not {type(frame).__name__}"
    )


def read_column(name: str, values: object) -> pa.Array:
    """Read a single column, as `read_frame` does; a lone text or number is refused."""
    if _is_single(values):
        raise bad_column(name, f"give a list or an array, not {type(values).__name__}: {values!r}")
    return _to_arrow(name, values)


def _check_names(names: Sequence[object], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(known)}"
            raise InvalidInputError(f"unknown column {name!r}; {hint}")
        if names.count(name) > 1:
            raise InvalidInputError(f"column {name!r} is there {names.count(name)} times")


def _of_mapping(frame: Mapping[str, object]) -> Columns:
    columns = {
        name: _to_arrow(name, value) for name, value in frame.items() if not _is_single(value)
    }
    lengths = {name: len(column) for name, column in columns.items()}
    if not lengths:
        raise InvalidInputError("postings have no column of values: at least 'id' must be one")
    rows = next(iter(lengths.values()))
    for name, length in lengths.items():
        if length != rows:
            first = next(iter(lengths))
            raise bad_column(name, f"it has {length:,} rows, but {first!r} has {rows:,}")
    for name, value in frame.items():
        if name not in columns:
            columns[name] = _repeat(name, value, rows)
    return columns


def _is_single(value: object) -> bool:
    if isinstance(value, str | bytes) or np.isscalar(value) or value is None:
        return True
    return not isinstance(value, Iterable) and not hasattr(value, "__arrow_c_stream__")


def _repeat(name: str, value: object, rows: int) -> pa.Array:
    if name == "id":
        raise bad_column(name, "every posting needs an id of its own, not one value for all")
    one = _to_arrow(name, [value])
    return one.take(pa.array(np.zeros(rows, np.int64)))


def _to_arrow(name: str, values: Any) -> pa.Array:
    if isinstance(values, np.ndarray):
        values = _of_numpy(name, values)
    try:
        column = _of_values(values)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise _mixed(name, values, error) from error
    return _one_chunk(name, column)


def _of_values(values: Any) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    # pandas too has the stream, but only Arrow's own reading of it turns NaN into null.
    if hasattr(values, "__arrow_c_stream__") and not type(values).__module__.startswith("pandas."):
        return pa.chunked_array(values)
    if not hasattr(values, "__len__"):
        values = list(values)
    try:
        return pa.array(values, from_pandas=True)
    except OverflowError:
        # Arrow infers int64; unsigned ones (tags) may need the last bit.
        return pa.array(values, pa.uint64(), from_pandas=True)


def _of_numpy(name: str, values: NDArray[Any]) -> object:
    """Give ids in NumPy's forms as Arrow; refuse arrays that have no meaning as a column."""
    if name in _IDS and values.dtype == np.uint64 and values.ndim == 2 and values.shape[1] == 2:
        values = values.astype(">u8").view("V16").reshape(len(values))
    if values.ndim != 1:
        raise bad_column(name, f"it must have one dimension, not shape {values.shape}")
    if values.dtype == np.dtype("V16"):
        buffer = pa.py_buffer(np.ascontiguousarray(values).view(np.uint8))
        return pa.Array.from_buffers(pa.binary(16), len(values), [None, buffer])
    if values.dtype.kind == "S":
        # NumPy cuts trailing zero bytes off these, so an id could silently become another.
        raise bad_column(
            name, "NumPy byte strings are ambiguous: give texts, or view 16 bytes as 'V16'"
        )
    return values


def _one_chunk(name: str, column: Any) -> pa.Array:
    """Make one array of a column, its texts with 64-bit offsets; check foreign memory."""
    try:
        column.validate(full=True)
        return _plain(column)
    except pa.ArrowException as error:
        raise bad_column(name, f"it cannot be read: {error}") from error


def _plain(column: Any) -> pa.Array:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        column = pa.chunked_array([chunk.storage for chunk in chunks], kind.storage_type)
        kind = column.type
    if pa.types.is_dictionary(kind) and _is_text(kind.value_type):
        column = column.cast(pa.dictionary(pa.int32(), pa.large_string()))
    elif _is_text(kind):
        column = column.cast(pa.large_string())
    if not isinstance(column, pa.ChunkedArray):
        return column
    # combine_chunks() would copy even a single one.
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _import(frame: object) -> pa.Table:
    try:
        return pa.table(frame)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InvalidInputError(f"the frame cannot be read as an Arrow table: {error}") from error


def _mixed(name: str, values: Any, error: Exception) -> InvalidInputError:
    """Find the first row whose type is not that of the rows before it."""
    try:
        first = None
        for row, value in enumerate(values):
            if value is None or value != value:
                continue
            if isinstance(value, int) and not -(2**63) <= value < 2**64:
                return bad_row(name, row, f"{value} is out of range")
            first = type(value) if first is None else first
            if type(value) is not first:
                return bad_row(
                    name, row, f"{type(value).__name__} after {first.__name__}: {value!r}"
                )
    except (TypeError, ValueError):
        pass
    return bad_column(name, f"it cannot be read: {error}")

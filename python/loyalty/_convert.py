"""Single columns, checked, as arrays that the engine's binding reads in place.

Each function raises `InvalidInputError` naming the column and, where there is one, the first bad
row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loyalty import _core
from loyalty._frame import bad_column, bad_row

Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class Texts:
    """Texts end to end, in UTF-8.

    Attributes
    ----------
    offsets : NDArray[np.int64]
        Shape (rows + 1,): where each text begins, and where the last one ends.
    data : NDArray[np.uint8]
        The bytes; the first text need not begin at 0.
    """

    offsets: NDArray[np.int64]
    data: NDArray[np.uint8]


@dataclass(frozen=True)
class Dictionary:
    """A column of texts as indices into its distinct ones; a null has the index ``len(texts)``."""

    indices: NDArray[np.integer[Any]]
    texts: list[str | None]

    def used(self) -> list[tuple[int, str]]:
        """Return the distinct texts that occur, with their index: a category may have no rows."""
        seen = np.zeros(len(self.texts) + 1, bool)
        seen[self.indices] = True
        return [
            (int(i), text) for i in np.flatnonzero(seen[:-1]) if (text := self.texts[i]) is not None
        ]

    def first_row(self, index: int) -> int:
        """Return the first row with that index."""
        return int(np.argmax(self.indices == index))

    def replace(self, number: Callable[[str], int], dtype: type[np.integer[Any]]) -> NDArray[Any]:
        """Return the number of each row's text, asking once per distinct one; 0 for nulls."""
        numbers = np.zeros(len(self.texts) + 1, dtype)
        for index, text in self.used():
            numbers[index] = number(text)
        return np.asarray(numbers[self.indices])


def refuse_nulls(name: str, array: pa.Array, allowed: Rows | None = None) -> None:
    """Refuse nulls, but in the rows where they are allowed."""
    if array.null_count == 0:
        return
    nulls = np.asarray(array.is_null())
    wrong = nulls if allowed is None else nulls & ~allowed
    if wrong.any():
        raise bad_row(name, int(np.argmax(wrong)), "a value is missing")


def integers(name: str, array: pa.Array, dtype: type[np.integer[Any]] = np.int64) -> NDArray[Any]:
    """Return integers of any width as `dtype`, shape (rows,); floats are refused even if whole."""
    kind = array.type
    if len(array) == 0:
        return np.zeros(0, dtype)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        raise bad_column(
            name,
            f"it is {kind}, and only integers of minor units (such as cents) are exact; round "
            f"explicitly, for example (frame[{name!r}] * 100).round().astype('int64')",
        )
    refuse_nulls(name, array)
    if not pa.types.is_integer(kind):
        raise bad_column(name, f"it must hold integers, not {kind}")
    values = np.asarray(array.to_numpy(zero_copy_only=False))
    if not np.can_cast(values.dtype, dtype):
        limits = np.iinfo(dtype)
        wrong = values < 0 if limits.min == 0 else values > limits.max
        if limits.max < np.iinfo(np.int64).max:
            wrong = wrong | (values > limits.max) | (values < limits.min)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise bad_row(name, row, f"{values[row]} is not within {limits.min} to {limits.max}")
    return np.ascontiguousarray(values, dtype)


def times(name: str, array: pa.Array, null_us: int | None = None) -> NDArray[np.int64]:
    """Return microseconds since 1970 UTC, shape (rows,); what is finer is cut off.

    Parameters
    ----------
    name, array
        Timestamps of any unit and zone (without one: UTC), dates (midnight UTC), or integer
        microseconds.
    null_us : int, optional
        What a null means; by default a null is refused.
    """
    if pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("ms"))
    if not (
        pa.types.is_timestamp(array.type) or pa.types.is_integer(array.type) or len(array) == 0
    ):
        refuse_nulls(name, array)
        raise bad_column(
            name,
            f"it must hold timestamps, dates or integer microseconds, not {array.type}; parse "
            "texts first, for example with pandas.to_datetime",
        )
    if null_us is None or array.null_count == 0:
        refuse_nulls(name, array)
        return _microseconds(name, array)
    nulls = np.asarray(array.is_null())
    filled = array.fill_null(pa.scalar(0, pa.int64()).cast(array.type))
    return np.where(nulls, np.int64(null_us), _microseconds(name, filled))


def _microseconds(name: str, array: pa.Array) -> NDArray[np.int64]:
    if not pa.types.is_timestamp(array.type):
        return integers(name, array)
    ticks: NDArray[np.int64] = array.view(pa.int64()).to_numpy()
    unit = array.type.unit
    if unit == "us":
        return np.ascontiguousarray(ticks)
    if unit == "ns":
        return ticks // 1000
    factor = 1_000_000 if unit == "s" else 1000
    wrong = np.abs(ticks) > np.iinfo(np.int64).max // factor
    if wrong.any():
        raise bad_row(
            name, int(np.argmax(wrong)), f"{ticks[wrong][0]} {unit} since 1970 is out of range"
        )
    return ticks * factor


def texts(name: str, array: pa.Array) -> Texts:
    """Return texts without nulls, as offsets and bytes."""
    refuse_nulls(name, array)
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
        refuse_nulls(name, array)
    if len(array) == 0:
        return Texts(np.zeros(1, np.int64), np.zeros(0, np.uint8))
    if not pa.types.is_large_string(array.type):
        raise bad_column(name, f"it must hold texts, not {array.type}")
    _, offsets, data = array.buffers()
    start = array.offset
    return Texts(
        np.frombuffer(offsets, np.int64)[start : start + len(array) + 1],
        np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8),
    )


def dictionary(name: str, array: pa.Array) -> Dictionary:
    """Return texts with nulls, as indices into the distinct ones."""
    if pa.types.is_large_string(array.type):
        array = array.dictionary_encode()
    if not (pa.types.is_dictionary(array.type) and pa.types.is_large_string(array.type.value_type)):
        if array.null_count < len(array):
            raise bad_column(name, f"it must hold texts, not {array.type}")
        return Dictionary(np.zeros(len(array), np.int32), [])
    values: list[str | None] = array.dictionary.to_pylist()
    indices = array.indices
    if indices.null_count:
        indices = indices.fill_null(len(values))
    return Dictionary(indices.to_numpy(), values)


def ids(name: str, array: pa.Array, *, required: bool) -> NDArray[np.uint8]:
    """Return ids as big-endian bytes, shape (rows, 16); of nulls zeros, unless `required`."""
    if required:
        refuse_nulls(name, array)
    if array.null_count == len(array):
        return np.zeros((len(array), 16), np.uint8)
    kind = array.type
    types = pa.types
    if types.is_dictionary(kind) and types.is_large_string(kind.value_type):
        array, kind = array.cast(pa.large_string()), pa.large_string()
    if types.is_large_string(kind):
        if required:
            _refuse_empty(name, array)
        column = texts(name, array.fill_null(""))
        return _core.ids_from_texts(column.offsets, column.data)
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind):
        array = _fixed(name, array)
        kind = array.type
    if kind == pa.binary(16):
        array = array.fill_null(bytes(16)) if array.null_count else array
        data = np.frombuffer(array.buffers()[1], np.uint8, 16 * len(array), 16 * array.offset)
        return data.reshape(-1, 16)
    raise bad_column(
        name,
        f"it must hold UUIDs, 16 bytes, pairs of uint64 or texts, not {kind}; numbers of your "
        "own can be references: make texts of them",
    )


def _refuse_empty(name: str, array: pa.Array) -> None:
    empty = np.asarray(pc.equal(pc.binary_length(array), 0))
    if empty.any():
        raise bad_row(name, int(np.argmax(empty)), "an empty text is no id")


def _fixed(name: str, array: pa.Array) -> pa.Array:
    array = array.cast(pa.large_binary())
    wrong = np.asarray(pc.not_equal(pc.binary_length(array), 16).fill_null(False))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise bad_row(name, row, f"an id has 16 bytes, this one {len(array[row].as_py())}")
    return array.cast(pa.binary(16))

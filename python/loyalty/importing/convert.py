"""Values as files write them -> values as postings need them, or the reason why not, row by row.

Nothing is guessed and nothing is rounded: a value that is not exactly what its field needs is
rejected.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from loyalty._columns import KINDS
from loyalty._core import MAX_MEMBER_BYTES

KeyType = Literal["auto", "int", "text"]
_INT64 = pa.int64()
TIME_TYPE = pa.timestamp("us", tz="UTC")
_ID_BYTES = 16
# 28 digits leave decimal128 room; any int64 has 19.
_DECIMAL_DIGITS = 28
_WHOLE = r"^[+-]?[0-9]{1,20}$"
_DECIMAL = r"^[+-]?[0-9]{1,18}(\.[0-9]*)?$"
_KEY = r"^(0|-?[1-9][0-9]{0,18})$"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)?"
_ZONED_TIME = _TIME + r"(Z|[+-][0-9]{2}:?[0-9]{2})$"
_LOCAL_TIME = _TIME + r"$"


class Rejects:
    """Why rows of one batch are rejected: the first reason found for each."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.reasons: dict[int, str] = {}

    def add(self, bad: npt.NDArray[np.bool_], values: pa.Array, why: str) -> None:
        """Reject the rows where `bad`: ``why: value``, or ``why`` where there is no value."""
        for row in np.flatnonzero(bad).tolist():
            value = values[row].as_py()
            self.reasons.setdefault(row, why if value is None else f"{why}: {value!r}")

    @property
    def good(self) -> npt.NDArray[np.bool_]:
        """bool, true for the rows without a reason."""
        good = np.ones(self._count, np.bool_)
        good[list(self.reasons)] = False
        return good


def text(field: str, values: pa.Array, rejects: Rejects) -> pa.Array:
    """Any column as text; numbers as Python writes them."""
    values = _plain(values)
    if _is_text(values):
        return values
    if pa.types.is_integer(values.type) or pa.types.is_boolean(values.type):
        return values.cast(pa.string())
    rejects.add(_valid(values), values, f"{field} must be text, not {values.type}")
    return pa.nulls(len(values), pa.string())


def ids(field: str, values: pa.Array, rejects: Rejects) -> pa.Array:
    """Ids as text, or as the 16 bytes that a file may hold."""
    if not (pa.types.is_binary(values.type) or pa.types.is_fixed_size_binary(values.type)):
        return text(field, values, rejects)
    wrong = _mask(pc.not_equal(pc.binary_length(values), _ID_BYTES))
    rejects.add(wrong, values, f"{field} has not {_ID_BYTES} bytes")
    return _keep(values, ~wrong).cast(pa.binary(_ID_BYTES))


def kind(values: pa.Array, rejects: Rejects) -> pa.Array:
    """The kinds, checked."""
    values = text("kind", values, rejects)
    known = pc.is_in(values, pa.array(list(KINDS)))
    rejects.add(~_mask(known), values, f"kind is none of {', '.join(KINDS)}")
    return values


def require(field: str, values: pa.Array, rejects: Rejects) -> None:
    """Reject the rows that have no value."""
    rejects.add(~_valid(values), values, f"{field} is empty")


def whole(field: str, values: pa.Array, rejects: Rejects, kind: pa.DataType = _INT64) -> pa.Array:
    """Integers of type `kind` from integers, or from text that is one. Null stays null.

    A column of floats is taken where every value is whole and exact (at most 2^53).
    """
    values = _plain(values)
    if _is_text(values):
        values = pc.utf8_trim_whitespace(values)
        shaped = _mask(pc.match_substring_regex(values, _WHOLE))
        rejects.add(~shaped & _valid(values), values, f"{field} is not a whole number")
        values = _keep(values, shaped)
    elif pa.types.is_floating(values.type):
        numbers = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
        exact = (np.abs(numbers) <= 2**53) & (np.floor(numbers) == numbers)
        rejects.add(~exact & _valid(values), values, f"{field} is not a whole number")
        values = _keep(values, exact)
    return _cast(values, kind, rejects, f"{field} does not fit {kind}")


def money(values: pa.Array, decimals: int, rejects: Rejects) -> pa.Array:
    """int64 minor units from amounts with up to `decimals` decimals, exactly.

    Floats must lie within a millionth of a minor unit of one: what an exact amount became in
    binary.
    """
    values = _plain(values)
    wrong = f"money is no amount with at most {decimals} decimals (see --money-decimals)"
    if decimals == 0 and (_is_text(values) or pa.types.is_integer(values.type)):
        minor = whole("money", values, rejects)
    elif pa.types.is_floating(values.type):
        scaled = values.cast(pa.float64()).to_numpy(zero_copy_only=False) * 10.0**decimals
        units = np.rint(scaled)
        exact = (np.abs(scaled - units) <= 1e-6) & (np.abs(units) <= 2**53)
        rejects.add(~exact & _valid(values), values, wrong)
        minor = pa.array(np.where(exact, units, 0).astype(np.int64), mask=~(exact & _valid(values)))
    else:
        if _is_text(values):
            values = pc.utf8_trim_whitespace(values)
            shaped = _mask(pc.match_substring_regex(values, _DECIMAL))
            rejects.add(~shaped & _valid(values), values, wrong)
            values = _keep(values, shaped)
        exact_type = pa.decimal128(_DECIMAL_DIGITS, decimals)
        amounts = _cast(values, exact_type, rejects, wrong)
        digits = pc.replace_substring(amounts.cast(pa.string()), ".", "")
        minor = _cast(digits, _INT64, rejects, wrong)
    rejects.add(_mask(pc.less(minor, 0)), values, "money is negative")
    return minor


def time(field: str, values: pa.Array, zone: str, rejects: Rejects) -> pa.Array:
    """UTC microseconds from timestamps, dates, integers (the same since 1970) or ISO 8601 text.

    Times without a zone are local to `zone`; in the hour that the clocks repeat, the earlier one is
    meant, and a time that they skip is read as the moment of the change. Parts of a microsecond are
    dropped.
    """
    values = _plain(values)
    wrong = f"{field} is no time such as 2017-01-31T09:30:00Z"
    if _is_text(values):
        return _time_from_text(values, zone, rejects, wrong)
    if pa.types.is_integer(values.type):
        return whole(field, values, rejects).cast(TIME_TYPE)
    if pa.types.is_date(values.type):
        values = values.cast(pa.timestamp("us"))
    if not pa.types.is_timestamp(values.type):
        rejects.add(_valid(values), values, wrong)
        return pa.nulls(len(values), TIME_TYPE)
    if values.type.tz is None:
        return _at_zone(values.cast(pa.timestamp("us"), safe=False), zone)
    return values.cast(TIME_TYPE, safe=False)


def members(
    field: str, values: pa.Array, key_type: Literal["int", "text"], rejects: Rejects
) -> pa.Array:
    """int64 or string keys. An integer has no leading zeros: 007 is text. Null stays null."""
    values = _plain(values)
    if key_type == "text":
        keys = text(field, values, rejects)
        long = _mask(pc.greater(pc.binary_length(keys), MAX_MEMBER_BYTES))
        rejects.add(long, keys, f"{field} is longer than {MAX_MEMBER_BYTES} bytes")
        return keys
    if _is_text(values):
        shaped = _mask(pc.match_substring_regex(values, _KEY))
        rejects.add(~shaped & _valid(values), values, f"{field} is not an integer (see --key-type)")
        values = _keep(values, shaped)
    return whole(field, values, rejects)


def key_type_of(values: pa.Array) -> Literal["int", "text"]:
    """What a column's member keys look like: integers when every one is an integer."""
    values = _plain(values)
    if not _is_text(values):
        return "int"
    return "int" if pc.all(pc.match_substring_regex(values, _KEY), min_count=0).as_py() else "text"


def reference(columns: list[tuple[str, pa.Array]], rejects: Rejects) -> pa.Array:
    r"""Reference strings ``a=1,b=2`` of the rows; ``,`` and ``\`` in a value follow a ``\``."""
    parts: list[pa.Array] = []
    for name, values in columns:
        values = text(name, values, rejects)
        rejects.add(~_valid(values), values, f"no id, because {name} is empty")
        for special in ("\\", ","):
            values = pc.replace_substring(values, special, "\\" + special)
        parts.append(pc.binary_join_element_wise(name, values, "="))
    return pc.binary_join_element_wise(*parts, ",")


def _time_from_text(values: pa.Array, zone: str, rejects: Rejects, wrong: str) -> pa.Array:
    values = pc.utf8_trim_whitespace(values)
    zoned = _mask(pc.match_substring_regex(values, _ZONED_TIME))
    local = _mask(pc.match_substring_regex(values, _LOCAL_TIME))
    rejects.add(~zoned & ~local & _valid(values), values, wrong)
    results = []
    if zoned.any():
        results.append(_cast(_keep(values, zoned), TIME_TYPE, rejects, wrong))
    if local.any():
        times = _cast(_keep(values, local), pa.timestamp("us"), rejects, wrong)
        results.append(_at_zone(times, zone))
    return pc.coalesce(*results) if results else pa.nulls(len(values), TIME_TYPE)


def _at_zone(naive: pa.Array, zone: str) -> pa.Array:
    zoned = pc.assume_timezone(naive, zone, ambiguous="earliest", nonexistent="latest")
    return zoned.cast(TIME_TYPE)


def _plain(values: pa.Array) -> pa.Array:
    """The column without dictionary encoding; text of one type, empty text as null."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if not _is_text(values):
        return values
    values = values.cast(pa.string())
    return _keep(values, _mask(pc.not_equal(values, "")))


def _is_text(values: pa.Array) -> bool:
    return bool(
        pa.types.is_string(values.type)
        or pa.types.is_large_string(values.type)
        or pa.types.is_string_view(values.type)
    )


def _valid(values: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(values.is_valid().to_numpy(zero_copy_only=False), np.bool_)


def _mask(flags: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    """Flags with null as false."""
    return np.asarray(flags.fill_null(False).to_numpy(zero_copy_only=False), np.bool_)


def _keep(values: pa.Array, wanted: npt.NDArray[np.bool_]) -> pa.Array:
    return pc.if_else(pa.array(wanted), values, pa.scalar(None, values.type))


def _cast(values: pa.Array, kind: pa.DataType, rejects: Rejects, wrong: str) -> pa.Array:
    """Cast; halve what fails until the values to blame are alone, and reject those."""
    bad = np.zeros(len(values), np.bool_)

    def attempt(start: int, part: pa.Array) -> list[pa.Array]:
        try:
            return [part.cast(kind)]
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            if len(part) == 1:
                bad[start] = True
                return [pa.nulls(1, kind)]
            half = len(part) // 2
            return attempt(start, part.slice(0, half)) + attempt(start + half, part.slice(half))

    result = pa.concat_arrays(attempt(0, values)) if len(values) else pa.nulls(0, kind)
    rejects.add(bad, values, wrong)
    return result

"""Frames of postings as the columns that the engine's binding reads.

Everything is checked before anything is posted: a frame with a mistake in its last row posts
nothing. Per-row work is done on whole columns, by NumPy, Arrow and C++.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loyalty import _convert, _core
from loyalty._frame import Columns, bad_column, bad_row, read_frame
from loyalty.errors import InvalidInputError

CODES = ("rule", "channel", "location", "category", "actor", "reason")
LEVEL = ("ladder", "level")  # codes, too
REQUIRED = ("id", "kind", "member", "effective_time")
NAMES = (
    *("id", "kind", "member", "currency", "points", "money", "effective_time", "expires_time"),
    *("activates_time", "deadline_time", "floor", "ceiling", "other_member"),
    *CODES,
    *LEVEL,
    *("related", "tag", "linked"),
)
MOST_LINKED = 8192  # postings that stand or fall together: what the ledger takes at once
# What a caller may ask for; the ledger writes entries of other kinds itself.
KINDS = {kind.name.lower(): kind for kind in _core.Kind if 0 < kind < _core.Kind.DEFINE_CURRENCY}
WITH_POINTS = (
    _core.Kind.EARN,
    _core.Kind.REDEEM,
    _core.Kind.ADJUST,
    _core.Kind.HOLD,
    _core.Kind.TRANSFER,
)
WITHOUT_CURRENCY = (
    _core.Kind.OPEN_MEMBER,
    _core.Kind.CLOSE_MEMBER,
    _core.Kind.REOPEN_MEMBER,
    _core.Kind.MERGE_MEMBERS,
    _core.Kind.UNMERGE_MEMBERS,
    _core.Kind.ERASE_MEMBER,
    _core.Kind.SET_LEVEL,
)
_CREDITS = (_core.Kind.EARN, _core.Kind.ADJUST)


def to_postings(
    frame: object, currencies: Sequence[str], intern: Callable[[list[str]], list[int]]
) -> _core.PostingColumns:
    """Check a frame and turn it into the engine's columns.

    Parameters
    ----------
    frame : see `Ledger.post`
    currencies : Sequence[str]
        The ledger's, in its order.
    intern : Callable[[list[str]], list[int]]
        Gives codes' numbers. Called last and once, since it writes to the ledger.

    Raises
    ------
    InvalidInputError
        Naming the column and the first bad row.
    """
    columns = read_frame(frame, NAMES)
    for name in REQUIRED:
        if name not in columns:
            raise InvalidInputError(f"the required column {name!r} is missing")
    given = {name: array for name, array in columns.items() if array.null_count < len(array)}
    kinds = _kinds(columns["kind"])
    arrays: dict[str, Any] = {
        "ids": _convert.ids("id", columns["id"], required=True),
        "kinds": kinds,
        "currencies": _currencies(given, kinds, currencies),
        "points": _points(given, kinds),
        "effective_us": _convert.times("effective_time", columns["effective_time"]),
        **member_arrays(columns["member"]),
    }
    if "money" in given:
        arrays["money"] = _convert.integers("money", given["money"])
    if "tag" in given:
        arrays["tags"] = _convert.integers("tag", given["tag"], np.uint64)
    if "expires_time" in given:
        arrays["expires_us"] = _convert.times(
            "expires_time", given["expires_time"], _core.BY_PROGRAM
        )
    arrays |= _terms(given, kinds)
    if "other_member" in given:
        arrays |= _other_arrays(given["other_member"])
    if "related" in given:
        arrays["related"] = _convert.ids("related", given["related"], required=False)
    if "linked" in given:
        arrays["linked"] = _linked(given["linked"])
    names = (*CODES, *LEVEL)
    codes = {name: _convert.dictionary(name, given[name]) for name in names if name in given}
    checked = _core.PostingColumns(**arrays)
    numbers = _numbers(codes, intern)
    checked.set_codes(
        [
            codes[name].replace(numbers.__getitem__, np.uint32) if name in codes else None
            for name in names
        ]
    )
    return checked


def member_arrays(array: pa.Array) -> dict[str, NDArray[Any]]:
    """Return a column of members' keys as arguments of the engine: numbers, or offsets and data."""
    if pa.types.is_integer(array.type):
        return {"member_numbers": _convert.integers("member", array)}
    if len(array) and (pa.types.is_floating(array.type) or pa.types.is_boolean(array.type)):
        raise bad_column("member", f"it must hold integers or texts, not {array.type}")
    keys = _convert.texts("member", array)
    return {"member_offsets": keys.offsets, "member_data": keys.data}


def _other_arrays(array: pa.Array) -> dict[str, NDArray[Any]]:
    """Return other members' keys as arguments of the engine; a null or an empty text is none."""
    if pa.types.is_integer(array.type):
        has = np.asarray(array.is_valid()).astype(np.uint8)
        return {
            "other_numbers": _convert.integers("other_member", array.fill_null(0)),
            "has_other": has,
        }
    if pa.types.is_floating(array.type) or pa.types.is_boolean(array.type):
        raise bad_column("other_member", f"it must hold integers or texts, not {array.type}")
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    keys = _convert.texts("other_member", array.fill_null(""))
    return {"other_offsets": keys.offsets, "other_data": keys.data}


def _linked(array: pa.Array) -> NDArray[np.uint8]:
    """Return which rows stand or fall with the next; a null is none."""
    if not pa.types.is_boolean(array.type):
        raise bad_column("linked", f"it must hold booleans, not {array.type}")
    linked = np.asarray(array.fill_null(False)).astype(np.uint8)
    ends = np.flatnonzero(linked == 0)
    longest = int(np.diff(ends, prepend=-1, append=len(linked)).max(initial=0))
    if longest > MOST_LINKED:
        raise bad_column(
            "linked", f"{longest:,} rows stand or fall together; at most {MOST_LINKED:,} can"
        )
    return linked


def kind_of(name: str) -> _core.Kind:
    """Return the kind of that name; `InvalidInputError` if there is none."""
    if name not in KINDS:
        raise InvalidInputError(f"kind: {_unknown(name, list(KINDS))}")
    return KINDS[name]


def currency_of(name: str | None, currencies: Sequence[str]) -> int:
    """Return the index of a currency, None being the ledger's only one."""
    if name is None and len(currencies) == 1:
        return 0
    if name is None:
        raise InvalidInputError(f"currency: say which one of {', '.join(currencies)}")
    if name not in currencies:
        raise InvalidInputError(f"currency: {_unknown(name, currencies)}")
    return currencies.index(name)


def needs_currency(kind: _core.Kind) -> bool:
    """Return whether postings of that kind are about an account, not a member alone."""
    return kind not in WITHOUT_CURRENCY


def wrong_code(text: str) -> str | None:
    """Return what is wrong with the text of a code, if anything is."""
    size = len(text.encode())
    if size <= _core.MAX_CODE_BYTES:
        return None
    return f"a code has at most {_core.MAX_CODE_BYTES} bytes, this one {size}"


def _unknown(name: object, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(known)}"
    return f"unknown {name!r}; {hint}"


def _numbers(
    codes: dict[str, _convert.Dictionary], intern: Callable[[list[str]], list[int]]
) -> dict[str, int]:
    """Return the number of every text that occurs; `InvalidInputError` for one that is too long."""
    texts: dict[str, None] = {}
    for name, column in codes.items():
        for index, text in column.used():
            if wrong := wrong_code(text):
                raise bad_row(name, column.first_row(index), wrong)
            texts[text] = None
    return dict(zip(texts, intern(list(texts)), strict=True)) if texts else {}


def _kinds(array: pa.Array) -> NDArray[np.uint8]:
    _convert.refuse_nulls("kind", array)
    if pa.types.is_integer(array.type):
        numbers = _convert.integers("kind", array)
        wrong = (numbers < 1) | (numbers > max(KINDS.values()))
        if wrong.any():
            row = int(np.argmax(wrong))
            names = ", ".join(f"{int(kind)} {name}" for name, kind in KINDS.items())
            raise bad_row("kind", row, f"unknown number {numbers[row]}; there are: {names}")
        return numbers.astype(np.uint8)
    return _by_name("kind", array, {name: int(kind) for name, kind in KINDS.items()}, np.uint8)


def _by_name(
    column: str, array: pa.Array, known: dict[str, int], dtype: type[np.integer[Any]]
) -> NDArray[Any]:
    """Return the numbers of names; 0 for nulls."""
    names = _convert.dictionary(column, array)
    for index, name in names.used():
        if name not in known:
            raise bad_row(column, names.first_row(index), _unknown(name, list(known)))
    return names.replace(known.__getitem__, dtype)


def _currencies(
    given: Columns, kinds: NDArray[np.uint8], currencies: Sequence[str]
) -> NDArray[np.uint16]:
    """Return indices; a ledger of one currency, and rows about members alone, need no name."""
    array = given.get("currency")
    free = np.isin(kinds, WITHOUT_CURRENCY) | (len(currencies) == 1)
    if array is None:
        if not free.all():
            raise InvalidInputError(
                f"the column 'currency' is missing, and row {int(np.argmin(free))} needs it: "
                f"the ledger has {', '.join(currencies)}"
            )
        return np.zeros(len(kinds), np.uint16)
    _convert.refuse_nulls("currency", array, free)
    return _by_name("currency", array, {name: i for i, name in enumerate(currencies)}, np.uint16)


def _terms(given: Columns, kinds: NDArray[np.uint8]) -> dict[str, NDArray[np.int64]]:
    """Return the columns that few postings have."""
    arrays = {}
    if "activates_time" in given:
        arrays["activates_us"] = _convert.times(
            "activates_time", given["activates_time"], _core.BY_PROGRAM
        )
    if "deadline_time" in given:
        deadlines = _convert.times("deadline_time", given["deadline_time"], _core.NEVER_US)
        arrays["deadline_us"] = deadlines
        unsaid = np.full(len(kinds), _core.BY_PROGRAM)
        waits = np.isin(kinds, _CREDITS) & (deadlines != _core.NEVER_US)
        activates = arrays.get("activates_us", unsaid)
        arrays["activates_us"] = np.where(
            waits & (activates == _core.BY_PROGRAM), _core.NEVER_US, activates
        )
    for name in ("floor", "ceiling"):
        if name in given:
            arrays[f"{name}s"] = _convert.integers(name, given[name].fill_null(_core.BY_PROGRAM))
    return arrays


def _points(given: Columns, kinds: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return points; null is 0 where a kind needs none, or takes that for all that is left."""
    array = given.get("points")
    if array is not None and array.null_count == 0:
        return _convert.integers("points", array)
    by_rule = (kinds == _core.Kind.EARN) & ("money" in given)
    if "money" in given:
        paid = np.asarray(pc.fill_null(pc.greater(given["money"], 0), fill_value=False))
        by_rule |= (kinds == _core.Kind.REVERSE) & paid
    free = by_rule | ~np.isin(kinds, WITH_POINTS)
    if array is None:
        if not free.all():
            row = int(np.argmin(free))
            raise InvalidInputError(f"the column 'points' is missing, and row {row} needs it")
        return np.where(by_rule, _core.BY_PROGRAM, 0)
    missing = np.asarray(array.is_null())
    if pa.types.is_integer(array.type):
        _convert.refuse_nulls("points", array, free)
        array = array.fill_null(0)
    return np.where(missing & by_rule, _core.BY_PROGRAM, _convert.integers("points", array))

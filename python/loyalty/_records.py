"""The engine's columns of records, members and balances, as Tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loyalty import _core
from loyalty._columns import CODES, WITHOUT_CURRENCY
from loyalty._result import STATUS_NAMES, name_column
from loyalty._table import Table

_KIND_NAMES = {int(kind): kind.name.lower() for kind in _core.Kind}
_WITHOUT_CURRENCY = (
    *WITHOUT_CURRENCY,
    _core.Kind.DEFINE_CURRENCY,
    _core.Kind.DEFINE_CODE,
    _core.Kind.DEFINE_PROGRAM,
    _core.Kind.RUN_STARTED,
    _core.Kind.RUN_FINISHED,
    _core.Kind.CHANGE_LEVEL,
)
_NO_MEMBER, _NUMBER, _TEXT = 0, 1, 2  # "member_sorts"

Raw = Mapping[str, Any]


def records_table(
    raw: Raw, currencies: Sequence[str], members_are_texts: bool, metadata: Mapping[str, Any]
) -> Table:
    """Return journal entries as a Table; see `Ledger.changes` for its columns."""
    moves = ~np.isin(raw["kind"], _WITHOUT_CURRENCY)
    names = dict(enumerate(currencies))
    currency = name_column(np.where(moves, raw["currency"], 0), names)
    columns: dict[str, pa.Array] = {
        "sequence": pa.array(raw["sequence"]),
        "recorded_time": times(raw["recorded_us"]),
        "effective_time": times(raw["effective_us"]),
        "kind": name_column(raw["kind"], _KIND_NAMES),
        **member_columns(raw, members_are_texts),
        "other_member": member_columns(_others(raw), members_are_texts)["member"],
        "currency": masked(currency, ~moves),
        "points": pa.array(raw["points"]),
        "money": pa.array(raw["money"]),
        "balance": pa.array(raw["balance"]),
        "pending": pa.array(raw["pending_after"]),
        "held": pa.array(raw["held_after"]),
        "arrears": pa.array(raw["arrears_after"]),
        "status": name_column(raw["status"], STATUS_NAMES),
        "expires_time": times(raw["expires_us"], raw["expires_us"] == _core.NEVER_US),
        "activates_time": times(
            raw["activates_us"], np.isin(raw["activates_us"], (_core.AT_ONCE_US, _core.NEVER_US))
        ),
        "deadline_time": times(raw["deadline_us"], raw["deadline_us"] == _core.NEVER_US),
        "floor": pa.array(raw["floor"], mask=raw["floor"] == _core.BY_PROGRAM),
        "ceiling": pa.array(raw["ceiling"], mask=raw["ceiling"] == _core.BY_PROGRAM),
        "asked": pa.array(raw["asked"], mask=raw["asked"] == 0),
        "held_change": pa.array(raw["held"]),
        "revived": pa.array(raw["revived"]),
        "repaid": pa.array(raw["repaid"]),
        "limit": pa.array(raw["limit"], mask=raw["limit"] == 0),
        **{name: _code(raw[name], raw["code_texts"]) for name in CODES},
        "related_sequence": pa.array(raw["related"], mask=raw["related"] == 0),
        "id": pa.Array.from_buffers(
            pa.binary(16), len(raw["sequence"]), [None, pa.py_buffer(raw["id"])]
        ),
        "tag": pa.array(raw["tag"]),
        "text": _texts(raw["text_offsets"], raw["text_data"]),
        **{name: _code(raw[name], raw["code_texts"]) for name in ("ladder", "from_level", "level")},
        "assessed_time": times(raw["assessed_us"], raw["assessed_us"] == _core.NEVER_US),
        "metrics": _metrics(raw),
        "program_version": pa.array(raw["program_version"]),
    }
    return Table(pa.table(columns), metadata)


def _metrics(raw: Raw) -> pa.Array:
    """Return the metrics that decided a change of level; null for what is none."""
    lists = pa.LargeListArray.from_arrays(pa.array(raw["value_offsets"]), pa.array(raw["values"]))
    return masked(lists, raw["assessed_us"] == _core.NEVER_US)


def _others(raw: Raw) -> Raw:
    return {
        f"member_{what}": raw[f"other_{what}"] for what in ("sorts", "numbers", "offsets", "data")
    }


def member_columns(raw: Raw, members_are_texts: bool) -> dict[str, pa.Array]:
    """Return the column ``member``: integers or texts, as the ledger's first member's key is.

    Rows of the other sort make it texts, and add the flag ``member_is_text``: the integer 7 and the
    text "7" are different members.
    """
    sorts = raw["member_sorts"]
    none = sorts == _NO_MEMBER
    other = _NUMBER if members_are_texts else _TEXT
    if not (sorts == other).any():
        if members_are_texts:
            texts = _texts(raw["member_offsets"], raw["member_data"])
            return {"member": masked(texts, none)}
        return {"member": pa.array(raw["member_numbers"], mask=none)}
    texts = _texts(raw["member_offsets"], raw["member_data"]).to_pylist()
    numbers = raw["member_numbers"]
    keys = [
        None if sort == _NO_MEMBER else texts[i] if sort == _TEXT else str(numbers[i])
        for i, sort in enumerate(sorts)
    ]
    return {
        "member": pa.array(keys, pa.large_string()),
        "member_is_text": pa.array(sorts == _TEXT, mask=none),
    }


def balance_columns(raw: Raw) -> dict[str, pa.Array]:
    """Return the numbers of `Balance` as columns."""
    names = ("active", "pending", "held", "arrears")
    sums = ("lifetime_earned", "lifetime_redeemed", "last_sequence")
    expiring = {
        "expiring_points": pa.array(raw["expiring_points"]),
        "expiring_time": times(raw["expiring_us"], raw["expiring_us"] == _core.NEVER_US),
    }
    return {
        **{name: pa.array(raw[name]) for name in names},
        **expiring,
        **{name: pa.array(raw[name]) for name in sums},
    }


def totals_table(totals: Sequence[_core.Totals]) -> Table:
    """Return a trial balance as a Table; see `Ledger.totals`."""
    numbers = {
        name: pa.array([getattr(total, name) for total in totals], pa.int64())
        for name in ("members", "issued", "redeemed", "expired", "adjusted")
    }
    return Table(
        pa.table({"currency": pa.array([t.currency for t in totals], pa.string()), **numbers})
    )


def expiry_table(report: _core.ExpiryReport, currencies: Sequence[str]) -> Table:
    """Return what a run journaled as a Table; see `Ledger.expire`."""
    lines = report.lines
    months = [dt.date(line.month // 12, line.month % 12 + 1, 1) for line in lines]
    columns = {
        "kind": pa.array([_KIND_NAMES[int(line.kind)] for line in lines], pa.string()),
        "currency": pa.array([currencies[line.currency] for line in lines], pa.string()),
        "month": pa.array(months, pa.date32()),
        "entries": pa.array([line.entries for line in lines], pa.int64()),
        "points": pa.array([line.points for line in lines], pa.int64()),
    }
    names = ("started_sequence", "finished_sequence")
    return Table(pa.table(columns), {name: getattr(report, name) for name in names})


def times(values: NDArray[np.int64], nulls: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return microseconds as a column of instants, UTC."""
    return pa.array(values, mask=nulls).view(pa.timestamp("us", "UTC"))


def masked(array: pa.Array, nulls: NDArray[np.bool_]) -> pa.Array:
    """Return the values, with null where it says so."""
    if isinstance(array, pa.DictionaryArray):
        indices = pa.array(array.indices.to_numpy(), mask=nulls)
        return pa.DictionaryArray.from_arrays(indices, array.dictionary)
    return pc.if_else(pa.array(nulls), None, array)


def _texts(offsets: NDArray[np.int64], data: NDArray[np.uint8]) -> pa.Array:
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_string(), len(offsets) - 1, buffers)


def _code(indices: NDArray[np.uint32], texts: Sequence[str]) -> pa.Array:
    """Return a code's texts, none but those that occur; index 0 means none."""
    used, places = np.unique(indices, return_inverse=True)
    numbers = pa.array(places.astype(np.int32), mask=indices == 0)
    return pa.DictionaryArray.from_arrays(numbers, pa.array([texts[i] for i in used], pa.string()))

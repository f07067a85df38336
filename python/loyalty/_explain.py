"""`Explanation`: which lots a posting took, and what became of those that it made."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loyalty import _core
from loyalty._ids import IdLike, id_bytes
from loyalty._posting import integer
from loyalty._records import member_columns, records_table, times
from loyalty._result import name_column
from loyalty._table import Table

_STATE_NAMES = {int(state): state.name.lower() for state in _core.LotState}
_SEQUENCES = (1, 2**63 - 1)


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """What one entry did, and what became of it.

    Attributes
    ----------
    record : Table
        The entry itself: one row, with the columns of `Ledger.changes`.
    took : Table
        What it did to lots, in order: ``points`` (signed: below 0, out of the lot),
        ``expires_time`` of the lot (null: never), and of the credit that made the lot
        ``source_sequence``, ``source_id``, ``source_kind``, ``source_rule``,
        ``source_effective_time``. Null sources are arrears: below 0, more was owed from then on.
    used : Table
        What later entries did to the lots that it made: ``sequence``, ``id``, ``kind``,
        ``member``, ``effective_time``, ``points`` (signed) and ``expires_time`` of the lot. Lots
        are followed to the members that they were transferred to.
    left : Table
        What is left of its lots now: ``member``, ``state`` (``active``, ``pending``, ``held``,
        ``expired``, or ``lost``: not confirmed in time), ``points``, ``expires_time``.
    about : Table
        The entries about it (reversals, captures, confirmations, ...), with the columns of
        `Ledger.changes`.
    """

    record: Table
    took: Table
    used: Table
    left: Table
    about: Table

    def __repr__(self) -> str:
        parts = [f"{self._title()}"]
        parts += [f"\n{name}\n{table!r}" for name, table in self._parts() if len(table)]
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{html.escape(self._title())}</b></p>"]
        parts += [f"<p>{name}</p>{t._repr_html_()}" for name, t in self._parts() if len(t)]
        return "".join(parts)

    def _parts(self) -> list[tuple[str, Table]]:
        about = Table(self.about.to_arrow().select(["sequence", "kind", "status", "points"]))
        return [("took", self.took), ("used", self.used), ("left", self.left), ("about", about)]

    def _title(self) -> str:
        (row,) = self.record.to_pylist()
        of = "" if row["member"] is None else f" of {row['member']!r}"
        return (
            f"entry {row['sequence']:,}: {row['kind']}{of}, {row['points']:+,} points, "
            f"{row['effective_time']:%Y-%m-%d %H:%M:%S}, {row['status']}"
        )


def sequence_of(core: _core.Ledger, posting: IdLike | int) -> int:
    """Return the sequence of a posting given by its id, or its sequence.

    Raises
    ------
    NotFoundError
        No posting has the id.
    """
    if isinstance(posting, int | np.integer):
        return integer(posting, "posting", _SEQUENCES)
    return core.find_posting(id_bytes(posting, "posting"))


def explanation_of(
    raw: Mapping[str, Any], sequence: int, currencies: tuple[str, ...], members_are_texts: bool
) -> Explanation:
    """Return what the engine found as tables."""
    records = records_table(raw["records"], currencies, members_are_texts, {}).to_arrow()
    sequences = raw["records"]["sequence"]

    def named(wanted: NDArray[np.int64]) -> pa.Table:
        rows = pa.array(np.searchsorted(sequences, wanted), mask=wanted == 0)
        return records.take(rows)

    took, used, left = raw["took"], raw["used"], raw["left"]
    names = ("sequence", "id", "kind", "rule", "effective_time")
    sources = named(took["sequence"]).select(names)
    users = named(used["sequence"]).select(["sequence", "id", "kind", "member", "effective_time"])
    return Explanation(
        record=Table(named(np.array([sequence]))),
        took=Table(
            sources.rename_columns([f"source_{name}" for name in names])
            .append_column("points", pa.array(took["points"]))
            .append_column("expires_time", _expiry(took))
        ),
        used=Table(
            users.append_column("points", pa.array(used["points"])).append_column(
                "expires_time", _expiry(used)
            )
        ),
        left=Table(
            pa.table(
                {
                    **member_columns(left, members_are_texts),
                    "state": name_column(left["state"], _STATE_NAMES),
                    "points": pa.array(left["points"]),
                    "expires_time": _expiry(left),
                }
            )
        ),
        about=Table(named(raw["about"])),
    )


def _expiry(raw: Mapping[str, Any]) -> pa.Array:
    return times(raw["expires_us"], raw["expires_us"] == _core.NEVER_US)

"""How postings ended: `Reply` of one, `PostResult` of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loyalty import _core
from loyalty._table import Table
from loyalty.errors import PostingRefusedError

STATUS_NAMES = {int(status): status.name.lower() for status in _core.PostingStatus}
_FINE_NAMES = ("posted", "posted_in_part", "already_exists")
_FINE = [number for number, name in STATUS_NAMES.items() if name in _FINE_NAMES]


_NUMBERS = ("balance", "pending", "held", "arrears", "points", "repaid", "limit")


def name_column(numbers: NDArray[np.integer[Any]], names: dict[int, str]) -> pa.DictionaryArray:
    """Return numbers as a dictionary column of their names, those that occur first to last."""
    distinct, indices = np.unique(numbers, return_inverse=True)
    return pa.DictionaryArray.from_arrays(
        pa.array(indices.astype(np.int16)), pa.array([names[int(n)] for n in distinct], pa.string())
    )


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """How one posting ended.

    Attributes
    ----------
    status : str
        ``posted``, ``already_exists`` or why not; docs/statuses.md explains each.
    sequence : int
        Of the journal entry (of the original's, for a duplicate); 0 when it was not journaled.
    balance, pending, held, arrears : int
        The parts of the account's balance (see `Balance`; ``balance`` are the active points) right
        after that entry, as of its effective time; 0 when it was not journaled.
    points : int
        What the entry moved, signed: what the member owns by it more than before.
    repaid : int
        Of a credit: how much of it went to arrears.
    limit : int
        When a limit refused it: how much was possible.
    """

    status: str
    sequence: int
    balance: int
    pending: int = 0
    held: int = 0
    arrears: int = 0
    points: int = 0
    repaid: int = 0
    limit: int = 0

    def __repr__(self) -> str:
        rare = [field.name for field in fields(self)[3:] if getattr(self, field.name)]
        shown = ("status", "sequence", "balance", *rare)
        return f"Reply({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    @property
    def ok(self) -> bool:
        """Whether it is in the ledger: now, or since an earlier try."""
        return self.status in _FINE_NAMES

    def raise_for_status(self) -> Self:
        """Raise `PostingRefusedError` unless `ok`; return the reply itself."""
        if not self.ok:
            hint = f"; possible were {self.limit:,}" if self.limit else ""
            raise PostingRefusedError(f"the posting was refused: {self.status}{hint}")
        return self


class PostResult:
    """How each posting of a batch ended, in the order of the batch.

    Attributes
    ----------
    sequence : NDArray[np.int64]
        Shape (len(self),). Of the journal entry (of the original's, for a duplicate); 0 when the
        posting was not journaled.
    balance : NDArray[np.int64]
        Shape (len(self),). Active points, in minor units, right after that entry.
    points : NDArray[np.int64]
        Shape (len(self),). What the entry moved, signed.
    status_number : NDArray[np.uint16]
        Shape (len(self),). The permanent number of each status (`loyalty.PostingStatus`).
    """

    def __init__(
        self,
        status_number: NDArray[np.uint16],
        sequence: NDArray[np.int64],
        balance: NDArray[np.int64],
        points: NDArray[np.int64],
        rare: Mapping[str, NDArray[np.int64]],
    ) -> None:
        self.status_number = status_number
        self.sequence = sequence
        self.balance = balance
        self.points = points
        self._rare = rare

    def __len__(self) -> int:
        return len(self.status_number)

    @cached_property
    def status(self) -> NDArray[np.object_]:
        """The status names, shape (len(self),); as a dictionary column in `table`."""
        names = np.full(max(STATUS_NAMES) + 1, None, object)
        for number, name in STATUS_NAMES.items():
            names[number] = name
        return np.asarray(names[self.status_number])

    @cached_property
    def pending(self) -> NDArray[np.int64]:
        """Pending points right after each entry, shape (len(self),)."""
        return self._dense("pending")

    @cached_property
    def held(self) -> NDArray[np.int64]:
        """Points in holds right after each entry, shape (len(self),)."""
        return self._dense("held")

    @cached_property
    def arrears(self) -> NDArray[np.int64]:
        """Points owed right after each entry, shape (len(self),)."""
        return self._dense("arrears")

    @cached_property
    def repaid(self) -> NDArray[np.int64]:
        """How much of each credit went to arrears, shape (len(self),)."""
        return self._dense("repaid")

    @cached_property
    def limit(self) -> NDArray[np.int64]:
        """How much was possible where a limit refused, shape (len(self),); else 0."""
        return self._dense("limit")

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many postings ended in each status that occurs, in order of precedence."""
        numbers, counts = np.unique(self.status_number, return_counts=True)
        return {
            STATUS_NAMES[int(number)]: int(count)
            for number, count in zip(numbers, counts, strict=True)
        }

    @property
    def ok(self) -> bool:
        """Whether all of them are in the ledger: posted now, or by an earlier try."""
        return all(name in _FINE_NAMES for name in self.counts)

    @cached_property
    def table(self) -> Table:
        """The replies as a `Table`, with the fields of `Reply` as columns."""
        return Table(self._columns(slice(None)))

    @cached_property
    def refused(self) -> Table:
        """The postings that are not in the ledger: row (from 0), and the columns of `table`."""
        rows = np.flatnonzero(~np.isin(self.status_number, _FINE))
        return Table(self._columns(rows).add_column(0, "row", pa.array(rows, pa.int64())))

    def raise_for_status(self) -> Self:
        """Raise `PostingRefusedError` unless `ok`; return the result itself."""
        if self.ok:
            return self
        refused = self.refused
        counts = {name: n for name, n in self.counts.items() if name in set(refused["status"])}
        error = PostingRefusedError(
            f"{len(refused):,} of {len(self):,} postings were refused: {_listed(counts)}; "
            f"the first is row {refused['row'][0]}"
        )
        error.result = self
        raise error

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Hand `table` over by the Arrow PyCapsule interface."""
        return self.table.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"<PostResult: {self._summary()}>"

    def _repr_html_(self) -> str:
        shown = self.table if self.ok else self.refused
        return f"<p>{self._summary()}</p>{shown._repr_html_()}"

    def _summary(self) -> str:
        return f"{len(self):,} postings" + (f": {_listed(self.counts)}" if len(self) else "")

    def _columns(self, rows: slice | NDArray[np.intp]) -> pa.Table:
        return pa.table(
            {
                "status": name_column(self.status_number[rows], STATUS_NAMES),
                "sequence": self.sequence[rows],
                **{name: getattr(self, name)[rows] for name in _NUMBERS},
            }
        )

    def _dense(self, name: str) -> NDArray[np.int64]:
        values = np.zeros(len(self), np.int64)
        values[self._rare["row"]] = self._rare[name]
        return values


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())

"""How postings ended: `Reply` of one, `PostResult` of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loyalty import _core
from loyalty._table import Table
from loyalty.errors import PostingRefusedError

STATUS_NAMES = {int(status): status.name.lower() for status in _core.PostingStatus}
_FINE = (int(_core.PostingStatus.POSTED), int(_core.PostingStatus.ALREADY_EXISTS))


def name_column(numbers: NDArray[np.integer[Any]], names: dict[int, str]) -> pa.DictionaryArray:
    """Return numbers as a dictionary column of their names, those that occur first to last."""
    distinct, indices = np.unique(numbers, return_inverse=True)
    return pa.DictionaryArray.from_arrays(
        pa.array(indices.astype(np.int16)), pa.array([names[int(n)] for n in distinct], pa.string())
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """How one posting ended.

    Attributes
    ----------
    status : str
        ``posted``, ``already_exists`` or why not; docs/statuses.md explains each.
    sequence : int
        Of the journal entry (of the original's, for a duplicate); 0 when it was not journaled.
    balance : int
        Active points, in minor units, right after that entry; 0 when it was not journaled.
    """

    status: str
    sequence: int
    balance: int

    @property
    def ok(self) -> bool:
        """Whether it is in the ledger: now, or since an earlier try."""
        return self.status in ("posted", "already_exists")

    def raise_for_status(self) -> Self:
        """Raise `PostingRefusedError` unless `ok`; return the reply itself."""
        if not self.ok:
            raise PostingRefusedError(f"the posting was refused: {self.status}")
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
    status_number : NDArray[np.uint16]
        Shape (len(self),). The permanent number of each status (`loyalty.PostingStatus`).
    """

    def __init__(
        self,
        status_number: NDArray[np.uint16],
        sequence: NDArray[np.int64],
        balance: NDArray[np.int64],
    ) -> None:
        self.status_number = status_number
        self.sequence = sequence
        self.balance = balance

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
        return all(name in ("posted", "already_exists") for name in self.counts)

    @cached_property
    def table(self) -> Table:
        """The replies as a `Table`: status, sequence, balance."""
        return Table(self._columns(slice(None)))

    @cached_property
    def refused(self) -> Table:
        """The postings that are not in the ledger: row (from 0), status, sequence, balance."""
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
                "balance": self.balance[rows],
            }
        )


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())

"""The file of rejected rows: each with its number and the reason, otherwise as it was."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import pyarrow as pa


class RejectedFile:
    """A CSV file that appears with the first rejected row; one from an earlier import is removed.

    Its columns are ``rejected_row``, ``rejected_because`` and those of the import, so that mended
    rows can be imported from it with the same options.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self._columns = list(columns)
        self._file: IO[str] | None = None
        self._writer: Any = None
        self.path.unlink(missing_ok=True)

    def write(
        self, rows: pa.RecordBatch | None, rejected: Iterable[tuple[int, int | None, str]]
    ) -> None:
        """Add rows.

        Parameters
        ----------
        rows
            The batch that they are in.
        rejected
            Of each: its number, its place in the batch (None: it could not be read), and the
            reason.
        """
        entries = list(rejected)
        if not entries:
            return
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8", newline="")
            self._writer = csv.writer(self._file, lineterminator="\n")
            self._writer.writerow(["rejected_row", "rejected_because", *self._columns])
        places = [place for _, place, _ in entries if place is not None]
        values = iter(
            rows.take(pa.array(places, pa.int64())).to_pylist() if rows is not None else []
        )
        for number, place, reason in entries:
            row = {} if place is None else next(values)
            self._writer.writerow([number, reason, *(row.get(name) for name in self._columns)])
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

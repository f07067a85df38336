"""Files as batches of rows, each with its number, in bounded memory."""

from __future__ import annotations

import csv
import gzip
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

ROWS_A_BATCH = 65_536
# Arrow reads some 32 blocks ahead: this bounds the memory.
_CSV_BLOCK_BYTES = 1 << 20
_SUFFIXES = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet"}


class UnreadableFileError(ValueError):
    """The file is not what its name or the options say; the message says what to do."""


@dataclass(frozen=True)
class Batch:
    """Rows as they stand in the file.

    Attributes
    ----------
    rows
        The columns, named as in the file. All text in a CSV file; empty text is null.
    numbers
        int64, of each row: 1 for the first one after the header.
    """

    rows: pa.RecordBatch
    numbers: npt.NDArray[np.int64]


class RowSource(ABC):
    """A file open for reading.

    Attributes
    ----------
    malformed
        (row number, why) of the lines that are no rows, as far as the reading is.
    """

    def __init__(self) -> None:
        self.malformed: list[tuple[int, str]] = []

    @property
    @abstractmethod
    def columns(self) -> list[str]:
        """The names of the columns."""

    @abstractmethod
    def batches(self) -> Iterator[Batch]:
        """Read on; to be called once."""

    @abstractmethod
    def progress(self) -> tuple[int, int]:
        """How far the reading is: (done, total), in rows or bytes."""

    @abstractmethod
    def close(self) -> None:
        """Close the file. Idempotent."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_rows(path: Path, *, file_format: str = "auto", delimiter: str | None = None) -> RowSource:
    """Open a CSV (also gzipped) or Parquet file.

    Parameters
    ----------
    path
        The file.
    file_format
        ``"csv"``, ``"parquet"``, or ``"auto"``: by the file's name.
    delimiter
        Of a CSV file; a tab for ``.tsv`` and a comma for others unless given.

    Raises
    ------
    UnreadableFileError
        When the format cannot be told or the content is of another one.
    OSError
        When the file cannot be opened.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    zipped = suffixes[-1:] == [".gz"]
    suffix = (suffixes[-2:-1] if zipped else suffixes[-1:]) or [""]
    if file_format == "auto":
        file_format = _SUFFIXES.get(suffix[0], "")
        if not file_format:
            raise UnreadableFileError(
                f"{path}: cannot tell the format from the name; say --format csv or --format "
                "parquet"
            )
    if path.is_dir():
        raise UnreadableFileError(f"{path} is a directory; name one file")
    if path.stat().st_size == 0:
        raise UnreadableFileError(f"{path} is empty: it has not even a header")
    if file_format == "parquet":
        return _ParquetRows(path)
    return _CsvRows(path, delimiter or ("\t" if suffix[0] == ".tsv" else ","), zipped)


def content_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex: its identity, whatever it is called."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _ParquetRows(RowSource):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        try:
            self._file = pa_parquet.ParquetFile(path)
        except pa.ArrowInvalid as error:
            raise UnreadableFileError(
                f"{path} is not a Parquet file: {_first_line(error)}"
            ) from error
        self._done = 0

    @property
    def columns(self) -> list[str]:
        return list(self._file.schema_arrow.names)

    def batches(self) -> Iterator[Batch]:
        try:
            for rows in self._file.iter_batches(ROWS_A_BATCH):
                first = self._done + 1
                self._done += rows.num_rows
                yield Batch(rows, np.arange(first, self._done + 1))
        except (pa.ArrowInvalid, OSError) as error:
            raise UnreadableFileError(
                f"{self._path} is damaged after row {self._done}: {_first_line(error)}"
            ) from error

    def progress(self) -> tuple[int, int]:
        return self._done, self._file.metadata.num_rows

    def close(self) -> None:
        self._file.close()


class _CsvRows(RowSource):
    # All columns are read as text: a type guessed from the first block would fail on a later one,
    # for the whole file, where one row is to blame.
    def __init__(self, path: Path, delimiter: str, zipped: bool) -> None:
        super().__init__()
        self._path = path
        self._delimiter = delimiter
        self._columns = _csv_header(path, delimiter, zipped)
        self._raw = pa.OSFile(str(path))
        self._stream = pa.CompressedInputStream(self._raw, "gzip") if zipped else self._raw
        self._bytes = path.stat().st_size
        self._blocks = 0

    @property
    def columns(self) -> list[str]:
        return self._columns

    def batches(self) -> Iterator[Batch]:
        next_number = 1
        skipped = 0  # of self.malformed: already counted
        try:
            for block in self._reader():
                self._blocks += 1
                for start in range(0, block.num_rows, ROWS_A_BATCH):
                    rows = block.slice(start, ROWS_A_BATCH)
                    numbers, next_number, skipped = self._number(
                        rows.num_rows, next_number, skipped
                    )
                    yield Batch(rows, numbers)
        except pa.ArrowInvalid as error:
            raise UnreadableFileError(
                f"{self._path} cannot be read as CSV near row {next_number}: {_first_line(error)}"
            ) from error

    def _reader(self) -> pa_csv.CSVStreamingReader:
        return pa_csv.open_csv(
            self._stream,
            # One thread: only then does Arrow number the malformed rows.
            read_options=pa_csv.ReadOptions(block_size=_CSV_BLOCK_BYTES, use_threads=False),
            parse_options=pa_csv.ParseOptions(
                delimiter=self._delimiter,
                newlines_in_values=True,
                invalid_row_handler=self._malformed,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types={name: pa.string() for name in self._columns},
                strings_can_be_null=True,
                null_values=[""],
            ),
        )

    def _malformed(self, row: pa_csv.InvalidRow) -> str:
        self.malformed.append(
            (row.number - 1, f"not as many values as the header has names: {row.text!r}")
        )
        return "skip"

    def _number(
        self, count: int, first: int, skipped: int
    ) -> tuple[npt.NDArray[np.int64], int, int]:
        """The numbers of `count` rows from `first` on, leaving out those of malformed rows."""
        numbers = np.empty(count, np.int64)
        filled = 0
        while filled < count:
            gap = self.malformed[skipped][0] if skipped < len(self.malformed) else first + count
            run = min(count - filled, gap - first)
            numbers[filled : filled + run] = np.arange(first, first + run)
            filled += run
            first += run
            if first == gap and filled < count:
                first += 1
                skipped += 1
        return numbers, first, skipped

    def progress(self) -> tuple[int, int]:
        # What Arrow has read is ahead of what came out.
        return min(self._raw.tell(), self._blocks * _CSV_BLOCK_BYTES), self._bytes

    def close(self) -> None:
        self._stream.close()
        self._raw.close()


def _csv_header(path: Path, delimiter: str, zipped: bool) -> list[str]:
    try:
        with (gzip.open if zipped else open)(path, "rt", encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file, delimiter=delimiter), [])
    except (UnicodeDecodeError, csv.Error, gzip.BadGzipFile, EOFError) as error:
        raise UnreadableFileError(f"{path} is not CSV text in UTF-8: {error}") from error
    if not any(header):
        raise UnreadableFileError(f"{path}: the first line must name the columns")
    return header


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__

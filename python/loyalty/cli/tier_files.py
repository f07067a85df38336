"""Files of ``loyalty tiers``: members to assess, and changes of level."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

import loyalty
from loyalty.cli.arguments import KeyType
from loyalty.importing import UnreadableFileError
from loyalty.importing.convert import Rejects, key_type_of, members, require
from loyalty.importing.reading import open_rows

_COLUMN = "member"
_WITH_COLUMNS = (".csv", ".tsv", ".parquet", ".pq", ".gz")


def read_members(ledger: loyalty.Ledger, file: Path, key_type: KeyType) -> pa.Array:
    """Read the keys of members from a file: text, CSV or Parquet; ``-`` is standard input.

    Raises
    ------
    UnreadableFileError
        The file is not what it should be; the message names the row.
    loyalty.MemberNotFoundError
        The ledger has no such member.
    """
    if file.suffix.lower() in _WITH_COLUMNS:
        values, places, place = *_read_column(file), "row"
    else:
        values, places, place = *_read_lines(file), "line"
    name = "standard input" if str(file) == "-" else str(file)
    if not len(values):
        raise UnreadableFileError(f"{name} names no members")
    rejects = Rejects(len(values))
    sort: Literal["int", "text"] = "text"
    if key_type is KeyType.INT or (key_type is KeyType.AUTO and key_type_of(values) == "int"):
        sort = "int"
    require(_COLUMN, values, rejects)
    keys = members(_COLUMN, values, sort, rejects)
    if rejects.reasons:
        row = min(rejects.reasons)
        raise UnreadableFileError(f"{name}, {place} {places[row]}: {rejects.reasons[row]}")
    found = _found(ledger, keys)
    if key_type is KeyType.AUTO and sort == "int" and not found.any():
        texts = members(_COLUMN, values, "text", rejects)
        if (in_texts := _found(ledger, texts)).any():
            keys, found = texts, in_texts
    if not found.all():
        row = int(found.argmin())
        raise loyalty.MemberNotFoundError(
            f"{name}, {place} {places[row]}: there is no member {keys[row].as_py()!r}"
        )
    return keys


def write_changes(run: loyalty.TierRun, file: Path) -> None:
    """Write all changes of a run to a CSV, Parquet or Arrow file.

    In CSV, which has no maps, each metric is a column: ``metrics.spent``.
    """
    changes = run.changes.to_arrow()
    if file.suffix == ".csv":
        pa_csv.write_csv(_flat(changes), file)
    elif file.suffix == ".parquet":
        pa_parquet.write_table(changes, file)
    else:
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, changes.schema) as writer:
            writer.write_table(changes)


def _read_column(file: Path) -> tuple[pa.Array, np.ndarray]:
    with open_rows(file) as rows:
        if _COLUMN not in rows.columns:
            known = ", ".join(rows.columns)
            raise UnreadableFileError(f"{file} has no column {_COLUMN!r}; its columns are {known}")
        batches = list(rows.batches())
        if rows.malformed:
            row, why = rows.malformed[0]
            raise UnreadableFileError(f"{file}, row {row}: {why}")
    if not batches:
        return pa.array([], pa.string()), np.zeros(0, np.int64)
    column = pa.chunked_array([batch.rows.column(_COLUMN) for batch in batches])
    return column.combine_chunks(), np.concatenate([batch.numbers for batch in batches])


def _read_lines(file: Path) -> tuple[pa.Array, np.ndarray]:
    """Read one key a line; empty lines are none."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(
            f"{file} is no text in UTF-8 with one key a line; name a table .csv or .parquet"
        ) from error
    lines = [line.strip() for line in text.splitlines()]
    numbers = [number for number, line in enumerate(lines, start=1) if line]
    return pa.array([line for line in lines if line], pa.string()), np.array(numbers, np.int64)


def _found(ledger: loyalty.Ledger, keys: pa.Array) -> np.ndarray:
    found: np.ndarray = ledger.balances(keys, ledger.currencies[0])["found"]
    return found


def _flat(changes: pa.Table) -> pa.Table:
    metrics = changes.column("metrics").combine_chunks()
    names = list(dict.fromkeys(metrics.keys.to_pylist()))
    flat = changes.drop_columns("metrics")
    for name in ("ladder", "from", "to"):
        place = flat.column_names.index(name)
        flat = flat.set_column(place, name, flat.column(name).cast(pa.string()))
    for name in names:
        flat = flat.append_column(f"metrics.{name}", pc.map_lookup(metrics, name, "first"))
    return flat

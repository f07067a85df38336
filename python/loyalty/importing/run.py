"""The import itself: read, convert, open members, post and note refusals, batch by batch."""

from __future__ import annotations

import time
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loyalty import Ledger
from loyalty.importing.convert import KeyType, Rejects
from loyalty.importing.framing import Framer
from loyalty.importing.mapping import ROW, MappingError, make_plan
from loyalty.importing.reading import Batch, content_hash, open_rows
from loyalty.importing.rejected import RejectedFile

Progress = Callable[[int, int, "ImportSummary"], None]
"""Called after each batch with how far the reading is (done, total) and the counts so far."""

_NOT_OPEN = "member_not_found, so not posted (open the member, or use --open-members)"


@dataclass(frozen=True)
class ImportOptions:
    """How to read a file; the command line's options of the same names.

    Attributes
    ----------
    columns
        Field to column of the file, where the names differ.
    constants
        Field to the value that every row gets.
    id_from
        Columns whose values make the id of a row together; ``"@row"`` stands for the file's content
        and the row's number.
    key_type
        Whether members are integers or texts; ``"auto"`` decides by the first batch.
    zone
        IANA zone of times that carry none.
    money_decimals
        How many decimals of the money are minor units: 2 for dollars to cents, 0 if it is in cents.
    open_members
        Whether to open members that the ledger does not know, at the time of their first row.
    file_format, delimiter
        As for :func:`loyalty.importing.reading.open_rows`.
    rejected_path
        Where rejected rows go; by default the file's name with ``.rejected.csv`` after it.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    id_from: tuple[str, ...] = ()
    key_type: KeyType = "auto"
    zone: str = "UTC"
    money_decimals: int = 0
    open_members: bool = False
    file_format: str = "auto"
    delimiter: str | None = None
    rejected_path: Path | None = None


@dataclass
class ImportSummary:
    """What became of the rows: ``rows == posted + already_there + rejected.total()``.

    Attributes
    ----------
    rows, posted, already_there
        Counts of rows.
    rejected
        Rows that were not posted, by reason.
    members_opened
        Members opened beside the rows.
    key_type
        ``"int"`` or ``"text"``, as decided.
    unused_columns
        Columns of the file that were not read.
    rejected_path
        The file of rejected rows, if there are any.
    elapsed_s
        How long it took.
    """

    rows: int = 0
    posted: int = 0
    already_there: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    members_opened: int = 0
    key_type: Literal["int", "text"] | None = None
    unused_columns: tuple[str, ...] = ()
    rejected_path: Path | None = None
    elapsed_s: float = 0.0


def import_file(
    ledger: Ledger,
    path: Path,
    options: ImportOptions | None = None,
    *,
    progress: Progress | None = None,
) -> ImportSummary:
    """Post the rows of a CSV or Parquet file.

    Safe to repeat, also after a crash in the middle: what is in the ledger already is recognised by
    its id. A row that cannot become a posting is never sent, so its id stays free.

    Parameters
    ----------
    ledger
        The ledger to post to.
    path
        The file.
    options
        How to read it.
    progress
        Told after each batch.

    Raises
    ------
    MappingError
        When the options and the file's columns do not make postings.
    UnreadableFileError
        When the file is not what it should be. What was read before that is posted.
    loyalty.LoyaltyError
        When the ledger cannot go on.
    """
    started_s = time.monotonic()
    options = options or ImportOptions()
    rejected_path = options.rejected_path or path.with_name(path.name + ".rejected.csv")
    if rejected_path.exists() and rejected_path.samefile(path):
        raise MappingError("--rejected names the file to import; name another")
    with open_rows(path, file_format=options.file_format, delimiter=options.delimiter) as source:
        plan = make_plan(
            source.columns,
            renamed=options.columns,
            constants=options.constants,
            id_from=options.id_from,
        )
        framer = Framer(
            plan,
            currencies=ledger.currencies,
            key_type=options.key_type,
            zone=options.zone,
            money_decimals=options.money_decimals,
            file_hash=content_hash(path) if ROW in plan.id_from else "",
        )
        with RejectedFile(rejected_path, source.columns) as rejected_file:
            run = _Run(ledger, framer, rejected_file, options.open_members)
            written = 0  # of source.malformed, which may be ahead of the batch
            for batch in source.batches():
                ready = bisect(source.malformed, (int(batch.numbers[-1]), ""))
                run.post(batch, source.malformed[written:ready])
                written = ready
                if progress is not None:
                    progress(*source.progress(), run.summary)
            run.reject(None, [], source.malformed[written:])
    run.summary.unused_columns = plan.unused
    run.summary.rejected_path = rejected_path if run.summary.rejected else None
    run.summary.elapsed_s = time.monotonic() - started_s
    return run.summary


class _Run:
    """One import under way."""

    def __init__(
        self, ledger: Ledger, framer: Framer, rejected_file: RejectedFile, open_members: bool
    ) -> None:
        self.summary = ImportSummary()
        self._ledger = ledger
        self._framer = framer
        self._rejected_file = rejected_file
        self._open_members = open_members

    def post(self, batch: Batch, malformed: Sequence[tuple[int, str]]) -> None:
        """Post a batch; count and write down what was rejected, malformed lines included."""
        rejects = Rejects(batch.rows.num_rows)
        frame = self._framer.frame(batch, rejects)
        self._check_members(frame, rejects)
        good = np.flatnonzero(rejects.good)
        result = self._ledger.post(frame.take(pa.array(good)))
        refused = result.refused
        for row, status in zip(refused["row"].tolist(), refused["status"].tolist(), strict=True):
            rejects.reasons[int(good[row])] = status
        self.summary.rows += batch.rows.num_rows
        already_there = result.counts.get("already_exists", 0)
        self.summary.posted += len(good) - len(refused) - already_there
        self.summary.already_there += already_there
        self.summary.key_type = self._framer.key_type
        self.reject(
            batch,
            [(int(batch.numbers[place]), place, why) for place, why in rejects.reasons.items()],
            malformed,
        )

    def reject(
        self,
        batch: Batch | None,
        rows: Sequence[tuple[int, int, str]],
        malformed: Sequence[tuple[int, str]],
    ) -> None:
        """Count and write down rejected rows."""
        entries = sorted(
            [*rows, *((number, None, why) for number, why in malformed)], key=itemgetter(0)
        )
        self.summary.rows += len(malformed)
        self.summary.rejected.update(why.partition(": ")[0] for _, _, why in entries)
        self._rejected_file.write(None if batch is None else batch.rows, entries)

    def _check_members(self, frame: pa.Table, rejects: Rejects) -> None:
        """Open the members that the ledger does not know, or reject their rows.

        Sent to the ledger, those rows would be refused and their ids used up: importing them again
        once the members are open would not help any more.
        """
        good = pa.array(rejects.good)
        count = frame.num_rows
        members = pc.if_else(good, frame["member"].combine_chunks(), None)
        others = pa.nulls(count, members.type)
        if "other_member" in frame.column_names:
            others = pc.if_else(good, frame["other_member"].combine_chunks(), None)
        coded = pa.concat_arrays([members, others]).dictionary_encode()
        keys, codes = coded.dictionary, coded.indices.fill_null(-1).to_numpy()
        unknown = ~self._ledger.balances(keys, self._ledger.currencies[0])["found"]
        if not unknown.any():
            return
        # Where each key first stands, and where a row of the file opens it; beyond the end:
        # nowhere.
        rows = np.tile(np.arange(count), 2)
        used = codes >= 0
        opens = np.zeros(2 * count, np.bool_)
        opens[:count] = np.asarray(pc.equal(frame["kind"], "open_member").fill_null(False))
        opens &= used
        opened_at = np.full(len(keys), count)
        np.minimum.at(opened_at, codes[opens], rows[opens])
        first_at = np.full(len(keys), count)
        np.minimum.at(first_at, codes[used], rows[used])
        early = unknown & (first_at < opened_at)
        if self._open_members:
            self._open(keys.filter(pa.array(early)), frame["effective_time"].take(first_at[early]))
            return
        unopened = used & ~opens & unknown[codes] & (rows < opened_at[codes])
        rejects.add(unopened[:count], members, _NOT_OPEN)
        rejects.add(unopened[count:], others, f"other_{_NOT_OPEN}")

    def _open(self, keys: pa.Array, times: pa.ChunkedArray) -> None:
        sort = "int" if pa.types.is_integer(keys.type) else "text"
        names = pc.binary_join_element_wise(f"open_member {sort}", keys.cast(pa.string()), " ")
        frame = pa.table(
            {
                "id": names,
                "kind": pa.repeat("open_member", len(keys)),
                "member": keys,
                "effective_time": times,
            }
        )
        self.summary.members_opened += len(self._ledger.post(frame).raise_for_status())

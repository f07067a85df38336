"""`Ledger`: one ledger directory, open in this process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from loyalty import _core
from loyalty._membership import MembershipWriter
from loyalty._posting import integer
from loyalty._progress import ProgressLike, progress_callback
from loyalty._records import expiry_table, totals_table
from loyalty._reports import VerifyReport
from loyalty._table import Table
from loyalty._tiers import TierRun, members_of, run_of
from loyalty._times import TimeLike, now_us, time_us
from loyalty._writing import CHUNK_ROWS
from loyalty.errors import InvalidInputError
from loyalty.program import Program

_UINT32 = (1, 2**32 - 1)
_DEFAULTS = _core.LedgerOptions()

PathLike = str | os.PathLike[str]


def create(
    path: PathLike, currencies: Sequence[str] = ("points",), *, program: Program | None = None
) -> Ledger:
    """Create an empty ledger and open it.

    Parameters
    ----------
    path : str or path
        The directory: empty or absent, in a parent that exists.
    currencies : Sequence[str]
        The kinds of points, at least one.
    program : Program, optional
        The programme in force from the beginning: then the currencies are its.

    Raises
    ------
    AlreadyExistsError
        There is a ledger, or something else, at `path`.
    InvalidInputError
        The currencies are none, repeated or not names.
    IoError
        The directory cannot be made or written.
    """
    if program is not None:
        _core.create_ledger_with_program(os.fspath(path), program.to_json())
    else:
        names = [currencies] if isinstance(currencies, str) else list(currencies)
        _core.create_ledger(os.fspath(path), names)
    return open(path)


def open(  # noqa: A001 - as gzip.open
    path: PathLike,
    *,
    queue_capacity: int = _DEFAULTS.queue_capacity,
    segment_entries: int = _DEFAULTS.segment_entries,
    checkpoint_entries: int = _DEFAULTS.checkpoint_entries,
    read_only: bool = False,
) -> Ledger:
    """Open a ledger; only one `Ledger` on one machine may have it open, but any number read-only.

    Parameters
    ----------
    path : str or path
        Its directory.
    queue_capacity : int
        How many postings may wait before callers block.
    segment_entries : int
        Entries after which ids and history are built behind the journal.
    checkpoint_entries : int
        Entries after which the members' state is written, so that opening replays less.
    read_only : bool
        For reading alone, also beside the process that posts, which is not disturbed: what was
        acknowledged by now, and nothing that is posted later; open it again to see that. Nothing is
        changed on disk, and no right to is needed. What would be journaled raises `ReadOnlyError`;
        dry runs work.

    Raises
    ------
    NotFoundError
        There is no ledger at `path`.
    LedgerBusyError
        It is open already, and `read_only` was not asked for.
    CorruptionError, UnsupportedFormatError, IoError
        It cannot be read; the message says what to do.
    """
    options = _core.LedgerOptions()
    options.queue_capacity = integer(queue_capacity, "queue_capacity", _UINT32)
    options.segment_entries = integer(segment_entries, "segment_entries", _UINT32)
    options.checkpoint_entries = integer(checkpoint_entries, "checkpoint_entries", _UINT32)
    options.read_only = read_only
    core = _core.open_ledger(os.fspath(path), options)
    return Ledger(core, os.fspath(path), min(CHUNK_ROWS, queue_capacity), read_only=read_only)


class Ledger(MembershipWriter):
    """An open ledger. Made by `create` and `open`; a context manager that closes itself.

    Any thread may call any method at any time. Posting threads share one writer; readers never
    wait for it. What a call to post returned is on disk and survives a crash; a read shows all of
    that and nothing that a crash could undo.

    Every method raises `ClosedError` after `close`, and `IoError`, `NoSpaceError` or
    `CorruptionError` when the disk fails. After a failed write, posting stops for good and
    reading goes on.
    """

    def __init__(self, core: _core.Ledger, path: str, chunk_rows: int, *, read_only: bool) -> None:
        super().__init__(core, path, chunk_rows)
        self._closed = False
        self._read_only = read_only

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    @property
    def read_only(self) -> bool:
        """Whether it was opened for reading alone."""
        return self._read_only

    def apply_program(
        self, program: Program, *, actor: str | None = None, reason: str | None = None
    ) -> int:
        """Put a programme in force for the postings from now on.

        Old postings keep the version of their time. What is in force already stays.

        Parameters
        ----------
        program : Program
            With every currency that members have accounts in.
        actor, reason : str, optional
            Who changes it, and why.

        Returns
        -------
        int
            Its version.

        Raises
        ------
        InvalidInputError
            It cannot follow the one in force; nothing has changed.
        """
        codes = self._core.intern_codes([actor or "", reason or ""])
        version = self._core.apply_program(program.to_json(), *codes)
        self._currencies = tuple(self._core.currencies())
        return version

    def expire(
        self,
        as_of: TimeLike | None = None,
        *,
        dry_run: bool = False,
        progress: ProgressLike = False,
    ) -> Table:
        """Journal what time alone has done: a run for every night.

        Lots that expired, pending ones that became active, holds and confirmations whose time has
        passed. It changes no answer about any instant, since all of that shows at its time; it
        makes the books say so, and the entries visible. Posting goes on. Stopped by Ctrl-C or a
        crash, the next run goes on where it was.

        Parameters
        ----------
        as_of : datetime, date, numpy.datetime64 or int, optional
            What fell due by then; now, by default. Never of the future.
        dry_run : bool
            Only tell what would be journaled.
        progress : bool or callable
            As in `verify`.

        Returns
        -------
        Table
            Columns ``kind`` (``expire``, ``activate``, ``time_out`` of holds, ``cancel`` of what
            was not confirmed), ``currency``, ``month`` (its first day, in the programme's zone),
            ``entries``, ``points`` (minor units). ``metadata["started_sequence"]`` and
            ``metadata["finished_sequence"]`` are the entries that record the run.

        Raises
        ------
        LedgerBusyError
            Another run is under way.
        InvalidInputError
            `as_of` is in the future.
        """
        at_us = now_us() if as_of is None else time_us(as_of, "as_of")
        with progress_callback(progress, "expiring") as callback:
            report = self._core.expire(at_us, dry_run, callback)
        return expiry_table(report, self._currencies)

    def recompute_tiers(
        self,
        at: TimeLike | None = None,
        *,
        ladders: Sequence[str] | None = None,
        members: object = None,
        dry_run: bool = False,
        threads: int | None = None,
        progress: ProgressLike = False,
    ) -> TierRun:
        """Assess members on the programme's ladders, and journal whose level changes.

        Members climb, and fall as the ladder's validity, grace and ``downgrade`` say; periods that
        ended since the last run are assessed one by one, as of their ends. Run again, nothing
        changes. Posting goes on. Stopped by Ctrl-C or a crash, the next run goes on where it was.

        Parameters
        ----------
        at : datetime, date, numpy.datetime64 or int, optional
            The instant to assess as of, of all that is posted by now; now, by default. Members
            whose level has changed since are left alone.
        ladders : list of str, optional
            Only these; all, by default.
        members : sequence or array of int or str, optional
            Only these; all, by default.
        dry_run : bool
            Only tell what would change.
        threads : int, optional
            As many as there are processors, by default.
        progress : bool or callable
            As in `verify`.

        Raises
        ------
        InvalidInputError
            `at` is in the future, or before the first member; or the programme has no ladders.
        NotFoundError
            There is no such ladder, or no such member.
        LedgerBusyError
            Another run is under way.
        """
        if isinstance(ladders, str):
            raise InvalidInputError(f"ladders must be a list of names, such as [{ladders!r}]")
        at_us = None if at is None else time_us(at, "at")
        with progress_callback(progress, "assessing") as callback:
            run = self._core.recompute_tiers(
                at_us=at_us,
                ladders=list(ladders or ()),
                members=members_of(members),
                dry_run=dry_run,
                threads=0 if threads is None else integer(threads, "threads", (1, 1024)),
                progress=callback,
            )
        return run_of(run, self._core, dry_run, self._core.members_are_texts())

    def verify(self, progress: ProgressLike = False) -> VerifyReport:
        """Check the whole ledger: checksums, chain, state, history, ids, trial balance.

        Reads everything; posting goes on. Ctrl-C stops it.

        Parameters
        ----------
        progress : bool or callable
            True draws a bar (needs rich); a callable is told (done, total) some ten times a
            second, and returns False to stop.

        Raises
        ------
        StoppedError
            The callback said so.
        """
        with progress_callback(progress, "verifying") as callback:
            report = self._core.verify(callback)
        return VerifyReport(
            sequence=report.sequence,
            digest=report.digest,
            blocks=report.blocks,
            entries=report.entries,
            totals=totals_table(report.totals),
            problems=tuple(report.problems),
        )

    def checkpoint(self) -> None:
        """Build ids, history and a checkpoint of all that is durable: opening replays nothing.

        When it returns, no file of the ledger has the key of a member who was erased before.
        """
        self._core.checkpoint()

    def close(self) -> None:
        """Finish what was accepted, checkpoint and close. Closing again does nothing."""
        self._closed = True
        self._core.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._closed:
            return f"<Ledger {self._path!r}: closed>"
        info = self._core.info()
        access = ", read-only" if self._read_only else ""
        return (
            f"<Ledger {self._path!r}: {info.members:,} members, sequence {info.sequence:,}, "
            f"currencies {', '.join(self._currencies)}{access}>"
        )

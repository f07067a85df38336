"""`Ledger`: one ledger directory, open in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, overload

from loyalty import _core
from loyalty._columns import CODES, currency_of, kind_of, to_postings, wrong_code
from loyalty._frame import Frame, read_column
from loyalty._ids import IdLike, new_ids
from loyalty._posting import Posting, core_arguments, integer, to_frame
from loyalty._progress import ProgressLike, progress_callback
from loyalty._reading import LedgerReader
from loyalty._records import totals_table
from loyalty._reports import VerifyReport
from loyalty._result import STATUS_NAMES, PostResult, Reply
from loyalty._times import TimeLike, now_us, time_us
from loyalty.errors import InvalidInputError, LoyaltyError, PostInterrupted

# Measured from 2,048 rows x 8 to 32,768 x 2: the rate is the same. Of those in flight, one is
# synced while the next is applied and others wait: the engine never idles, and Ctrl-C comes soon.
_CHUNK_ROWS = 8192
_CHUNKS_IN_FLIGHT = 4

_UINT32 = (1, 2**32 - 1)
_DEFAULTS = _core.LedgerOptions()

PathLike = str | os.PathLike[str]


def create(path: PathLike, currencies: Sequence[str] = ("points",)) -> Ledger:
    """Create an empty ledger and open it.

    Parameters
    ----------
    path : str or path
        The directory: empty or absent, in a parent that exists.
    currencies : Sequence[str]
        The kinds of points, at least one.

    Raises
    ------
    AlreadyExistsError
        There is a ledger, or something else, at `path`.
    InvalidInputError
        The currencies are none, repeated or not names.
    IoError
        The directory cannot be made or written.
    """
    names = [currencies] if isinstance(currencies, str) else list(currencies)
    _core.create_ledger(os.fspath(path), names)
    return open(path)


def open(  # noqa: A001 - as gzip.open
    path: PathLike,
    *,
    queue_capacity: int = _DEFAULTS.queue_capacity,
    segment_entries: int = _DEFAULTS.segment_entries,
    checkpoint_entries: int = _DEFAULTS.checkpoint_entries,
) -> Ledger:
    """Open a ledger; only one `Ledger` on one machine may have it open.

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

    Raises
    ------
    NotFoundError
        There is no ledger at `path`.
    LedgerBusyError
        It is open already.
    CorruptionError, UnsupportedFormatError, IoError
        It cannot be read; the message says what to do.
    """
    options = _core.LedgerOptions()
    options.queue_capacity = integer(queue_capacity, "queue_capacity", _UINT32)
    options.segment_entries = integer(segment_entries, "segment_entries", _UINT32)
    options.checkpoint_entries = integer(checkpoint_entries, "checkpoint_entries", _UINT32)
    core = _core.open_ledger(os.fspath(path), options)
    return Ledger(core, os.fspath(path), min(_CHUNK_ROWS, queue_capacity))


class Ledger(LedgerReader):
    """An open ledger. Made by `create` and `open`; a context manager that closes itself.

    Any thread may call any method at any time. Posting threads share one writer; readers never
    wait for it. What a call to post returned is on disk and survives a crash; a read shows all of
    that and nothing that a crash could undo.

    Every method raises `ClosedError` after `close`, and `IoError`, `NoSpaceError` or
    `CorruptionError` when the disk fails. After a failed write, posting stops for good and
    reading goes on.
    """

    def __init__(self, core: _core.Ledger, path: str, chunk_rows: int) -> None:
        super().__init__(core, path)
        self._chunk_rows = chunk_rows
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    @overload
    def post(self, postings: Posting, *, progress: ProgressLike = ...) -> Reply: ...
    @overload
    def post(
        self, postings: Frame | Sequence[Posting], *, progress: ProgressLike = ...
    ) -> PostResult: ...
    def post(
        self, postings: Posting | Frame | Sequence[Posting], *, progress: ProgressLike = False
    ) -> Reply | PostResult:
        """Post one posting or a batch, durably; each posting gets its own status.

        Rows are applied in order, and each stands alone. A batch is checked whole before any of
        it is posted, then committed in chunks of some thousands of rows, while other threads run.

        Parameters
        ----------
        postings : Posting, list of Posting, or a frame
            A frame is a dict of columns, a pandas or Polars DataFrame, an Arrow table, or
            anything with ``__arrow_c_stream__`` or ``__arrow_c_array__``. A dict's columns are
            NumPy arrays, lists or series; a single value there stands for every row. Columns:

            ``id``
                Required: UUIDs, their texts, 16 bytes (NumPy ``V16``, fixed-size binary), pairs
                of uint64 of shape (n, 2), or other texts as references, which are hashed. See
                `new_ids`.
            ``kind``
                Required: ``open_member``, ``earn``, ``redeem``, ``adjust``, ``reverse``, or their
                numbers.
            ``member``
                Required: all integers, or all texts of 1 to 64 bytes.
            ``effective_time``
                Required: timestamps of any unit and zone (without one: UTC), dates (midnight
                UTC), or integer microseconds since 1970 UTC. Finer than microseconds is cut off.
            ``points``
                Integers, minor units; floats are refused even if whole. May be missing or null
                where the kind is ``open_member`` or ``reverse``.
            ``currency``
                Names; may be missing when the ledger has one, and for ``open_member``.
            ``money``
                Integers, minor units; 0 by default.
            ``expires_time``
                As ``effective_time``; null, or no column: never.
            ``rule``, ``channel``, ``location``, ``category``, ``actor``, ``reason``
                Texts; null or empty: none. Dictionary columns (categories) are quickest.
            ``related``
                As ``id``: the posting that a ``reverse`` reverses; null: none.
            ``tag``
                Integers, 0 to 2**64 - 1; 0 by default.
        progress : bool or callable
            True draws a bar (needs rich). A callable is told (done, total) rows some ten times a
            second; returning False stops after the chunks under way.

        Returns
        -------
        Reply or PostResult
            A `Reply` for a `Posting`, else a `PostResult` with one reply a row.

        Raises
        ------
        InvalidInputError
            Naming the column and the first bad row, counted from 0. Nothing was posted.
        StoppedError, NoSpaceError, IoError
            Part of the batch may be durable: the first ``len(error.result)`` rows are, and the
            message says so. Posting the same frame again is safe: those rows answer
            ``already_exists``.
        PostInterrupted
            Ctrl-C; the same holds.
        """
        if isinstance(postings, Posting):
            return self._post_one(postings)
        frame = to_frame(postings) if isinstance(postings, list | tuple) else postings
        columns = to_postings(frame, self._currencies, self._core.intern_codes)
        with progress_callback(progress, "posting") as callback:
            outcome = self._core.post_columns(
                columns, callback, chunk_rows=self._chunk_rows, chunks_in_flight=_CHUNKS_IN_FLIGHT
            )
        return _finish(outcome, len(columns))

    def earn(
        self, member: int | str, points: int, currency: str | None = None, **fields: Any
    ) -> Reply:
        """Give points to a member.

        Parameters
        ----------
        member : int or str
            The member's key.
        points : int
            Minor units, above 0.
        currency : str, optional
            Needed when the ledger has several.
        **fields
            The other fields of `Posting`, such as ``id``, ``effective_time``, ``expires_time``,
            ``money``, ``rule``. A retry must give the same ``id`` and ``effective_time`` as the
            first try, or it is another posting: keep a `Posting` and `post` it again.

        Returns
        -------
        Reply
            A refusal is a status in it, no exception.

        Raises
        ------
        InvalidInputError
            A field is unknown, or of a wrong type or size.
        """
        return self._post_one(_posting("earn", member, points, currency, fields))

    def redeem(
        self, member: int | str, points: int, currency: str | None = None, **fields: Any
    ) -> Reply:
        """Take points (above 0) that a member spends; as `earn` otherwise."""
        return self._post_one(_posting("redeem", member, points, currency, fields))

    def adjust(
        self,
        member: int | str,
        points: int,
        currency: str | None = None,
        *,
        actor: str,
        reason: str,
        **fields: Any,
    ) -> Reply:
        """Correct a balance by `points` (signed, not 0), saying who and why; else as `earn`."""
        fields |= {"actor": actor, "reason": reason}
        return self._post_one(_posting("adjust", member, points, currency, fields))

    def reverse(
        self, member: int | str, related: IdLike, currency: str | None = None, **fields: Any
    ) -> Reply:
        """Undo the posting of that member whose id is `related`, whole; else as `earn`."""
        fields |= {"related": related}
        return self._post_one(_posting("reverse", member, 0, currency, fields))

    def open_member(self, member: int | str, **fields: Any) -> Reply:
        """Open a member, whose first posting this must be; else as `earn`."""
        return self._post_one(_posting("open_member", member, 0, None, fields))

    def open_members(self, members: object, effective_time: TimeLike | None = None) -> PostResult:
        """Open many members.

        Opening a member that is open answers ``member_already_open`` and changes nothing, so
        calling this again for the same members is safe.

        Parameters
        ----------
        members : sequence or array of int or str
            Their keys.
        effective_time : datetime, date, numpy.datetime64 or int, optional
            Now, by default.
        """
        keys = read_column("member", members)
        at_us = now_us() if effective_time is None else time_us(effective_time, "effective_time")
        frame = {
            "id": new_ids(len(keys)),
            "kind": "open_member",
            "member": keys,
            "effective_time": at_us,
        }
        return self.post(frame)

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
        """Build ids, history and a checkpoint of all that is durable: opening replays nothing."""
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
        return (
            f"<Ledger {self._path!r}: {info.members:,} members, sequence {info.sequence:,}, "
            f"currencies {', '.join(self._currencies)}>"
        )

    def _post_one(self, posting: Posting) -> Reply:
        arguments = core_arguments(posting)
        kind = kind_of(posting.kind)
        opens = kind == _core.Kind.OPEN_MEMBER
        currency = 0 if opens else currency_of(posting.currency, self._currencies)
        texts = [_code_text(name, getattr(posting, name)) for name in CODES]
        codes = self._core.intern_codes(texts)
        status, sequence, balance = self._core.post_one(
            kind=kind, currency=currency, codes=codes, **arguments
        )
        return Reply(STATUS_NAMES[status], sequence, balance)


def _posting(
    kind: str, member: int | str, points: int, currency: str | None, fields: dict[str, Any]
) -> Posting:
    known: Callable[..., Posting] = Posting
    fields = {name: value for name, value in fields.items() if not (name == "id" and value is None)}
    try:
        return known(kind, member, points, currency, **fields)
    except TypeError as error:
        raise InvalidInputError(f"{kind}: {error}") from None


def _code_text(name: str, value: object) -> str:
    if value is not None and not isinstance(value, str):
        raise InvalidInputError(f"{name} must be a text, not {type(value).__name__}: {value!r}")
    if value and (wrong := wrong_code(value)):
        raise InvalidInputError(f"{name}: {wrong}")
    return value or ""


def _finish(outcome: _core.Outcome, rows: int) -> PostResult:
    """Return the replies, or raise what ended the batch early, saying how much of it is durable."""
    durable = outcome.rows_durable
    result = PostResult(
        outcome.status[:durable], outcome.sequence[:durable], outcome.balance[:durable]
    )
    error = outcome.error
    if error is None:
        return result
    extent = (
        f"the first {durable:,} of {rows:,} rows are durable; post the same frame again to go on"
    )
    if isinstance(error, KeyboardInterrupt):
        raise PostInterrupted(f"interrupted: {extent}", result) from error
    if isinstance(error, LoyaltyError):
        new = type(error)(f"{error}; {extent}")
        new.result = result
        raise new
    error.add_note(extent)
    raise error

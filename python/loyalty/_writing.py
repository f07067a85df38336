"""Posting to a ledger: whole batches, and single postings by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

from loyalty import _core
from loyalty._columns import (
    CODES,
    LEVEL,
    currency_of,
    kind_of,
    needs_currency,
    to_postings,
    wrong_code,
)
from loyalty._frame import Frame
from loyalty._ids import IdLike
from loyalty._posting import Posting, core_arguments, to_frame
from loyalty._progress import ProgressLike, progress_callback
from loyalty._result import STATUS_NAMES, PostResult, Reply
from loyalty._tier_reading import TierReader
from loyalty._times import TimeLike
from loyalty.errors import InvalidInputError, LoyaltyError, PostInterrupted

# Measured from 2,048 rows x 8 to 32,768 x 2: the rate is the same. Of those in flight, one is
# synced while the next is applied and others wait: the engine never idles, and Ctrl-C comes soon.
CHUNK_ROWS = 8192
_CHUNKS_IN_FLIGHT = 4


class LedgerWriter(TierReader):
    """The posting half of `loyalty.Ledger`: batches, and what is about points."""

    def __init__(self, core: _core.Ledger, path: str, chunk_rows: int) -> None:
        super().__init__(core, path)
        self._chunk_rows = chunk_rows

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

        Rows are applied in order, and each stands alone, but for chains of linked ones: a row with
        ``linked``, all that follow up to the first without, and that one are posted together, or
        none of them. A batch is checked whole before any of
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
                Required: one of the names in `Posting`, or their numbers.
            ``member``
                Required: all integers, or all texts of 1 to 64 bytes.
            ``effective_time``
                Required: timestamps of any unit and zone (without one: UTC), dates (midnight
                UTC), or integer microseconds since 1970 UTC. Finer than microseconds is cut off.
            ``points``
                Integers, minor units; floats are refused even if whole. May be missing or null
                where the kind is not ``earn``, ``redeem``, ``adjust`` or ``hold``; where an
                ``earn`` has ``money``: then they are what the programme's ``rule`` makes of it;
                and where a ``reverse`` has: as many as make up for that.
            ``currency``
                Names; may be missing when the ledger has one, and for ``open_member``.
            ``money``
                Integers, minor units; 0 by default.
            ``expires_time``
                As ``effective_time``, or `loyalty.NEVER` among integers; null, or no column: as
                the programme says.
            ``activates_time``, ``deadline_time``
                As ``effective_time``; null, or no column: none, or as the programme says. What
                they mean is in `Posting`.
            ``other_member``
                As ``member``: who gets the points of a ``transfer``, and the like (see `Posting`);
                null: none.
            ``floor``, ``ceiling``
                Integers, minor units; null: the programme's.
            ``rule``, ``channel``, ``location``, ``category``, ``actor``, ``reason``
                Texts; null or empty: none. Dictionary columns (categories) are quickest.
            ``related``
                As ``id``: the posting that this one is about; null: none.
            ``tag``
                Integers, 0 to 2**64 - 1; 0 by default.
            ``linked``
                Booleans, False by default: whether the row stands or falls with the next. When one
                of a chain is refused, the others are ``linked_posting_failed``, and all their ids
                are used up; when one is malformed, none is journaled. At most 8,192 rows to a
                chain; none that opens, closes, reopens, merges or erases members.
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
        self,
        member: int | str,
        points: int | None = None,
        currency: str | None = None,
        **fields: Any,
    ) -> Reply:
        """Give points to a member.

        Parameters
        ----------
        member : int or str
            The member's key.
        points : int, optional
            Minor units, at least 0; by default what the programme's ``rule=`` makes of ``money=``.
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
        return self._post_one(posting_of("earn", member, points, currency, fields))

    def redeem(
        self, member: int | str, points: int, currency: str | None = None, **fields: Any
    ) -> Reply:
        """Take points (above 0) that a member spends; as `earn` otherwise."""
        return self._post_one(posting_of("redeem", member, points, currency, fields))

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
        return self._post_one(posting_of("adjust", member, points, currency, fields))

    def reverse(
        self, member: int | str, related: IdLike, currency: str | None = None, **fields: Any
    ) -> Reply:
        """Undo the posting of that member whose id is `related`; else as `earn`.

        All that is left of it, or only ``points=`` of it; or with ``money=`` alone, when part of a
        purchase is paid back, as many points as it would have been fewer. What was earned and is
        spent by now is owed: see ``arrears`` in `Balance`.
        """
        return self._post_about("reverse", member, related, currency, fields)

    def hold(
        self,
        member: int | str,
        points: int,
        deadline_time: TimeLike,
        currency: str | None = None,
        **fields: Any,
    ) -> Reply:
        """Set points aside for a checkout, until `deadline_time` at the latest; else as `earn`.

        Nobody else can spend them. `capture` redeems them, all or in part, `release` gives them
        back; without either they are back at the deadline.
        """
        fields |= {"deadline_time": deadline_time}
        return self._post_one(posting_of("hold", member, points, currency, fields))

    def capture(
        self, member: int | str, related: IdLike, currency: str | None = None, **fields: Any
    ) -> Reply:
        """Redeem the points of the hold `related`, or ``points=`` of them; the rest comes back."""
        return self._post_about("capture", member, related, currency, fields)

    def release(
        self, member: int | str, related: IdLike, currency: str | None = None, **fields: Any
    ) -> Reply:
        """Give the points of the hold `related` back."""
        return self._post_about("release", member, related, currency, fields)

    def confirm(
        self, member: int | str, related: IdLike, currency: str | None = None, **fields: Any
    ) -> Reply:
        """Make the points of the credit `related`, which wait for it, active."""
        return self._post_about("confirm", member, related, currency, fields)

    def cancel(
        self, member: int | str, related: IdLike, currency: str | None = None, **fields: Any
    ) -> Reply:
        """Take the pending points of the credit `related` back."""
        return self._post_about("cancel", member, related, currency, fields)

    def extend(
        self,
        member: int | str,
        related: IdLike,
        expires_time: TimeLike,
        currency: str | None = None,
        *,
        actor: str,
        reason: str,
        **fields: Any,
    ) -> Reply:
        """Let what is left of the credit `related` expire later, saying who and why."""
        fields |= {"expires_time": expires_time, "actor": actor, "reason": reason}
        return self._post_about("extend", member, related, currency, fields)

    def reinstate(
        self,
        member: int | str,
        related: IdLike,
        currency: str | None = None,
        *,
        actor: str,
        reason: str,
        **fields: Any,
    ) -> Reply:
        """Bring back what has expired of the credit `related`, or ``points=`` of it.

        Within the programme's ``reinstate_within_days``, saying who and why. It expires at
        ``expires_time=``, or by default as if it had been earned now.
        """
        fields |= {"actor": actor, "reason": reason}
        return self._post_about("reinstate", member, related, currency, fields)

    def set_limits(
        self,
        member: int | str,
        currency: str | None = None,
        *,
        floor: int | None = None,
        ceiling: int | None = None,
        actor: str,
        reason: str,
        **fields: Any,
    ) -> Reply:
        """Set an account's floor and ceiling (see `Posting`), saying who and why."""
        fields |= {"floor": floor, "ceiling": ceiling, "actor": actor, "reason": reason}
        return self._post_one(posting_of("set_limits", member, 0, currency, fields))

    def transfer(
        self,
        member: int | str,
        other_member: int | str,
        points: int,
        currency: str | None = None,
        **fields: Any,
    ) -> Reply:
        """Move points (above 0) from `member` to `other_member`; the reply is about the first.

        They keep their expiry, get a new one or may not be moved, by the programme. Else as `earn`.
        """
        fields |= {"other_member": other_member}
        return self._post_one(posting_of("transfer", member, points, currency, fields))

    def join_pool(
        self,
        pool: int | str,
        member: int | str,
        currency: str | None = None,
        *,
        limit: int | None = None,
        **fields: Any,
    ) -> Reply:
        """Let a member spend from a pool, up to `limit` points in all; else as `earn`.

        The pool is a member of its own, such as a household. Members contribute by ``transfer``,
        and spend by ``redeem`` or ``hold`` from the pool with their key as ``other_member``.
        Joining again changes the limit.
        """
        fields |= {"other_member": member, "ceiling": limit}
        return self._post_one(posting_of("join_pool", pool, 0, currency, fields))

    def leave_pool(
        self, pool: int | str, member: int | str, currency: str | None = None, **fields: Any
    ) -> Reply:
        """Let a member leave a pool, with what is left of the points he brought; else as `earn`."""
        fields |= {"other_member": member}
        return self._post_one(posting_of("leave_pool", pool, 0, currency, fields))

    def _post_about(
        self,
        kind: str,
        member: int | str,
        related: IdLike,
        currency: str | None,
        fields: dict[str, Any],
    ) -> Reply:
        points = fields.pop("points", None)
        return self._post_one(
            posting_of(kind, member, points, currency, fields | {"related": related})
        )

    def _post_one(self, posting: Posting) -> Reply:
        arguments = core_arguments(posting)
        kind = kind_of(posting.kind)
        about = needs_currency(kind)
        currency = currency_of(posting.currency, self._currencies) if about else 0
        texts = [_code_text(name, getattr(posting, name)) for name in (*CODES, *LEVEL)]
        codes = self._core.intern_codes(texts)
        reply = self._core.post_one(kind=kind, currency=currency, codes=codes, **arguments)
        parts = reply.balance
        return Reply(
            STATUS_NAMES[reply.status],
            reply.sequence,
            parts.active,
            parts.pending,
            parts.held,
            parts.arrears,
            reply.points,
            reply.repaid,
            reply.limit,
        )


def posting_of(
    kind: str,
    member: int | str,
    points: int | None,
    currency: str | None,
    fields: dict[str, Any],
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
        outcome.status[:durable],
        outcome.sequence[:durable],
        outcome.balance[:durable],
        outcome.points[:durable],
        outcome.rare,
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

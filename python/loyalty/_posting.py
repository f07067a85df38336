"""`Posting`: one movement that a caller asks for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np

from loyalty import _core
from loyalty._columns import CODES, LEVEL, WITH_POINTS, kind_of
from loyalty._ids import NO_ID, IdLike, id_bytes, new_id
from loyalty._times import TimeLike, time_us
from loyalty.errors import InvalidInputError

_INT64 = (-(2**63), 2**63 - 1)
_UINT64 = (0, 2**64 - 1)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Posting:
    """One movement of points, or the opening of a member.

    Its id and time are fixed when it is made: posting the same object again is a safe retry, which
    answers ``already_exists``.

    Parameters
    ----------
    kind : str
        What to do: ``open_member``, ``earn``, ``redeem``, ``adjust``, ``reverse``, ``hold``,
        ``capture``, ``release``, ``confirm``, ``cancel``, ``extend``, ``reinstate``,
        ``set_limits``, ``transfer``, ``join_pool``, ``leave_pool``, ``close_member``,
        ``reopen_member``, ``merge_members``, ``unmerge_members``, ``erase_member`` or
        ``set_level``.
    member : int or str
        The member's key: an integer (int64), or a text of 1 to 64 bytes of UTF-8, without U+0000.
    points : int or None
        Minor units: above 0 to earn, redeem, hold and transfer, signed and not 0 to adjust. To
        reverse, capture or reinstate in part above 0, or 0 for all that is left. Else 0. None, to
        earn: what the programme's `rule` makes of the `money`; to reverse: as many as make up for
        the `money` that is paid back, or if that is 0, all that is left.
    currency : str, optional
        Needed when the ledger has several; ignored by what is about a member alone.
    money : int
        Minor units of money that was paid, at least 0.
    effective_time : datetime, date, numpy.datetime64 or int
        When it happened; without a time zone: UTC; integers are microseconds since 1970 UTC. Now,
        by default.
    expires_time : the same, optional
        When the points expire: `loyalty.NEVER`, or a time; None: as the programme says. For
        ``extend`` and ``reinstate``: the new expiry. For ``confirm``: None leaves what the credit
        said. For ``set_level``: until when nothing takes the member below it; None: for good.
    activates_time : the same, optional
        Of points that are earned or given by an adjustment: from when on they can be spent, the
        effective time for at once; None: as the programme says. Until then they are pending.
    deadline_time : the same, optional
        Of a hold, which needs one: when it ends by itself. Of points that are earned or given: they
        are pending until ``confirm``, and lost if that has not come by then.
    floor, ceiling : int, optional
        For ``set_limits``: the least that debits may leave of the account, which may be below zero,
        and the most that credits may make of it (`loyalty.NO_CEILING` for none); None: the
        programme's. For ``join_pool``, `ceiling`: how many points may be spent in all.
    other_member : int or str, optional
        For ``transfer``: who gets the points. For ``join_pool`` and ``leave_pool``: who does, with
        the pool as `member`. For ``redeem`` and ``hold`` from a pool: who spends. For
        ``merge_members``: whose key leads to `member` from then on.
    rule, channel, location, category, actor, reason : str, optional
        Codes for analysis and audit; ``adjust``, ``extend``, ``reinstate``, ``set_limits``,
        ``close_member``, ``reopen_member``, ``merge_members``, ``unmerge_members``,
        ``erase_member`` and ``set_level`` need the last two.
    ladder, level : str, optional
        For ``set_level``: a ladder of the programme, and the level on it that the member gets.
    related : UUID, str or 16 bytes, optional
        The id of the posting that this one is about: to reverse, capture, release, confirm, cancel,
        extend, reinstate or unmerge.
    tag : int
        Free for the caller, 0 to 2**64 - 1.
    linked : bool
        In a batch: this posting and the next one stand or fall together. See `Ledger.post`.
    id : UUID, str or 16 bytes
        The permanent id: a UUID or its text, 16 bytes, or any other text as a reference (hashed).
        A fresh UUIDv7, by default.
    """

    kind: str
    member: int | str
    points: int | None = 0
    currency: str | None = None
    _: KW_ONLY
    money: int = 0
    effective_time: TimeLike = field(default_factory=_now)
    expires_time: TimeLike | None = None
    activates_time: TimeLike | None = None
    deadline_time: TimeLike | None = None
    floor: int | None = None
    ceiling: int | None = None
    other_member: int | str | None = None
    rule: str | None = None
    channel: str | None = None
    location: str | None = None
    category: str | None = None
    actor: str | None = None
    reason: str | None = None
    ladder: str | None = None
    level: str | None = None
    related: IdLike | None = None
    tag: int = 0
    linked: bool = False
    id: IdLike = field(default_factory=new_id)


def to_frame(postings: Sequence[Posting]) -> dict[str, Any]:
    """Return the postings of a list as a dict of columns."""
    for row, posting in enumerate(postings):
        if not isinstance(posting, Posting):
            raise InvalidInputError(f"postings[{row}] is no Posting but {type(posting).__name__}")
    related = [NO_ID if p.related is None else id_bytes(p.related, "related") for p in postings]
    return {
        "id": _void16([id_bytes(p.id, "id") for p in postings]),
        "related": _void16(related),
        "effective_time": [time_us(p.effective_time, "effective_time") for p in postings],
        "expires_time": [_optional_us(p, "expires_time", _core.BY_PROGRAM) for p in postings],
        "activates_time": [_activates_us(p) for p in postings],
        "deadline_time": [_optional_us(p, "deadline_time", _core.NEVER_US) for p in postings],
        **{
            name: [getattr(p, name) for p in postings]
            for name in (
                *("kind", "member", "points", "currency", "money", "tag", "floor", "ceiling"),
                *("other_member", "linked"),
                *CODES,
                *LEVEL,
            )
        },
    }


def core_arguments(posting: Posting) -> dict[str, Any]:
    """Return what the engine wants to know of a posting, but for kind, currency and codes."""
    return {
        "posting_id": id_bytes(posting.id, "id"),
        "member": member_key(posting.member),
        "points": _points(posting),
        "other_member": None if posting.other_member is None else member_key(posting.other_member),
        "money": integer(posting.money, "money"),
        "effective_us": integer(
            time_us(posting.effective_time, "effective_time"), "effective_time"
        ),
        "expires_us": integer(
            _optional_us(posting, "expires_time", _core.BY_PROGRAM), "expires_time"
        ),
        "activates_us": integer(_activates_us(posting), "activates_time"),
        "deadline_us": integer(
            _optional_us(posting, "deadline_time", _core.NEVER_US), "deadline_time"
        ),
        "floor": _or_by_program(posting.floor, "floor"),
        "ceiling": _or_by_program(posting.ceiling, "ceiling"),
        "related": NO_ID if posting.related is None else id_bytes(posting.related, "related"),
        "tag": integer(posting.tag, "tag", _UINT64),
        "linked": posting.linked,
    }


def member_key(value: object) -> int | str:
    """Return a member's key as a plain int or str; `InvalidInputError` if it cannot be one."""
    if not isinstance(value, str):
        return integer(value, "member", what="an integer or a text")
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"member must be valid Unicode: {error}") from error
    if not 1 <= size <= _core.MAX_MEMBER_BYTES:
        raise InvalidInputError(
            f"member: a text key has 1 to {_core.MAX_MEMBER_BYTES} bytes, this one {size}"
        )
    return str(value)


def integer(
    value: object, name: str, limits: tuple[int, int] = _INT64, what: str = "an integer"
) -> int:
    """Return an exact integer within limits; floats and flags are refused."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        hint = "; round explicitly to minor units" if isinstance(value, float) else ""
        raise InvalidInputError(
            f"{name} must be {what}, not {type(value).__name__}: {value!r}{hint}"
        )
    if not limits[0] <= value <= limits[1]:
        raise InvalidInputError(f"{name}: {value} is not within {limits[0]} to {limits[1]}")
    return int(value)


def _points(posting: Posting) -> int:
    """Return what the engine takes for the points; None is 0 where a kind needs none."""
    kind = kind_of(posting.kind)
    refund = kind == _core.Kind.REVERSE and posting.money > 0
    if posting.points is None and (kind == _core.Kind.EARN or refund):
        return _core.BY_PROGRAM
    if posting.points is None and kind in WITH_POINTS:
        raise InvalidInputError(f"points: a posting of kind {posting.kind!r} must say how many")
    return 0 if posting.points is None else integer(posting.points, "points")


def _or_by_program(value: object, name: str) -> int:
    return _core.BY_PROGRAM if value is None else integer(value, name)


def _optional_us(posting: Posting, name: str, missing: int) -> int:
    value = getattr(posting, name)
    return missing if value is None else time_us(value, name)


def _activates_us(posting: Posting) -> int:
    waits = posting.kind in ("earn", "adjust") and posting.deadline_time is not None
    return _optional_us(posting, "activates_time", _core.NEVER_US if waits else _core.BY_PROGRAM)


def _void16(ids: list[bytes]) -> np.ndarray[Any, np.dtype[np.void]]:
    return np.frombuffer(b"".join(ids), "V16")

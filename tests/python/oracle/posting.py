"""What can be said of a posting alone: whether it is well-formed, and how two of them differ."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

from loyalty import Posting

from .account import NEVER

CODES = ("rule", "channel", "location", "category", "actor", "reason")
LEVEL = ("ladder", "level")  # codes, too
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def micros(value: object) -> int:
    """Microseconds since 1970; the oracle's postings have all their times as such integers."""
    if isinstance(value, dt.datetime):
        return (value - _EPOCH) // dt.timedelta(microseconds=1)
    assert isinstance(value, int), value
    return value


FIRST_TIME = micros(dt.datetime(1900, 1, 1, tzinfo=dt.UTC))  # rule 2
LAST_TIME = micros(dt.datetime(2200, 1, 1, tzinfo=dt.UTC))  # from here on: too late
LIMIT_MOST = 2**61 - 1

NO_ID = bytes(16)
CREDITS = ("earn", "adjust")
ABOUT_ANOTHER = (
    *("reverse", "capture", "release", "confirm", "cancel", "extend", "reinstate"),
    "unmerge_members",
)
MERGING = ("merge_members", "unmerge_members")
CHANGES_OF_MEMBERS = ("close_member", "reopen_member", "erase_member", *MERGING)
MEMBERSHIP = ("open_member", *CHANGES_OF_MEMBERS, "set_level")  # about no account
BETWEEN_MEMBERS = ("transfer", "join_pool", "leave_pool", "merge_members")
WITH_REASON = (
    *("adjust", "extend", "reinstate", "set_limits", "set_level"),
    *CHANGES_OF_MEMBERS,
)


def _none(points: int) -> bool:
    return points == 0


POINTS_ALLOWED: dict[str, Callable[[int], bool]] = {
    "earn": lambda points: points >= 0,
    "redeem": lambda points: points > 0,
    "adjust": lambda points: points != 0,
    "reverse": lambda points: points >= 0,
    "hold": lambda points: points > 0,
    "transfer": lambda points: points > 0,
    "capture": lambda points: points >= 0,
    "reinstate": lambda points: points >= 0,
}


def makes_lot(posting: Posting) -> bool:
    return posting.kind == "earn" or (posting.kind == "adjust" and (posting.points or 0) > 0)


def leaves_points(posting: Posting) -> bool:
    """Whether it is the money that says how many points (rules 3 and 11)."""
    by_money = posting.kind == "earn" or (posting.kind == "reverse" and posting.money > 0)
    return posting.points is None and by_money


def related(posting: Posting) -> object:
    """The id of the posting that this one is about; sixteen zeros are none."""
    return None if posting.related == NO_ID else posting.related


def time(value: object) -> int | None:
    return None if value is None else micros(value)


def shown(value: object, missing: int | None) -> object:
    """An instant as the journal shows it."""
    return None if value == missing else value


def faults(posting: Posting, has_currency: bool) -> Iterator[str]:
    """Yield what makes a posting malformed, in the order of docs/statuses.md."""
    kind, makes, at = posting.kind, makes_lot(posting), micros(posting.effective_time)
    activates, deadline = time(posting.activates_time), time(posting.deadline_time)
    expires = time(posting.expires_time)
    if posting.id == NO_ID:
        yield "id_missing"
    if kind not in MEMBERSHIP and not has_currency:
        yield "currency_not_found"
    allowed = POINTS_ALLOWED.get(kind, _none)
    if not leaves_points(posting) and not allowed(posting.points or 0):
        yield "points_invalid"
    if posting.money < 0:
        yield "money_invalid"
    if not FIRST_TIME <= at < LAST_TIME:
        yield "effective_time_out_of_range"
    if expires is None and kind == "extend":
        yield "expiry_invalid"
    may_expire = makes or kind in ("confirm", "extend", "reinstate", "set_level")
    if expires not in (None, NEVER) and not may_expire:
        yield "expiry_invalid"
    # It comes after what it starts with; whether that is right in itself is asked further down.
    start = activates or (deadline if kind in CREDITS else None) or at
    if expires not in (None, NEVER) and not start < expires < LAST_TIME:
        yield "expiry_invalid"
    if kind in WITH_REASON and not posting.actor:
        yield "actor_missing"
    if kind in WITH_REASON and not posting.reason:
        yield "reason_missing"
    if kind in ABOUT_ANOTHER and related(posting) is None:
        yield "related_missing"
    if kind not in ABOUT_ANOTHER and related(posting) is not None:
        yield "related_not_allowed"
    # A deadline leaves open when the points of a credit become active.
    given = activates is not None or (kind in CREDITS and deadline is not None)
    if given and not (makes and at <= (activates or at) < LAST_TIME):
        yield "activation_invalid"
    if deadline is None and kind == "hold":
        yield "deadline_invalid"
    if deadline is not None:
        may_have = kind == "hold" or (makes and activates is None)
        if not may_have or not at < deadline < LAST_TIME:
            yield "deadline_invalid"
    yield from faults_in_limits(posting)
    must, may = kind in BETWEEN_MEMBERS, kind in (*BETWEEN_MEMBERS, "redeem", "hold")
    if must if posting.other_member is None else not may:
        yield "other_member_invalid"
    if posting.other_member == posting.member:
        yield "other_member_invalid"


def faults_in_limits(posting: Posting) -> Iterator[str]:
    """Yield what is wrong with floor and ceiling (rule 15)."""
    given = [limit for limit in (posting.floor, posting.ceiling) if limit is not None]
    if posting.kind == "join_pool":
        if posting.floor is not None or (posting.ceiling or 0) < 0:
            yield "limits_invalid"
        return
    if (given and posting.kind != "set_limits") or given != sorted(given):
        yield "limits_invalid"
    if any(abs(limit) > LIMIT_MOST for limit in given if limit != NEVER):
        yield "limits_invalid"


def contents(posting: Posting) -> Iterator[tuple[str, object]]:
    """Yield what makes two postings the same or not (rule 21), in the order of docs/statuses.md."""
    yield "kind", posting.kind
    # Nobody can say whom an erasure was about.
    yield "member", None if posting.kind == "erase_member" else posting.member
    yield "currency", None if posting.kind in MEMBERSHIP else posting.currency
    yield "points", posting.points
    yield "money", posting.money
    yield "effective_time", posting.effective_time
    says_expiry = makes_lot(posting) or posting.kind in ("confirm", "reinstate")
    yield "expiry", posting.expires_time if says_expiry else shown(posting.expires_time, NEVER)
    yield "related", related(posting)
    yield "codes", [getattr(posting, name) or None for name in CODES]
    yield "tag", posting.tag
    opens = posting.kind in CREDITS and posting.deadline_time is not None
    yield "activation", "open" if opens else posting.activates_time
    yield "deadline", posting.deadline_time
    yield "limits", (posting.floor, posting.ceiling)
    yield "other_member", posting.other_member
    yield "level", [getattr(posting, name) or None for name in LEVEL]


def difference(first: Posting, second: Posting) -> str | None:
    """The name of the first field in which two postings differ, if they do."""
    for (name, mine), (_, others) in zip(contents(first), contents(second), strict=True):
        if mine != others:
            return name
    return None

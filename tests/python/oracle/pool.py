"""Pools: accounts that several members contribute to and spend from (rule 16)."""

from __future__ import annotations

from .account import Limit
from .case import Case, Refused
from .journal import MOST


def join_pool(case: Case) -> None:
    other = other_member(case)
    if case.other_closed:
        raise Refused("other_member_closed")
    other = membership(case) or other
    before = case.account.pool.get(other)
    case.account.pool[other] = Limit(case.posting.ceiling, before.spent if before else 0)


def leave_pool(case: Case) -> None:
    """Let the member go with what is active of the lots that he brought."""
    other_member(case)
    other, account = membership(case), case.account
    if other is None:
        raise Refused("not_in_pool")
    brought = [key for key in sorted(account.lots) if case.brought(key.source, other)]
    mine = [key for key in brought if account.is_active(key, case.at)]
    points = sum(account.lots[key] for key in mine)
    assert case.other is not None
    if case.other.journaled_points() + points > MOST:
        raise Refused("balance_would_overflow")
    del account.pool[other]
    case.entry.points = -points
    case.entry.taken = account.take_up_to(points, mine)


def check_spender(case: Case, points: int) -> None:
    """Whether the other member, if one is named, may spend so many points from the pool."""
    if case.posting.other_member is None:
        return
    other_member(case)
    spender = membership(case)
    if spender is None:
        raise Refused("not_in_pool")
    limit = case.account.pool[spender]
    if points > limit.left:
        raise Refused("pool_limit_passed", limit.left)


def membership(case: Case) -> int | str | None:
    """Who the other member is to the pool: himself, or one who was merged into him (rule 18)."""
    pool, other = case.account.pool, case.entry.other
    leading = [other, *(m for m in case.members if case.merges.survivor(m) == other)]
    case.entry.other = next((member for member in leading if member in pool), other)
    return case.entry.other if case.entry.other in pool else None


def other_member(case: Case) -> int | str:
    if case.entry.other is None:
        raise Refused("other_member_not_found")
    return case.entry.other

"""Pools: accounts that several members contribute to and spend from (rule 16)."""

from __future__ import annotations

from .account import Limit
from .case import Case, Refused
from .journal import MOST


def join_pool(case: Case) -> None:
    other = other_member(case)
    if case.other_closed:
        raise Refused("other_member_closed")
    before = case.account.pool.get(other)
    case.account.pool[other] = Limit(case.posting.ceiling, before.spent if before else 0)


def leave_pool(case: Case) -> None:
    """Let the member go with what is active of the lots that he brought."""
    other, account = other_member(case), case.account
    if other not in account.pool:
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
    other = other_member(case)
    limit = case.account.pool.get(other)
    if limit is None:
        raise Refused("not_in_pool")
    if points > limit.left:
        raise Refused("pool_limit_passed", limit.left)


def other_member(case: Case) -> int | str:
    if case.entry.other is None:
        raise Refused("other_member_not_found")
    return case.entry.other

"""Transfers: two entries, the second of which gives what the first has taken (rule 16)."""

from __future__ import annotations

from .account import BY_INACTIVITY, Account, Key, Taken
from .case import Case, Refused
from .journal import MOST, Entry, Filled
from .program import Levels, Program


def transfer(case: Case) -> None:
    """Take the points from the one who gives, when all that could stop the other was asked."""
    points = case.asked
    if case.program.currency(case.currency)["transfer"] == "forbidden":
        raise Refused("transfer_forbidden")
    spendable = case.spendable(max(0, case.floor))
    if points > spendable:
        raise Refused("insufficient_points", spendable)
    if case.other is None:
        raise Refused("other_member_not_found")
    if case.other_closed:
        raise Refused("other_member_closed")
    if points > case.room(case.other):
        raise Refused("over_ceiling", case.room(case.other))
    if case.other.journaled_points() + points > MOST:
        raise Refused("balance_would_overflow")
    case.entry.points = -points
    case.entry.taken = case.account.spend(points, case.at)


def receive(
    account: Account,
    entry: Entry,
    taken: list[Taken],
    giver: Account,
    program: Program,
    levels: Levels,
) -> None:
    """Give the other member the lots, but for what repays his arrears, soonest expiry first.

    Or, of a transfer, one lot that expires as new ones of his do, by the programme. Points that
    expire by inactivity live at least as long as with the giver (rule 7).
    """
    entry.repaid = owed = account.repay(entry.points)
    assert entry.currency is not None
    assert entry.effective is not None
    currency = program.currency(entry.currency)
    if entry.kind == "transfer" and currency["transfer"] == "restart_expiry":
        assert entry.posting is not None
        expiry = program.expiry(entry.posting, levels)
        entry.filled = program.let_expire(Filled(entry.points), expiry, entry.effective)
        account.put_off(entry.filled.active_until)
        own = Key(entry.filled.key_expires, entry.effective, entry.sequence)
        account.put(own, entry.points - owed)
        return
    if any(key and key.expires == BY_INACTIVITY for key, _ in taken):
        assert giver.inactive_from is not None
        entry.filled = Filled(entry.points, giver.inactive_from)
        account.put_off(giver.inactive_from)
    for key, points in taken:
        assert key is not None  # a transfer takes none into debt
        part = min(owed, points)
        owed -= part
        account.put(key, points - part)

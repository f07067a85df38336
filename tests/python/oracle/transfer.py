"""Transfers: two entries, the second of which gives what the first has taken (rule 16)."""

from __future__ import annotations

from .account import Account, Key, Taken
from .case import Case, Refused
from .journal import MOST, Entry, Filled
from .program import Program


def transfer(case: Case) -> None:
    """Take the points from the one who gives, when all that could stop the other was asked."""
    points = case.asked
    if case.program.currency(case.currency)["transfer"] == "forbidden":
        raise Refused("transfer_forbidden")
    spendable = case.spendable(max(0, case.floor))
    if points > spendable:
        raise Refused("insufficient_points", spendable)
    if case.receiver is None:
        raise Refused("other_member_not_found")
    if case.receiver_closed:
        raise Refused("other_member_closed")
    if points > case.room(case.receiver):
        raise Refused("over_ceiling", case.room(case.receiver))
    if case.receiver.journaled_points() + points > MOST:
        raise Refused("balance_would_overflow")
    case.entry.points = -points
    case.entry.taken = case.account.spend(points, case.at)


def receive(account: Account, entry: Entry, taken: list[Taken], program: Program) -> None:
    """Give the other member the lots, but for what repays his arrears, soonest expiry first.

    Or one lot that expires as new ones do, by the programme.
    """
    entry.repaid = owed = account.repay(entry.points)
    assert entry.currency is not None
    assert entry.effective is not None
    currency = program.currency(entry.currency)
    if currency["transfer"] == "restart_expiry":
        expires = program.expiry_from(currency["expiry"], entry.effective)
        entry.filled = Filled(entry.points, expires)
        account.put(Key(expires, entry.effective, entry.sequence), entry.points - owed)
        return
    for key, points in taken:
        assert key is not None  # a transfer takes none into debt
        part = min(owed, points)
        owed -= part
        account.put(key, points - part)

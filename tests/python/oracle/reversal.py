"""Reversals: the account becomes as though the original had been smaller (rules 11 to 14)."""

from __future__ import annotations

from .account import NEVER, Key, part_of
from .case import SIDES, Case, Refused
from .journal import Entry


def reverse(case: Case) -> None:
    original = case.about("related_not_reversible", "earn", "redeem", "adjust", "capture")
    undone = case.undone
    left = original.size - (undone or 0)
    if left == 0 and undone is not None:
        raise Refused("related_already_reversed")
    if case.asked > left:
        raise Refused("reversal_exceeds_original", left)
    points = case.asked or left
    if original.points >= 0:
        lifetime = reverse_credit(case, original, points)
    else:
        lifetime = reverse_debit(case, original, points)
    case.account.undo(original.sequence, points)
    if original.kind == "earn":
        case.account.lifetime_earned -= lifetime
    elif original.kind != "adjust":
        case.account.lifetime_redeemed -= lifetime


def reverse_credit(case: Case, original: Entry, points: int) -> int:
    """Take a credit back: its own lots, what of it has expired, other lots, debt (rule 13).

    Or no debt, by the programme. Return how many points were there to take back.
    """
    account = case.account
    own = min(points, account.points_of(original.sequence))
    expired = sum(case.expired(original).values())
    revived = min(points - own, expired)
    if case.then.currency(case.currency)["reversal"] == "stop_at_zero":
        mine = account.keys_of(original.sequence)
        active = (key for key in account.lots if account.is_active(key, case.at))
        there = own + revived + sum(account.lots[key] for key in active if key not in mine)
        if there < points:
            case.entry.status, case.entry.asked = "posted_in_part", points
            points = there
    case.enter(SIDES[original.kind], lost=points, revived=revived)
    account.take_up_to(own, account.keys_of(original.sequence))
    account.spend(points - own - revived, case.at)
    return points


def reverse_debit(case: Case, original: Entry, points: int) -> int:
    """Give points back where they came from, what was taken last first (rule 12)."""
    case.enter(SIDES[original.kind], gained=points)
    back = part_of(list(reversed(original.taken)), case.undone or 0, points)
    owed_key = Key(NEVER, case.at, case.entry.sequence)
    days = case.then.currency(case.currency)["return_of_expired_days"]
    if days:
        until = case.then.calendar.add_days(case.at, days)
        back = [
            taken._replace(key=taken.key._replace(expires=until))
            if taken.key and case.account.expiry_of(taken.key) <= case.at
            else taken
            for taken in back
        ]
    case.entry.repaid = case.account.give_back(back, owed_key)
    case.entry.other = original.other
    case.account.spend_from_pool(original.other, -points)
    return points

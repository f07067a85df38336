"""Reversals: the account becomes as though the original had been smaller (rules 11 to 14)."""

from __future__ import annotations

from .account import NEVER, Key, Undone, part_of
from .case import SIDES, Case, Refused
from .journal import Entry
from .posting import leaves_points


def reverse(case: Case) -> None:
    original = case.about("related_not_reversible", "earn", "redeem", "adjust", "capture")
    undone = case.undone or Undone(0, 0)
    left = original.size - undone.points
    if left == 0 and case.undone is not None:
        raise Refused("related_already_reversed")
    if case.asked > left:
        raise Refused("reversal_exceeds_original", left)
    points = case.asked or left
    if leaves_points(case.posting):
        paid = max(0, money_of(original) - undone.money)
        if case.posting.money > paid:
            raise Refused("refund_exceeds_original", paid)
        points = max(0, left - points_for(case, original, paid - case.posting.money))
    lifetime = 0
    if points == 0:
        case.entry.points = 0
    elif original.points >= 0:
        lifetime = reverse_credit(case, original, points)
    else:
        lifetime = reverse_debit(case, original, points)
    case.account.undo(original.sequence, points, case.posting.money)
    if original.kind == "earn":
        case.account.lifetime_earned -= lifetime
    elif original.kind != "adjust":
        case.account.lifetime_redeemed -= lifetime


def money_of(original: Entry) -> int:
    assert original.posting is not None
    return original.posting.money


def points_for(case: Case, original: Entry, money: int) -> int:
    """What the original would have moved, had that much been paid (rule 11)."""
    posting = original.posting
    assert posting is not None
    if posting.kind == "earn" and posting.points is None:
        return case.then.points_of(money, posting.rule)
    return original.size * money // posting.money if posting.money else 0


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
    undone = case.undone.points if case.undone else 0
    back = part_of(list(reversed(original.taken)), undone, points)
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

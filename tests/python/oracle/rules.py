"""What each kind of posting does to an account (the table of kinds, and rules 7, 8, 10, 15).

A decision first raises `Refused` for whatever there is to refuse, and only then changes the
account: so a refusal changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from .account import NEVER, Account, Hold, Key, Taken, Terms, part_of
from .case import SIDES, Case, Refused
from .journal import Entry
from .pool import check_spender, join_pool, leave_pool
from .posting import time
from .reversal import reverse
from .transfer import transfer

# Credits and debits.


def earn(case: Case) -> None:
    credit(case, case.asked)
    case.account.lifetime_earned += case.entry.size


def redeem(case: Case) -> None:
    debit(case, case.asked)
    case.account.lifetime_redeemed += case.asked


def adjust(case: Case) -> None:
    if case.asked > 0:
        credit(case, case.asked)
    else:
        debit(case, -case.asked)


def credit(case: Case, points: int) -> None:
    """Make a lot of that many points (rules 4, 8, 14 and 15)."""
    account, posting, entry, filled = case.account, case.posting, case.entry, case.filled
    room = case.room(account)
    if points > room:
        if case.program.policy(posting)["over_ceiling"] == "reject":
            raise Refused("over_ceiling", room)
        entry.status, entry.asked, entry.limit = "posted_in_part", points, room
        points = room
    case.enter(SIDES[posting.kind], gained=points)
    entry.size = points
    if filled.activates is None and filled.deadline is None:
        entry.repaid = account.repay(points)
    else:
        account.terms[entry.sequence] = Terms(filled.activates, filled.deadline)
    account.put(Key(filled.key_expires, case.at, entry.sequence), points - entry.repaid)


def debit(case: Case, points: int) -> None:
    """Take points in spending order, and owe what the floor allows (rules 5 and 15)."""
    spendable = case.spendable(case.floor)
    if points > spendable:
        raise Refused("insufficient_points", spendable)
    check_spender(case, points)
    case.enter(SIDES[case.posting.kind], lost=points)
    case.entry.size = points
    case.entry.taken = case.account.spend(points, case.at)
    case.account.spend_from_pool(case.entry.other, points)


# Holds (rule 10).


def hold(case: Case) -> None:
    points, deadline = case.asked, time(case.posting.deadline_time)
    assert deadline is not None
    spendable = case.spendable(max(0, case.floor))
    if points > spendable:
        raise Refused("insufficient_points", spendable)
    check_spender(case, points)
    taken = case.account.spend(points, case.at)
    case.account.holds.append(Hold(case.entry.sequence, deadline, taken, case.entry.other))
    case.account.spend_from_pool(case.entry.other, points)
    case.entry.held_change = points


def open_hold(case: Case) -> Hold:
    original = case.about("related_not_a_hold", "hold")
    deadline = time(original.posting.deadline_time) if original.posting else None
    assert deadline is not None
    if case.at >= deadline:
        raise Refused("hold_expired")
    for hold in case.account.holds:
        if hold.sequence == original.sequence:
            return hold
    raise Refused("hold_already_closed")


def capture(case: Case) -> None:
    hold = open_hold(case)
    if case.asked > hold.points:
        raise Refused("capture_exceeds_hold", hold.points)
    points = case.asked or hold.points
    case.enter("redeemed", lost=points)
    case.entry.size = points
    case.entry.taken = part_of(hold.taken, 0, points)
    end_hold(case.account, case.entry, hold, part_of(hold.taken, points, hold.points))
    case.account.spend_from_pool(hold.spender, points)
    case.account.lifetime_redeemed += points


def release(case: Case) -> None:
    hold = open_hold(case)
    end_hold(case.account, case.entry, hold, hold.taken)


def end_hold(account: Account, entry: Entry, hold: Hold, back: list[Taken]) -> None:
    account.holds.remove(hold)
    account.spend_from_pool(hold.spender, -hold.points)
    entry.other = hold.spender
    for key, points in back:
        assert key is not None  # a hold takes none into debt
        account.put(key, points)
    entry.held_change = -hold.points


# What waits (rule 8), and what expires later (rule 7).


def confirm(case: Case) -> None:
    original = case.credit("related_not_pending")
    terms = case.account.terms.get(original.sequence)
    if terms is None or terms.deadline is None:
        raise Refused("related_not_pending")
    if case.at >= terms.deadline:
        raise Refused("confirmation_too_late")
    expires = case.posting.expires_time
    assert original.posting is not None
    if expires is None and original.posting.expires_time is None:  # it counts from here
        case.entry.filled = case.let_expire(original.posting)
        expires = case.filled.key_expires
        case.account.put_off(case.filled.active_until)
    case.entry.repaid = case.account.activate(original.sequence, case.at, time(expires))


def cancel(case: Case) -> None:
    original = case.credit("related_not_pending")
    terms = case.account.terms.get(original.sequence)
    if terms is None or terms.state(case.at) == "active":
        raise Refused("related_not_pending")
    points = case.account.points_of(original.sequence)
    case.enter(SIDES[original.kind], lost=points)
    cancel_rest(case.account, original)
    case.account.undo(original.sequence, points)


def cancel_rest(account: Account, original: Entry) -> int:
    """Take back what is left of a pending credit; return how much that was."""
    points = sum(taken.points for taken in account.take_all(original.sequence))
    if original.kind == "earn":
        account.lifetime_earned -= points
    return points


def extend(case: Case) -> None:
    original = case.credit("related_not_a_credit")
    expires = time(case.posting.expires_time) or NEVER
    account = case.account
    keys = [key for key in account.keys_of(original.sequence) if case.at < account.expiry_of(key)]
    if not keys:
        raise Refused("nothing_left")
    if any(account.expiry_of(key) >= expires for key in keys):
        raise Refused("expiry_not_later")
    for key in keys:
        taken = account.take(key, account.lots[key])
        account.put(key._replace(expires=expires), taken.points)


def reinstate(case: Case) -> None:
    """Bring back what has expired of a credit and is journaled, as another lot of it (rule 7)."""
    account, original = case.account, case.credit("related_not_a_credit")
    expired = +case.expired(original)
    if not expired:
        raise Refused("nothing_expired")
    days = case.program.currency(case.currency)["reinstate_within_days"]
    possible = sum(
        points
        for instant, points in expired.items()
        if days and case.at <= case.program.calendar.add_days(instant, days)
    )
    if not possible:
        raise Refused("reinstatement_too_late")
    points = case.asked or possible
    if points > possible:
        raise Refused("reinstatement_exceeds_expired", possible)
    if points > case.room(account):
        raise Refused("over_ceiling", case.room(account))
    assert original.posting is not None
    assert original.effective is not None
    if case.posting.expires_time is None:
        case.entry.filled = case.let_expire(original.posting)
    case.enter("expired", gained=points)
    case.entry.repaid = account.repay(points)
    key = Key(case.filled.key_expires, original.effective, original.sequence)
    account.put(key, points - case.entry.repaid)


def set_limits(case: Case) -> None:
    case.account.floor, case.account.ceiling = case.posting.floor, case.posting.ceiling


DECISIONS: dict[str, Callable[[Case], None]] = {
    decision.__name__: decision
    for decision in (
        *(earn, redeem, adjust, reverse, hold, capture),
        *(release, confirm, cancel, extend, reinstate, set_limits, transfer),
        *(join_pool, leave_pool),
    )
}

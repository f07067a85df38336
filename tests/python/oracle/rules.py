"""What each kind of posting does to an account (the table of kinds, and rules 7 to 15).

A decision first raises `Refused` for whatever there is to refuse, and only then changes the
account: so a refusal changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from loyalty import Posting

from .account import NEVER, Account, Hold, Key, Taken, Terms
from .journal import MOST, Books, Entry
from .posting import amount, time

SIDES = {"earn": "issued", "adjust": "adjusted", "redeem": "redeemed", "capture": "redeemed"}


class Refused(Exception):  # noqa: N818 - no error, an answer
    """A posting is refused for the state that it found (rule 19)."""

    def __init__(self, status: str, limit: int = 0) -> None:
        super().__init__(status)
        self.status = status
        self.limit = limit


@dataclass
class Case:
    """A posting that is being decided. What the decision changes: entry, account, books."""

    posting: Posting
    at: int  # its effective time
    entry: Entry
    account: Account
    books: Books
    original: Entry | None  # the entry of the posting that it is about

    @property
    def asked(self) -> int:
        return amount(self.posting)

    def about(self, status: str, *kinds: str, lots: bool = False) -> Entry:
        """The original: it must be there, posted, of these kinds, and this member's.

        With `lots` it must have made one, too.
        """
        original = self.original
        if original is None:
            raise Refused("related_not_found")
        if (
            original.status != "posted"
            or original.kind not in kinds
            or original.currency != self.entry.currency
            or (lots and original.points <= 0)
        ):
            raise Refused(status)
        if original.member != self.entry.member:
            raise Refused("related_of_other_member")
        return original

    def credit(self, status: str) -> Entry:
        return self.about(status, "earn", "adjust", lots=True)

    def spendable(self, floor: int) -> int:
        """How many points a debit may take (rule 15)."""
        parts = self.account.parts(self.at)
        return max(0, parts.active - parts.arrears - floor)

    def enter(self, side: str, *, gained: int = 0, lost: int = 0, revived: int = 0) -> None:
        """Enter what the member gains or loses in the books, if all sums have room (rule 1).

        Of what is lost, a part may have expired before, and is revived.
        """
        account, kind = self.account, self.posting.kind
        self.entry.points = gained + revived - lost
        books = self.books.revive(side, revived).move(side, self.entry.points)
        sums = (
            account.journaled_points() + gained,
            account.lifetime_earned + (gained if kind == "earn" else 0),
            account.lifetime_redeemed + (lost if kind in ("redeem", "capture") else 0),
        )
        if not books.fit or max(sums) > MOST:
            raise Refused("balance_would_overflow")
        self.books = books
        self.entry.revived = revived


# Credits and debits.


def earn(case: Case) -> None:
    credit(case, case.asked)
    case.account.lifetime_earned += case.asked


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
    account, posting, entry = case.account, case.posting, case.entry
    room = account.ceiling - account.parts(case.at).sum
    if points and account.ceiling != NEVER and points > room:
        raise Refused("over_ceiling", max(0, room))
    case.enter(SIDES[posting.kind], gained=points)
    entry.size = points
    key = Key(time(posting.expires_time) or NEVER, case.at, entry.sequence)
    activates, deadline = time(posting.activates_time), time(posting.deadline_time)
    if activates in (None, case.at) and deadline is None:
        entry.repaid = account.repay(points)
    else:
        account.terms[entry.sequence] = Terms(activates, deadline)
    account.put(key, points - entry.repaid)


def debit(case: Case, points: int) -> None:
    """Take points in spending order, and owe what the floor allows (rules 5 and 15)."""
    spendable = case.spendable(case.account.floor)
    if points > spendable:
        raise Refused("insufficient_points", spendable)
    case.enter(SIDES[case.posting.kind], lost=points)
    case.entry.size = points
    case.entry.taken = case.account.spend(points, case.at)


# Reversals (rules 11 to 14).


def reverse(case: Case) -> None:
    original = case.about("related_not_reversible", "earn", "redeem", "adjust", "capture")
    left = original.size - original.undone
    if left == 0 and (original.undone or original.reversed):
        raise Refused("related_already_reversed")
    if case.asked > left:
        raise Refused("reversal_exceeds_original", left)
    points = case.asked or left
    if original.points >= 0:
        reverse_credit(case, original, points)
    else:
        reverse_debit(case, original, points)
    original.undone += points
    original.reversed = True
    if original.kind == "earn":
        case.account.lifetime_earned -= points
    elif original.kind != "adjust":
        case.account.lifetime_redeemed -= points


def reverse_credit(case: Case, original: Entry, points: int) -> None:
    """Take a credit back: its own lots, what of it has expired, other lots, debt (rule 13)."""
    account = case.account
    own = min(points, account.points_of(original.sequence))
    revived = min(points - own, account.expired.get(original.sequence, 0))
    case.enter(SIDES[original.kind], lost=points, revived=revived)
    if revived:
        account.expired[original.sequence] -= revived
    account.take_up_to(own, account.keys_of(original.sequence))
    account.spend(points - own - revived, case.at)


def reverse_debit(case: Case, original: Entry, points: int) -> None:
    """Give points back where they came from, what was taken last first (rule 12)."""
    case.enter(SIDES[original.kind], gained=points)
    back = part_of(list(reversed(original.taken)), original.undone, points)
    owed_key = Key(NEVER, case.at, case.entry.sequence)
    case.entry.repaid = case.account.give_back(back, owed_key)


def part_of(taken: list[Taken], start: int, points: int) -> list[Taken]:
    """That many of the points taken, from the given one of them on."""
    part = []
    for key, size in taken:
        here = max(0, min(size - start, points))
        start = max(0, start - size)
        points -= here
        if here:
            part.append(Taken(key, here))
    return part


# Holds (rule 10).


def hold(case: Case) -> None:
    points, deadline = case.asked, time(case.posting.deadline_time)
    assert deadline is not None
    spendable = case.spendable(max(0, case.account.floor))
    if points > spendable:
        raise Refused("insufficient_points", spendable)
    taken = case.account.spend(points, case.at)
    case.account.holds.append(Hold(case.entry.sequence, deadline, taken))
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
    case.account.lifetime_redeemed += points


def release(case: Case) -> None:
    hold = open_hold(case)
    end_hold(case.account, case.entry, hold, hold.taken)


def end_hold(account: Account, entry: Entry, hold: Hold, back: list[Taken]) -> None:
    account.holds.remove(hold)
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
    case.entry.repaid = case.account.activate(original.sequence, time(case.posting.expires_time))


def cancel(case: Case) -> None:
    original = case.credit("related_not_pending")
    terms = case.account.terms.get(original.sequence)
    if terms is None or terms.state(case.at) == "active":
        raise Refused("related_not_pending")
    points = case.account.points_of(original.sequence)
    case.enter(SIDES[original.kind], lost=points)
    cancel_rest(case.account, original)
    original.undone += points


def cancel_rest(account: Account, original: Entry) -> int:
    """Take back what is left of a pending credit; return how much that was."""
    points = sum(taken.points for taken in account.take_all(original.sequence))
    if original.kind == "earn":
        account.lifetime_earned -= points
    return points


def extend(case: Case) -> None:
    original = case.credit("related_not_a_credit")
    expires = time(case.posting.expires_time) or NEVER
    keys = [key for key in case.account.keys_of(original.sequence) if case.at < key.expires]
    if not keys:
        raise Refused("nothing_left")
    if any(key.expires >= expires for key in keys):
        raise Refused("expiry_not_later")
    for key in keys:
        taken = case.account.take(key, case.account.lots[key])
        case.account.put(key._replace(expires=expires), taken.points)


def set_limits(case: Case) -> None:
    floor, ceiling = case.posting.floor, case.posting.ceiling
    case.account.floor = 0 if floor is None else floor
    case.account.ceiling = NEVER if ceiling is None else ceiling


DECISIONS: dict[str, Callable[[Case], None]] = {
    decision.__name__: decision
    for decision in (
        *(earn, redeem, adjust, reverse, hold, capture),
        *(release, confirm, cancel, extend, set_limits),
    )
}

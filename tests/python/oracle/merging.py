"""Two members made one, and one made two again (rules 18 to 20)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from loyalty import Posting

from .account import NEVER, Account, Hold, Key, Scope, Taken, Terms
from .journal import MOST, Entry, Filled
from .posting import micros

if TYPE_CHECKING:
    from .model import Model

Member = int | str


class Merge(NamedTuple):
    """From a sequence on, a member leads to another one; undone: to himself."""

    sequence: int
    member: Member
    into: Member


class Merges:
    """Who leads to whom."""

    def __init__(self) -> None:
        self._of: dict[Member, list[Merge]] = defaultdict(list)
        self.had: dict[int, dict[str, Account]] = {}  # what the other one had, by merge

    def add(self, merge: Merge) -> None:
        self._of[merge.member].append(merge)

    def survivor(self, member: Member, through: int | None = None) -> Member:
        """Whom a member leads to, now or as of a sequence."""
        while member in self._of:
            merges = self._of[member]
            if through is not None:
                merges = [merge for merge in merges if merge.sequence <= through]
            if not merges or merges[-1].into == member:
                return member
            member = merges[-1].into
        return member

    def ever_with(self, member: Member) -> set[Member]:
        """The member and all whom he has ever led to."""
        found, new = set[Member](), [member]
        while new:
            found.add(one := new.pop())
            new += [m.into for m in self._of.get(one, ()) if m.into not in found]
        return found

    def rename(self, renamed: Callable[[Member], Member]) -> None:
        of = {renamed(member): merges for member, merges in self._of.items()}
        self._of = defaultdict(list)
        for member, merges in of.items():
            self._of[member] = [m._replace(member=member, into=renamed(m.into)) for m in merges]

    def in_force(self, member: Member, sequence: int) -> bool:
        return self._of[member][-1].sequence == sequence


# Whether it may be.


def refusal(model: Model, posting: Posting) -> str | None:
    """Why two members are not merged."""
    member = model.survivor(posting.member)
    if member not in model.members:
        return "member_not_found"
    if member in model.closed:
        return "member_closed"
    if posting.other_member not in model.members:
        return "other_member_not_found"
    other = model.survivor(posting.other_member)
    if other == member:
        return "same_member"
    if other in model.closed:
        return "other_member_closed"
    if any(model.accounts[other, currency].pool for currency in model.currencies):
        return "other_member_is_pool"
    return None


def refusal_to_undo(model: Model, posting: Posting) -> str | None:
    """Why a merge is not undone."""
    member, original = model.survivor(posting.member), model.by_id.get(posting.related)
    if member not in model.members:
        return "member_not_found"
    if original is None:
        return "related_not_found"
    if original.kind != "merge_members" or not original.is_posted:
        return "related_not_a_merge"
    assert original.member is not None
    assert original.other is not None
    survivor = model.survivor(original.member)
    if member not in (original.member, survivor):
        return "related_of_other_member"
    if not model.merges.in_force(original.other, original.sequence):
        return "related_already_reversed"
    return None if survivor == original.member else "merged_since"


# What moves.


@dataclass
class Parcel:
    """What goes from one account to another in one pair of entries."""

    related: int
    held: Hold | None = None
    terms: Terms | None = None
    taken: list[Taken] = field(default_factory=list)
    given: Counter[Key] = field(default_factory=Counter)
    debt: int = 0
    earned: int = 0
    redeemed: int = 0


class Mover:
    """Moves points between two members' accounts of a currency, and makes the entries of it."""

    def __init__(self, accounts: dict[Member, Account], at: int, currency: str, next_: int) -> None:
        self.accounts = accounts
        self.at = at
        self.currency = currency
        self.next = next_  # sequence
        self.entries: list[Entry] = []

    def move(self, giver: Member, receiver: Member, parcel: Parcel) -> None:
        """Move one parcel: the giver's entry, then the receiver's."""
        from_, to = self.accounts[giver], self.accounts[receiver]
        points = sum(parcel.given.values()) - parcel.debt
        held = parcel.held.points if parcel.held else 0

        out = self._entry(giver, receiver, parcel, -points - held, -held)
        for key, part in parcel.taken:
            if key is None:
                from_.arrears += part
            else:
                from_.take(key, part)
        taken = sum(part for _, part in parcel.taken)
        from_.put(Key(NEVER, self.at, out.sequence), taken - points)
        if parcel.held:
            from_.holds.remove(parcel.held)
        from_.lifetime_earned -= parcel.earned
        from_.lifetime_redeemed -= parcel.redeemed
        self._end(out, from_)

        into = self._entry(receiver, giver, parcel, points + held, held)
        until = from_.inactive_from
        terms = parcel.terms or Terms(None, parcel.held.deadline if parcel.held else None)
        into.filled = Filled(points, until or NEVER, terms.activates, terms.deadline)
        for key, part in parcel.given.items():
            to.put(key, part)
        if parcel.terms:
            to.terms[parcel.related] = parcel.terms
        if parcel.held:
            to.holds.append(Hold(parcel.held.sequence, parcel.held.deadline, parcel.held.taken))
        to.arrears += parcel.debt
        to.lifetime_earned += parcel.earned
        to.lifetime_redeemed += parcel.redeemed
        to.put_off(until)
        self._end(into, to)

    def _entry(
        self, member: Member, other: Member, parcel: Parcel, points: int, held: int
    ) -> Entry:
        entry = Entry(self.next, "move_points", self.at, member, self.currency, points=points)
        entry.other, entry.related, entry.held_change = other, parcel.related, held
        self.next += 1
        self.entries.append(entry)
        return entry

    def _end(self, entry: Entry, account: Account) -> None:
        account.forget_terms()
        account.last_sequence = entry.sequence
        entry.parts = account.parts(self.at)


def all_of(account: Account, sequence: int) -> Iterator[Parcel]:
    """Yield all that an account has, for the merging at `sequence`."""
    if not account.last_sequence:
        return
    for hold in sorted(account.holds, key=lambda hold: hold.sequence):
        yield Parcel(hold.sequence, held=hold)
    waiting = {source: Parcel(source, terms=account.terms[source]) for source in account.terms}
    rest = Parcel(sequence, debt=account.arrears)
    rest.earned, rest.redeemed = account.lifetime_earned, account.lifetime_redeemed
    for key, points in account.lots.items():
        parcel = waiting.get(key.source, rest)
        parcel.taken.append(Taken(key, points))
        parcel.given[key] += points
    if account.arrears:
        rest.taken.append(Taken(None, -account.arrears))
    yield from (waiting[source] for source in sorted(waiting))
    yield rest


def what_he_had(
    had: Account, now: Account, lost: Counter[int], at: int, sequence: int
) -> Iterator[Parcel]:
    """Yield what one gets back who had that, from what the survivor has now."""
    rest = Parcel(sequence, debt=had.arrears)
    rest.earned, rest.redeemed = had.lifetime_earned, had.lifetime_redeemed
    lots: dict[int, Counter[Key]] = defaultdict(Counter)  # by what the parcels are about
    open_ = {hold.sequence: hold for hold in now.holds}
    for hold in sorted(had.holds, key=lambda hold: hold.sequence):
        if hold.sequence in open_:
            yield Parcel(hold.sequence, held=open_[hold.sequence])
            continue
        for key, points in hold.taken:
            assert key is not None  # a hold takes none into debt
            lots[sequence][key] += points
    waiting = {
        source: Parcel(source, terms=now.terms[source])
        for source in sorted(had.terms)
        if source in now.terms
    }
    for key, points in had.lots.items():
        lots[key.source if key.source in waiting else sequence][key] += points

    plan = now.copy()  # what is not taken yet
    parcels = [*waiting.values(), rest]
    owed = [_reserve(plan, parcel, lots[parcel.related], lost, at) for parcel in parcels]
    for parcel, missing in zip(parcels, owed, strict=True):
        unpaid = min(parcel.debt, now.arrears)
        if unpaid:
            parcel.taken.append(Taken(None, -unpaid))
        missing -= min(missing, parcel.debt - unpaid)
        parcel.taken += plan.spend(missing, at)
        if parcel.given or parcel.debt or parcel.earned or parcel.redeemed:
            yield parcel


def _reserve(plan: Account, parcel: Parcel, had: Counter[Key], lost: Counter[int], at: int) -> int:
    """Take what is left of the lots; return how much else there is to give, and is not there."""
    owed = 0
    for source in sorted({key.source for key in had}):
        of_source = sorted(key for key in had if key.source == source)
        points = sum(had[key] for key in of_source)
        taken = plan.take_up_to(points, plan.keys_of(source))
        parcel.taken += taken
        for key, part in taken:
            assert key is not None
            parcel.given[key] += part
            points -= part
        points -= min(points, max(0, lost[source]))
        for key in reversed(of_source):  # what expires first is what time took
            part = min(points, had[key])
            points -= part
            if part and plan.expiry_of(key) > at:
                parcel.given[key] += part
                owed += part
    return owed


def lost_since(model: Model, sequence: int, member: Member) -> Counter[int]:
    """What time has taken of a member's points since an entry, by source."""
    lost: Counter[int] = Counter()
    for entry in model.journal[sequence:]:
        if entry.member != member or not entry.is_posted:
            continue
        if entry.kind == "expire":
            lost.update(entry.expired)
        elif entry.kind == "cancel" and entry.posting is None:
            assert entry.related is not None
            lost[entry.related] += entry.size
        elif entry.kind == "reinstate":
            assert entry.related is not None
            lost[entry.related] -= entry.points
    return lost


# Doing it.


def merge_members(model: Model, posting: Posting) -> Entry:
    """Merge two members, or refuse to."""
    status = refusal(model, posting)
    other = model.survivor(posting.other_member) if posting.other_member is not None else None
    return _carry_out(model, posting, status, model.survivor(posting.member), other)


def unmerge_members(model: Model, posting: Posting) -> Entry:
    """Undo a merge, or refuse to."""
    status = refusal_to_undo(model, posting)
    original = model.by_id.get(posting.related)
    other = original.other if original and not status else None
    return _carry_out(model, posting, status, model.survivor(posting.member), other)


def _carry_out(
    model: Model, posting: Posting, status: str | None, member: Member, other: Member | None
) -> Entry:
    at, merges = micros(posting.effective_time), posting.kind == "merge_members"
    if not status:
        assert other is not None
        for currency in model.currencies:
            for one in (member, other):
                model.let_fall_due(one, currency, at, Scope.ALL)
    entry = model.entry(posting)
    original = model.by_id.get(posting.related)
    if original and entry.member is not None:
        entry.related = original.sequence
    if status:
        entry.refuse(status)
        return entry
    assert other is not None
    entry.other = other
    accounts = {
        currency: {one: model.accounts[one, currency].copy() for one in (member, other)}
        for currency in model.currencies
    }
    moves, next_ = list[Entry](), entry.sequence + 1
    for currency, both in accounts.items():
        mover = Mover(both, at, currency, next_)
        if merges:
            for parcel in list(all_of(both[other], entry.sequence)):
                mover.move(other, member, parcel)
        else:
            assert entry.related is not None
            had = model.merges.had[entry.related].get(currency, Account())
            lost = lost_since(model, entry.related, member)
            for parcel in list(what_he_had(had, both[member], lost, at, entry.sequence)):
                mover.move(member, other, parcel)
        moves, next_ = moves + mover.entries, mover.next
    if not all(_fits(account) for both in accounts.values() for account in both.values()):
        entry.other = other if merges else None
        entry.refuse("balance_would_overflow")
        return entry
    if merges:
        model.merges.had[entry.sequence] = {
            currency: model.accounts[other, currency] for currency in model.currencies
        }
    model.merges.add(Merge(entry.sequence, other, member if merges else other))
    for currency, both in accounts.items():
        for one, account in both.items():
            model.accounts[one, currency] = account
    for move in moves:
        model.add(move)
    return entry


def _fits(account: Account) -> bool:
    sums = (
        *(account.journaled_points(), account.arrears),
        *(account.lifetime_earned, account.lifetime_redeemed),
    )
    return all(abs(sum_) <= MOST for sum_ in sums)

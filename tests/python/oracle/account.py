"""One member's points of one currency: lots, holds, arrears (rules 4 to 10 and 12 to 15)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import NamedTuple, Self

NEVER = 2**63 - 1  # an expiry, a deadline or a ceiling that there is not
BY_INACTIVITY = NEVER - 1  # when lots expire that live as long as their account is active (rule 7)


class Key(NamedTuple):
    """What tells lots apart. Keys sort in spending order (rule 5)."""

    expires: int  # or BY_INACTIVITY: `Account.expiry_of` knows when that is
    effective: int
    source: int  # the sequence of the credit that made the lot


class Taken(NamedTuple):
    """Points that a debit or a hold took out of one lot; out of none of them: they are owed."""

    key: Key | None
    points: int


class Terms(NamedTuple):
    """Why a credit's points are pending: until an instant, or until confirmed (rule 8)."""

    activates: int | None
    deadline: int | None

    def state(self, at: int) -> str:
        if self.deadline is not None:
            return "pending" if at < self.deadline else "lost"
        assert self.activates is not None
        return "pending" if at < self.activates else "active"


class Parts(NamedTuple):
    """The four parts of a balance (rule 24)."""

    active: int = 0
    pending: int = 0
    held: int = 0
    arrears: int = 0

    @property
    def sum(self) -> int:
        return self.active + self.pending + self.held - self.arrears


class Due(NamedTuple):
    """Something that falls due by itself; sorts in the order in which it is journaled (rule 9)."""

    instant: int
    rank: int  # 0: activate; 1: end a hold, or cancel what was not confirmed; 2: expire
    about: int  # the sequence of the credit or the hold; 0 for an expiry
    kind: str


class Scope(IntEnum):
    """What of all that is due must be journaled (rules 7 and 10)."""

    ENDED_HOLDS = 0  # before any posting
    BEFORE_ACTIVITY = 1  # and what has expired by inactivity
    ALL = 2


class Undone(NamedTuple):
    """What was reversed or cancelled of a posting, and the money that was paid back (rule 11)."""

    points: int
    money: int


class Limit(NamedTuple):
    """How much a member of a pool may spend from it, and has spent or holds (rule 16)."""

    most: int | None  # None: no limit
    spent: int

    @property
    def left(self) -> int:
        return NEVER if self.most in (None, NEVER) else max(0, self.most - self.spent)


@dataclass
class Hold:
    sequence: int
    deadline: int
    taken: list[Taken]
    spender: int | str | None = None  # from a pool

    @property
    def points(self) -> int:
        return sum(taken.points for taken in self.taken)


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


@dataclass
class Account:
    """Plain lists and sums. Every question is answered by going through all of them."""

    lots: dict[Key, int] = field(default_factory=dict)  # what is left of each
    terms: dict[int, Terms] = field(default_factory=dict)  # of credits that have lots, by sequence
    holds: list[Hold] = field(default_factory=list)
    arrears: int = 0
    floor: int | None = None  # of its own; None: the programme's (rule 15)
    ceiling: int | None = None
    lifetime_earned: int = 0
    lifetime_redeemed: int = 0
    last_sequence: int = 0
    undone: dict[int, Undone] = field(default_factory=dict)  # by posting
    pool: dict[int | str, Limit] = field(default_factory=dict)  # by member
    inactive_from: int | None = None  # when BY_INACTIVITY is; None: there was no activity (rule 7)

    def copy(self) -> Self:
        names = ("lots", "terms", "holds", "undone", "pool")
        return replace(self, **{name: getattr(self, name).copy() for name in names})

    def spend_from_pool(self, member: int | str | None, points: int) -> None:
        """Count what a member, if one is named, has spent; below 0: what came back."""
        if member is not None and member in self.pool:
            limit = self.pool[member]
            self.pool[member] = limit._replace(spent=limit.spent + points)

    # What there is at an instant.

    def expiry_of(self, key: Key) -> int:
        if key.expires != BY_INACTIVITY:
            return key.expires
        assert self.inactive_from is not None
        return self.inactive_from

    def state(self, key: Key, at: int) -> str:
        """Whether a lot is active, pending, expired or lost at an instant (rules 6 and 8)."""
        if at >= self.expiry_of(key):
            return "expired"
        return self.terms[key.source].state(at) if key.source in self.terms else "active"

    def lots_at(self, at: int) -> Iterator[tuple[Key, int]]:
        """All lots, and those that ended holds give back (rule 10), in spending order."""
        back = [taken for hold in self.holds if hold.deadline <= at for taken in hold.taken]
        keyed = [(taken.key, taken.points) for taken in back if taken.key is not None]
        yield from sorted([*self.lots.items(), *keyed])

    def parts(self, at: int) -> Parts:
        sums = {"active": 0, "pending": 0, "expired": 0, "lost": 0}
        for key, points in self.lots_at(at):
            sums[self.state(key, at)] += points
        held = sum(hold.points for hold in self.holds if at < hold.deadline)
        return Parts(sums["active"], sums["pending"], held, self.arrears)

    def expiring(self, at: int) -> tuple[int, int | None]:
        """How many active points expire next, and when; (0, None) if none of them ever do."""
        active = [(key, points) for key, points in self.lots_at(at) if self.is_active(key, at)]
        soonest = min((self.expiry_of(key) for key, _ in active), default=NEVER)
        if soonest == NEVER:
            return 0, None
        return sum(points for key, points in active if self.expiry_of(key) == soonest), soonest

    def is_active(self, key: Key, at: int) -> bool:
        return self.state(key, at) == "active"

    def keys_of(self, source: int) -> list[Key]:
        """The lots of a credit, in spending order. Extending part of one makes it several."""
        return sorted(key for key in self.lots if key.source == source)

    def points_of(self, source: int) -> int:
        """What is left in the lots of a credit."""
        return sum(self.lots[key] for key in self.keys_of(source))

    def journaled_points(self) -> int:
        """The points in all lots and holds, also those that time has taken and no entry yet."""
        return sum(self.lots.values()) + sum(hold.points for hold in self.holds)

    # Moving points. What is asked for must be there.

    def put(self, key: Key, points: int) -> None:
        if points:
            self.lots[key] = self.lots.get(key, 0) + points

    def take(self, key: Key, points: int) -> Taken:
        self.lots[key] -= points
        assert self.lots[key] >= 0
        if self.lots[key] == 0:
            del self.lots[key]
        return Taken(key, points)

    def forget_terms(self) -> None:
        """After each entry: a credit without lots waits for nothing.

        Should its points come back (a redemption reversed, a hold released), they are active.
        """
        sources = {key.source for key in self.lots}
        self.terms = {source: terms for source, terms in self.terms.items() if source in sources}

    def take_all(self, source: int) -> list[Taken]:
        return [self.take(key, self.lots[key]) for key in self.keys_of(source)]

    def take_up_to(self, points: int, keys: Iterable[Key]) -> list[Taken]:
        """Take points from lots in that order, as far as they go."""
        taken = []
        for key in list(keys):
            part = min(points, self.lots[key])
            if part:
                taken.append(self.take(key, part))
                points -= part
        return taken

    def spend(self, points: int, at: int) -> list[Taken]:
        """Take active points in spending order (rule 5); what is missing is owed (rule 15)."""
        taken = self.take_up_to(points, sorted(key for key in self.lots if self.is_active(key, at)))
        if missing := points - sum(part.points for part in taken):
            self.arrears += missing
            taken.append(Taken(None, missing))
        return taken

    def repay(self, points: int) -> int:
        """Let points go to what is owed first (rule 14); return how many did."""
        repaid = min(points, self.arrears)
        self.arrears -= repaid
        return repaid

    def give_back(self, taken: Iterable[Taken], owed_key: Key) -> int:
        """Put points back where they came from (rule 12); return how many repaid arrears.

        Points that had gone into arrears repay what is still owed; the others become a lot of
        `owed_key` (rule 14).
        """
        repaid = 0
        for key, points in taken:
            if key is not None:
                self.put(key, points)
            else:
                part = self.repay(points)
                self.put(owed_key, points - part)
                repaid += part
        return repaid

    def activate(self, source: int, at: int, expires: int | None) -> int:
        """End the wait of a credit (rules 8 and 14); return how much of it repaid arrears.

        Parameters
        ----------
        source : int
            The credit's sequence.
        at : int
            What has expired by then repays nothing.
        expires : int or None
            From now on; None: as before.
        """
        repaid = 0
        del self.terms[source]
        for key, points in self.take_all(source):
            assert key is not None
            new = key if expires is None else key._replace(expires=expires)
            part = self.repay(points) if at < self.expiry_of(new) else 0
            self.put(new, points - part)
            repaid += part
        return repaid

    def undo(self, sequence: int, points: int, money: int = 0) -> None:
        """Note that so many of a posting's points were reversed or cancelled (rule 11)."""
        before = self.undone.get(sequence, Undone(0, 0))
        self.undone[sequence] = Undone(before.points + points, before.money + money)

    # What time does.

    def due(self, by: int, scope: Scope = Scope.ALL) -> Due | None:
        """What falls due first, if anything does by then (rule 9)."""
        found = [Due(hold.deadline, 1, hold.sequence, "time_out") for hold in self.holds]
        if scope == Scope.ALL:
            found += self._ends_of_waits()
        for key in self.lots:
            heeded = scope == Scope.ALL or (scope and key.expires == BY_INACTIVITY)
            if heeded and self.expiry_of(key) != NEVER:
                found.append(Due(self.expiry_of(key), 2, 0, "expire"))
        first = min(found, default=None)
        return first if first is not None and first.instant <= by else None

    def _ends_of_waits(self) -> Iterator[Due]:
        for source, terms in self.terms.items():
            if terms.deadline is not None:
                yield Due(terms.deadline, 1, source, "cancel")
            elif terms.activates is not None:
                yield Due(terms.activates, 0, source, "activate")

    def put_off(self, until: int | None) -> None:
        """Let points that expire by inactivity live until then, or as long as before (rule 7)."""
        if until is not None:
            self.inactive_from = max(until, self.inactive_from or until)

    def expiring_at(self, instant: int) -> list[Key]:
        return [key for key in self.lots if self.expiry_of(key) == instant]

    def expire(self, instant: int) -> Counter[int]:
        """Take out all lots that expire at an instant (rule 6); return their points by source."""
        expired: Counter[int] = Counter()
        for key in self.expiring_at(instant):
            expired[key.source] += self.take(key, self.lots[key]).points
        return expired

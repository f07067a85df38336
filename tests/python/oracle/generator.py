"""Postings of all kinds, mostly fitting what was posted before, sometimes not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from loyalty import Posting

from .account import NEVER
from .choosing import Chooser
from .posting import makes_lot, micros
from .variations import CODE_TEXTS, FAULTS, change

HOUR = 3_600_000_000
DAY = 24 * HOUR
CENTRE = 1_006_776_000_000_000  # 26 November 2001, 12:00 UTC: soon a month ends
RULES = ("base", "twice", "gift")  # of earns, in some programmes
LADDERS = ("status", "club")  # likewise
LEVELS = ("blue", "silver", "gold")
RECENT = 50
HUGE = (2**60, 2**61, 2**62, 2**63 - 2, 2**63 - 1)


@dataclass
class Generator:
    """Makes postings, and remembers them for those that follow.

    Parameters
    ----------
    members, currencies : Sequence
        Whose, and of what.
    huge : str, optional
        The currency of which some amounts are close to the largest there are.
    centre : int
        Around when all happens.
    span : int
        How many days before and after it.
    longest : int
        How many days a lot, a hold or a wait lasts at most.
    linked : int
        How many of a hundred postings are linked to the next.
    """

    members: Sequence[int | str]
    currencies: Sequence[str]
    huge: str | None = None
    centre: int = CENTRE
    span: int = 6
    longest: int = 12
    linked: int = 8
    made: list[Posting] = field(default_factory=list)  # all of them
    by_id: dict[object, Posting] = field(default_factory=dict)
    # The last of those that others can be about.
    credits: list[Posting] = field(default_factory=list)
    waiting: list[Posting] = field(default_factory=list)  # credits that are pending at first
    debits: list[Posting] = field(default_factory=list)  # with captures
    holds: list[Posting] = field(default_factory=list)
    pools: list[Posting] = field(default_factory=list)  # joinings
    merges: list[Posting] = field(default_factory=list)
    mergeable: Sequence[int | str] = ()  # members who may be merged; none said: all

    @property
    def kinds(self) -> Sequence[str]:
        return tuple(MAKERS)

    def batch(self, choose: Chooser, kinds: Sequence[str]) -> list[Posting]:
        """Make a posting of each kind; some are repeated or malformed instead, some linked."""
        postings = [self.any(choose, kind) for kind in kinds]
        return [replace(posting, linked=choose.chance(self.linked)) for posting in postings]

    def any(self, choose: Chooser, kind: str) -> Posting:
        """A new posting of a kind, or with a fault, or one that was made before."""
        if choose.chance(5):
            return self.again(choose)
        if choose.chance(3):
            return self.malformed(choose, kind)
        return self.posting(choose, kind)

    def opening(self, member: int | str) -> Posting:
        """The opening of a member, before all else."""
        opening = Posting(
            *("open_member", member, 0, self.currencies[0]),
            effective_time=self.centre,
            id=f"posting {len(self.made)}",
        )
        return self.remember(opening)

    def posting(self, choose: Chooser, kind: str) -> Posting:
        """A new posting of a kind."""
        posting = Posting(
            *(kind, choose.one(self.members), 0, choose.one(self.currencies)),
            effective_time=self.time(choose),
            id=f"posting {len(self.made)}",
        )
        if choose.chance(10):
            posting = replace(posting, money=choose.number(0, 99), tag=choose.number(0, 9))
        if choose.chance(10):
            posting = replace(posting, rule=choose.one(CODE_TEXTS), channel=choose.one(CODE_TEXTS))
        return self.remember(MAKERS[kind](self, choose, posting))

    def malformed(self, choose: Chooser, kind: str) -> Posting:
        """A new posting that most likely has a fault."""
        return choose.one(FAULTS)(self.posting(choose, kind))

    def again(self, choose: Chooser) -> Posting:
        """A posting that was made before, or one that differs from it in one field."""
        if not self.made:
            return self.opening(choose.one(self.members))
        posting = choose.one(self.made if choose.chance(30) else self.made[-RECENT:])
        return posting if choose.chance(40) else change(self, choose, posting)

    def remember(self, posting: Posting) -> Posting:
        self.made.append(posting)
        self.by_id[posting.id] = posting
        if makes_lot(posting):
            self.credits.append(posting)
            if posting.activates_time is not None or posting.deadline_time is not None:
                self.waiting.append(posting)
        elif posting.kind in ("redeem", "adjust", "capture"):
            self.debits.append(posting)
        elif posting.kind == "hold":
            self.holds.append(posting)
        elif posting.kind == "join_pool":
            self.pools.append(posting)
        elif posting.kind == "merge_members":
            self.merges.append(posting)
        return posting

    def forget(self, refused: Iterable[object]) -> None:
        """Let nothing more be about these ids, as a rule, nor about what is long ago."""
        ids = set(refused)
        for made in (self.credits, self.waiting, self.debits, self.holds, self.pools, self.merges):
            made[:] = [posting for posting in made[-RECENT:] if posting.id not in ids]

    # Fields.

    def time(self, choose: Chooser) -> int:
        """A whole number of days from the centre, so that things meet; now and then beside."""
        at = self.centre + choose.number(-self.span, self.span) * DAY
        if choose.chance(2):  # far away, in the past or in what is yet to come
            return at + choose.number(-700, 700) * DAY
        if choose.chance(5):
            return at + choose.one((-1, 1))
        return at + choose.number(-12, 12) * HOUR if choose.chance(5) else at

    def later(self, choose: Chooser, than: int) -> int:
        return than + choose.number(1, self.longest) * DAY

    def points(self, choose: Chooser, currency: str | None, most: int) -> int:
        if currency == self.huge and choose.chance(10):
            return choose.one(HUGE) - choose.number(0, 3)
        return choose.number(1, most)

    def part(self, choose: Chooser) -> int:
        """How much to reverse or capture: a few, or 0 for all."""
        return choose.number(1, 15) if choose.chance(60) else 0

    def about(self, choose: Chooser, posting: Posting, fitting: list[Posting]) -> Posting:
        """Let it be about a posting that fits, a recent one mostly; or about any, or none."""
        if choose.chance(3):
            return replace(posting, related="no such posting")
        pool = self.made if choose.chance(6) or not fitting else fitting[-RECENT:]
        if not pool:
            return replace(posting, related="no such posting")
        original = choose.one(pool)
        posting = replace(posting, related=original.id)
        if not choose.chance(3):
            posting = replace(posting, member=original.member)
        if not choose.chance(3):
            posting = replace(posting, currency=original.currency)
        return posting

    # Kinds.

    def open_member(self, choose: Chooser, posting: Posting) -> Posting:
        return posting

    def earn(self, choose: Chooser, posting: Posting) -> Posting:
        if choose.chance(40):  # by a rule of the programme, as far as there is one
            posting = replace(posting, rule=choose.one(RULES))
        if posting.rule in RULES and choose.chance(70):
            return replace(posting, points=None, money=self.money(choose, posting.currency))
        none = choose.chance(4)
        points = 0 if none else self.points(choose, posting.currency, 40)
        return replace(posting, points=points, **self.terms(choose, posting))

    def money(self, choose: Chooser, currency: str | None) -> int:
        return min(NEVER, choose.one((1, 2, 5)) * self.points(choose, currency, 80))

    def terms(self, choose: Chooser, posting: Posting) -> dict[str, Any]:
        """An expiry, and an activation or a deadline before it."""
        terms = {}
        start = micros(posting.effective_time)
        if choose.chance(20):
            start = terms["activates_time"] = self.later(choose, start)
        elif choose.chance(20):
            start = terms["deadline_time"] = self.later(choose, start)
        elif choose.chance(10):
            terms["activates_time"] = start  # at once, whatever the programme says
        if choose.chance(55):
            terms["expires_time"] = self.later(choose, start)
        elif choose.chance(10):
            terms["expires_time"] = NEVER
        return terms

    def redeem(self, choose: Chooser, posting: Posting) -> Posting:
        posting = replace(posting, points=self.points(choose, posting.currency, 25))
        return self.from_pool(choose, posting)

    def from_pool(self, choose: Chooser, posting: Posting) -> Posting:
        """By another member, sometimes: mostly one who has joined."""
        if not choose.chance(15):
            return posting
        if self.pools and choose.chance(80):
            join = choose.one(self.pools)
            return replace(posting, member=join.member, other_member=join.other_member)
        return self.between(choose, posting)

    def between(self, choose: Chooser, posting: Posting) -> Posting:
        nobody = -1 if isinstance(self.members[0], int) else "nobody"
        other = nobody if choose.chance(2) else choose.one(self.members)
        return replace(posting, other_member=other)

    def join_pool(self, choose: Chooser, posting: Posting) -> Posting:
        few = self.members[: max(1, len(self.members) // 4)]  # pools are not merged
        posting = replace(posting, member=choose.one(few))
        posting = replace(posting, ceiling=choose.one((None, NEVER, 0, 20, 90)))
        return self.between(choose, posting)

    def leave_pool(self, choose: Chooser, posting: Posting) -> Posting:
        if self.pools and choose.chance(80):
            join = choose.one(self.pools)
            return replace(posting, member=join.member, other_member=join.other_member)
        return self.between(choose, posting)

    def adjust(self, choose: Chooser, posting: Posting) -> Posting:
        points = self.points(choose, posting.currency, 25)
        posting = replace(posting, actor="ann", reason="goodwill")
        if choose.chance(50):
            return replace(posting, points=-points)
        return replace(posting, points=points, **self.terms(choose, posting))

    def reverse(self, choose: Chooser, posting: Posting) -> Posting:
        fitting = self.credits if choose.chance(45) else self.debits
        posting = replace(self.about(choose, posting, fitting), points=self.part(choose))
        paid = self.by_id[posting.related].money if posting.related in self.by_id else 0
        if paid > 0 and choose.chance(60):  # some of it is paid back
            some = min(NEVER, paid if choose.chance(20) else choose.number(1, paid + 1))
            return replace(posting, points=None, money=some)
        return posting

    def hold(self, choose: Chooser, posting: Posting) -> Posting:
        posting = replace(
            posting,
            points=self.points(choose, posting.currency, 25),
            deadline_time=self.later(choose, micros(posting.effective_time)),
        )
        return self.from_pool(choose, posting)

    def capture(self, choose: Chooser, posting: Posting) -> Posting:
        return replace(self.about(choose, posting, self.holds), points=self.part(choose))

    def release(self, choose: Chooser, posting: Posting) -> Posting:
        return self.about(choose, posting, self.holds)

    def confirm(self, choose: Chooser, posting: Posting) -> Posting:
        posting = self.about_waiting(choose, posting)
        if choose.chance(10):
            return replace(posting, expires_time=NEVER)
        if choose.chance(40):
            expires = self.later(choose, micros(posting.effective_time))
            posting = replace(posting, expires_time=expires)
        return posting

    def about_waiting(self, choose: Chooser, posting: Posting) -> Posting:
        """About a credit that is pending by what it says, or perhaps by the programme."""
        return self.about(choose, posting, self.waiting if choose.chance(60) else self.credits)

    def cancel(self, choose: Chooser, posting: Posting) -> Posting:
        return self.about_waiting(choose, posting)

    def extend(self, choose: Chooser, posting: Posting) -> Posting:
        posting = self.about(choose, posting, self.credits)
        posting = replace(posting, actor="bob", reason=choose.one(CODE_TEXTS))
        if choose.chance(10):
            return replace(posting, expires_time=NEVER)
        expires = self.later(choose, micros(posting.effective_time) + self.longest * DAY)
        return replace(posting, expires_time=expires)

    def reinstate(self, choose: Chooser, posting: Posting) -> Posting:
        posting = self.about(choose, posting, self.credits)
        posting = replace(posting, points=self.part(choose), actor="ann", reason="goodwill")
        if choose.chance(40):
            expires = self.later(choose, micros(posting.effective_time))
            return replace(posting, expires_time=expires)
        return replace(posting, expires_time=NEVER) if choose.chance(10) else posting

    def set_limits(self, choose: Chooser, posting: Posting) -> Posting:
        return replace(
            posting,
            floor=choose.one((None, 0, -30, -8, 5)),
            ceiling=choose.one((None, None, NEVER, 60, 150, 5)),
            actor="ann",
            reason=choose.one(CODE_TEXTS),
        )

    def set_level(self, choose: Chooser, posting: Posting) -> Posting:
        posting = replace(posting, actor="ann", reason="goodwill")
        posting = replace(posting, ladder=choose.one(LADDERS), level=choose.one(LEVELS))
        if choose.chance(30):
            return replace(posting, expires_time=self.later(choose, micros(posting.effective_time)))
        return posting

    def transfer(self, choose: Chooser, posting: Posting) -> Posting:
        points = self.points(choose, posting.currency, 25)
        posting = replace(posting, points=points)
        if self.pools and choose.chance(30):  # a contribution
            join = choose.one(self.pools)
            assert join.other_member is not None
            return replace(posting, member=join.other_member, other_member=join.member)
        return self.between(choose, posting)

    def close_member(self, choose: Chooser, posting: Posting) -> Posting:
        return replace(posting, actor="ann", reason=choose.one(CODE_TEXTS))

    def erase_member(self, choose: Chooser, posting: Posting) -> Posting:
        return replace(posting, actor="ann", reason="asked to")

    def reopen_member(self, choose: Chooser, posting: Posting) -> Posting:
        return replace(posting, actor="ann", reason=choose.one(CODE_TEXTS))

    def merge_members(self, choose: Chooser, posting: Posting) -> Posting:
        some = self.mergeable or self.members
        posting = replace(posting, member=choose.one(some), actor="ann", reason="one person")
        return replace(posting, other_member=choose.one(some))

    def unmerge_members(self, choose: Chooser, posting: Posting) -> Posting:
        posting = replace(posting, member=choose.one(self.mergeable or self.members))
        posting = self.about(choose, posting, self.merges[-8:])
        if not choose.chance(20):  # once is enough
            self.merges[:] = [merge for merge in self.merges if merge.id != posting.related]
        return replace(posting, actor="ann", reason="two persons")


MAKERS: dict[str, Callable[[Generator, Chooser, Posting], Posting]] = {
    "open_member": Generator.open_member,
    "earn": Generator.earn,
    "redeem": Generator.redeem,
    "adjust": Generator.adjust,
    "reverse": Generator.reverse,
    "hold": Generator.hold,
    "capture": Generator.capture,
    "release": Generator.release,
    "confirm": Generator.confirm,
    "cancel": Generator.cancel,
    "extend": Generator.extend,
    "reinstate": Generator.reinstate,
    "set_limits": Generator.set_limits,
    "set_level": Generator.set_level,
    "transfer": Generator.transfer,
    "join_pool": Generator.join_pool,
    "leave_pool": Generator.leave_pool,
    "close_member": Generator.close_member,
    "reopen_member": Generator.reopen_member,
    "merge_members": Generator.merge_members,
    "unmerge_members": Generator.unmerge_members,
    "erase_member": Generator.erase_member,
}

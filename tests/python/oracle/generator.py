"""Postings of all kinds, mostly fitting what was posted before, sometimes not."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from loyalty import Posting

from .account import NEVER
from .posting import FIRST_TIME, LAST_TIME, amount, makes_lot, micros

T = TypeVar("T")

DAY = 86_400_000_000
CENTRE = 1_006_776_000_000_000  # 26 November 2001, 12:00 UTC: soon a month ends
CODE_TEXTS = ("app", "shop", "web", "goodwill", "fraud", "ann", "bob")
RECENT = 50
HUGE = (2**60, 2**61, 2**62, 2**63 - 2, 2**63 - 1)


class Chooser(Protocol):
    """What chooses: a random generator, or Hypothesis."""

    def number(self, least: int, most: int) -> int: ...
    def one(self, options: Sequence[T]) -> T: ...
    def chance(self, percent: int) -> bool: ...


class RandomChooser:
    """Chooses at random, always the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def number(self, least: int, most: int) -> int:
        return least + int(self._random.random() * (most - least + 1))

    def one(self, options: Sequence[T]) -> T:
        return options[int(self._random.random() * len(options))]

    def chance(self, percent: int) -> bool:
        return self._random.random() * 100 < percent


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
    """

    members: Sequence[int | str]
    currencies: Sequence[str]
    huge: str | None = None
    centre: int = CENTRE
    span: int = 6
    longest: int = 12
    made: list[Posting] = field(default_factory=list)  # all of them
    by_id: dict[object, Posting] = field(default_factory=dict)
    # The last of those that others can be about.
    credits: list[Posting] = field(default_factory=list)
    waiting: list[Posting] = field(default_factory=list)  # credits that are pending at first
    debits: list[Posting] = field(default_factory=list)  # with captures
    holds: list[Posting] = field(default_factory=list)

    def batch(self, choose: Chooser, kinds: Sequence[str]) -> list[Posting]:
        """Make a posting of each kind, some of which are repeated or malformed instead."""
        return [self.any(choose, kind) for kind in kinds]

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
        return posting if choose.chance(40) else choose.one(CHANGES)(self, choose, posting)

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
        return posting

    def forget(self, refused: Iterable[object]) -> None:
        """Let nothing more be about these ids, as a rule, nor about what is long ago."""
        ids = set(refused)
        for pool in (self.credits, self.waiting, self.debits, self.holds):
            pool[:] = [posting for posting in pool[-RECENT:] if posting.id not in ids]

    # Fields.

    def time(self, choose: Chooser) -> int:
        """A whole number of days from the centre, so that things meet; now and then just beside."""
        at = self.centre + choose.number(-self.span, self.span) * DAY
        return at + choose.one((-1, 1)) if choose.chance(5) else at

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
        none = choose.chance(4)
        points = 0 if none else self.points(choose, posting.currency, 40)
        return replace(posting, points=points, **self.terms(choose, posting))

    def terms(self, choose: Chooser, posting: Posting) -> dict[str, Any]:
        """An expiry, and an activation or a deadline before it."""
        terms = {}
        start = micros(posting.effective_time)
        if choose.chance(20):
            start = terms["activates_time"] = self.later(choose, start)
        elif choose.chance(20):
            start = terms["deadline_time"] = self.later(choose, start)
        if choose.chance(75):
            terms["expires_time"] = self.later(choose, start)
        elif choose.chance(10):
            terms["expires_time"] = NEVER
        return terms

    def redeem(self, choose: Chooser, posting: Posting) -> Posting:
        return replace(posting, points=self.points(choose, posting.currency, 25))

    def adjust(self, choose: Chooser, posting: Posting) -> Posting:
        points = self.points(choose, posting.currency, 25)
        posting = replace(posting, actor="ann", reason="goodwill")
        if choose.chance(50):
            return replace(posting, points=-points)
        return replace(posting, points=points, **self.terms(choose, posting))

    def reverse(self, choose: Chooser, posting: Posting) -> Posting:
        fitting = self.credits if choose.chance(45) else self.debits
        return replace(self.about(choose, posting, fitting), points=self.part(choose))

    def hold(self, choose: Chooser, posting: Posting) -> Posting:
        return replace(
            posting,
            points=self.points(choose, posting.currency, 25),
            deadline_time=self.later(choose, micros(posting.effective_time)),
        )

    def capture(self, choose: Chooser, posting: Posting) -> Posting:
        return replace(self.about(choose, posting, self.holds), points=self.part(choose))

    def release(self, choose: Chooser, posting: Posting) -> Posting:
        return self.about(choose, posting, self.holds)

    def confirm(self, choose: Chooser, posting: Posting) -> Posting:
        posting = self.about(choose, posting, self.waiting)
        if choose.chance(50):
            expires = self.later(choose, micros(posting.effective_time))
            posting = replace(posting, expires_time=expires)
        return posting

    def cancel(self, choose: Chooser, posting: Posting) -> Posting:
        return self.about(choose, posting, self.waiting)

    def extend(self, choose: Chooser, posting: Posting) -> Posting:
        posting = self.about(choose, posting, self.credits)
        posting = replace(posting, actor="bob", reason=choose.one(CODE_TEXTS))
        if choose.chance(10):
            return replace(posting, expires_time=NEVER)
        expires = self.later(choose, micros(posting.effective_time) + self.longest * DAY)
        return replace(posting, expires_time=expires)

    def set_limits(self, choose: Chooser, posting: Posting) -> Posting:
        return replace(
            posting,
            floor=choose.one((None, 0, -30, -8, 5)),
            ceiling=choose.one((None, None, NEVER, 60, 150, 5)),
            actor="ann",
            reason=choose.one(CODE_TEXTS),
        )


Change = Callable[[Generator, Chooser, Posting], Posting]

MAKERS: dict[str, Change] = {
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
    "set_limits": Generator.set_limits,
}

CHANGES: tuple[Change, ...] = (
    lambda self, choose, posting: replace(posting, kind=choose.one(list(MAKERS))),
    lambda self, choose, posting: replace(posting, member=choose.one(self.members)),
    lambda self, choose, posting: replace(posting, currency=choose.one(self.currencies)),
    lambda self, choose, posting: replace(posting, points=amount(posting) + choose.one((-1, 1))),
    lambda self, choose, posting: replace(posting, money=posting.money + 1),
    lambda self, choose, posting: replace(posting, effective_time=self.time(choose)),
    lambda self, choose, posting: replace(posting, expires_time=self.time(choose)),
    lambda self, choose, posting: replace(posting, expires_time=None),
    lambda self, choose, posting: replace(posting, related=choose.one(self.made).id),
    lambda self, choose, posting: replace(posting, rule=choose.one((None, *CODE_TEXTS))),
    lambda self, choose, posting: replace(posting, reason=choose.one(CODE_TEXTS)),
    lambda self, choose, posting: replace(posting, tag=posting.tag + 1),
    lambda self, choose, posting: replace(posting, activates_time=self.time(choose)),
    lambda self, choose, posting: replace(posting, deadline_time=self.time(choose)),
    lambda self, choose, posting: replace(posting, deadline_time=None),
    lambda self, choose, posting: replace(posting, floor=choose.number(-3, 3)),
    lambda self, choose, posting: replace(posting, ceiling=choose.number(-3, 3)),
)

FAULTS: tuple[Callable[[Posting], Posting], ...] = (
    lambda posting: replace(posting, id=bytes(16)),
    lambda posting: replace(posting, points=-amount(posting)),
    lambda posting: replace(posting, points=0 if amount(posting) else 1),
    lambda posting: replace(posting, money=-1),
    lambda posting: replace(posting, effective_time=FIRST_TIME - 1),
    lambda posting: replace(posting, effective_time=LAST_TIME),
    lambda posting: replace(posting, expires_time=posting.effective_time),
    lambda posting: replace(posting, expires_time=LAST_TIME),
    lambda posting: replace(posting, expires_time=posting.activates_time or LAST_TIME - 1),
    lambda posting: replace(posting, expires_time=posting.deadline_time or LAST_TIME - 1),
    lambda posting: replace(posting, actor=None),
    lambda posting: replace(posting, reason=None),
    lambda posting: replace(posting, related=None),
    lambda posting: replace(posting, related="no such posting"),
    lambda posting: replace(posting, activates_time=posting.effective_time),
    lambda posting: replace(posting, activates_time=LAST_TIME - 2),
    lambda posting: replace(posting, activates_time=LAST_TIME),
    lambda posting: replace(posting, deadline_time=None),
    lambda posting: replace(posting, deadline_time=posting.effective_time),
    lambda posting: replace(posting, deadline_time=LAST_TIME - 2),
    lambda posting: replace(posting, deadline_time=LAST_TIME),
    lambda posting: replace(posting, floor=1, ceiling=0),
    lambda posting: replace(posting, floor=-(2**61)),
    lambda posting: replace(posting, ceiling=2**61),
    lambda posting: replace(posting, floor=1 - 2**61, ceiling=2**61 - 1),
)

"""Postings that differ from another in one field, and postings with a fault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from loyalty import Posting

from .account import NEVER
from .choosing import Chooser
from .posting import FIRST_TIME, LAST_TIME

CODE_TEXTS = ("app", "shop", "web", "goodwill", "fraud", "ann", "bob")


class Made(Protocol):
    """What a `generator.Generator` knows: whom and what its postings are about."""

    @property
    def kinds(self) -> Sequence[str]: ...
    @property
    def members(self) -> Sequence[int | str]: ...
    @property
    def currencies(self) -> Sequence[str]: ...
    @property
    def made(self) -> Sequence[Posting]: ...
    def time(self, choose: Chooser) -> int: ...


def points(posting: Posting) -> int:
    """The points that a posting says; none are 0."""
    return posting.points or 0


def other_points(posting: Posting) -> int:
    """One less, or one more; never beyond 64 bits."""
    return points(posting) + (-1 if points(posting) > 0 else 1)


def change(made: Made, choose: Chooser, posting: Posting) -> Posting:
    """A posting that differs in one field; only an earn may leave its points unsaid."""
    changed = choose.one(CHANGES)(made, choose, posting)
    return changed if changed.kind == "earn" else replace(changed, points=points(changed))


CHANGES: tuple[Callable[[Made, Chooser, Posting], Posting], ...] = (
    lambda self, choose, posting: replace(posting, kind=choose.one(self.kinds)),
    lambda self, choose, posting: replace(posting, member=choose.one(self.members)),
    lambda self, choose, posting: replace(posting, currency=choose.one(self.currencies)),
    lambda self, choose, posting: replace(posting, points=other_points(posting)),
    lambda self, choose, posting: replace(posting, money=posting.money ^ 1),
    lambda self, choose, posting: replace(posting, effective_time=self.time(choose)),
    lambda self, choose, posting: replace(posting, expires_time=self.time(choose)),
    lambda self, choose, posting: replace(posting, expires_time=None),
    lambda self, choose, posting: replace(posting, expires_time=NEVER),
    lambda self, choose, posting: replace(posting, kind="earn", points=None),
    lambda self, choose, posting: replace(posting, related=choose.one(self.made).id),
    lambda self, choose, posting: replace(posting, rule=choose.one((None, *CODE_TEXTS))),
    lambda self, choose, posting: replace(posting, reason=choose.one(CODE_TEXTS)),
    lambda self, choose, posting: replace(posting, tag=posting.tag + 1),
    lambda self, choose, posting: replace(posting, activates_time=self.time(choose)),
    lambda self, choose, posting: replace(posting, deadline_time=self.time(choose)),
    lambda self, choose, posting: replace(posting, activates_time=None),
    lambda self, choose, posting: replace(posting, deadline_time=None),
    lambda self, choose, posting: replace(posting, floor=choose.number(-3, 3)),
    lambda self, choose, posting: replace(posting, ceiling=choose.number(-3, 3)),
    lambda self, choose, posting: replace(posting, other_member=choose.one(self.members)),
    lambda self, choose, posting: replace(posting, ladder="status", level=choose.one(CODE_TEXTS)),
)

FAULTS: tuple[Callable[[Posting], Posting], ...] = (
    lambda posting: replace(posting, id=bytes(16)),
    lambda posting: replace(posting, points=-points(posting)),
    lambda posting: replace(posting, points=0 if points(posting) else 1),
    lambda posting: replace(posting, kind="earn", points=None),
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
    lambda posting: replace(posting, level="no such level"),
    lambda posting: replace(posting, other_member=None),
    lambda posting: replace(posting, other_member=posting.member),
)

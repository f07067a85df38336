"""Entries of the journal, and the books of a currency."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from loyalty import Posting, Reply

from .account import BY_INACTIVITY, NEVER, Parts, Taken

MOST = 2**63 - 1  # no sum is beyond this, on either side of 0 (rule 1)
NO_PARTS = Parts()


class Filled(NamedTuple):
    """A posting's points and times, with what the programme says where it does not."""

    points: int
    expires: int = NEVER  # as journaled: of points that expire by inactivity, when they do as yet
    activates: int | None = None  # None: at once, or when confirmed
    deadline: int | None = None
    by_inactivity: bool = False
    active_until: int | None = None  # an activity: what expires by inactivity lives until then

    @property
    def key_expires(self) -> int:
        """What `account.Key` says of the expiry."""
        return BY_INACTIVITY if self.by_inactivity else self.expires

    def expiring(self, expires: int, *, by_inactivity: bool) -> Filled:
        """The same with points that expire otherwise."""
        until = expires if by_inactivity else None
        return self._replace(expires=expires, by_inactivity=by_inactivity, active_until=until)


@dataclass(slots=True)
class Entry:
    """One entry of the journal."""

    sequence: int
    kind: str
    effective: int | None = None
    member: int | str | None = None
    currency: str | None = None
    posting: Posting | None = None  # what asked for it
    filled: Filled | None = None  # what the programme made of it
    version: int = 0  # of the programme in force
    text: str | None = None  # of a definition
    status: str = "posted"
    points: int = 0  # what the member owns by it more than before; of a refusal, what was asked
    held_change: int = 0
    repaid: int = 0
    revived: int = 0
    limit: int = 0
    asked: int = 0  # how many points, where others were moved
    parts: Parts = NO_PARTS  # right after it
    related: int | None = None  # the sequence of the entry that it is about
    other: int | str | None = None  # of a transfer: the member at its other end
    taken: list[Taken] = field(default_factory=list)  # of a debit: from which lots (rule 4)
    from_level: str | None = None  # of a level that is given
    size: int = 0  # how many points a reversal of it all reverses
    expired: Counter[int] = field(default_factory=Counter)  # points, by source

    @property
    def is_posted(self) -> bool:
        return self.status in ("posted", "posted_in_part")

    def refuse(self, status: str, limit: int = 0) -> None:
        """Note that a posting is refused, and what it asked for."""
        assert self.filled is not None
        self.status, self.limit = status, limit
        if self.kind in ("earn", "adjust"):
            self.points, self.asked = self.filled.points, 0
        elif self.kind in ("redeem", "transfer"):
            self.points = -self.filled.points
        elif self.kind == "hold":
            self.held_change = self.filled.points

    def reply(self, status: str) -> Reply:
        points = self.points if self.is_posted else 0
        return Reply(status, self.sequence, *self.parts, points, self.repaid, self.limit)


@dataclass(frozen=True, slots=True)
class Books:
    """Where the points of one currency are; the sum is 0 (rule 26)."""

    members: int = 0
    issued: int = 0
    redeemed: int = 0
    expired: int = 0
    adjusted: int = 0

    def move(self, side: str, points: int) -> Books:
        """The books after the members got points (fewer than 0: lost some) from that side."""
        return replace(
            self, **{"members": self.members + points, side: getattr(self, side) - points}
        )

    def revive(self, side: str, points: int) -> Books:
        """The books after points that had expired went back to that side."""
        return replace(
            self, **{"expired": self.expired - points, side: getattr(self, side) + points}
        )

    @property
    def totals(self) -> tuple[int, ...]:
        return (self.members, self.issued, self.redeemed, self.expired, self.adjusted)

    @property
    def fit(self) -> bool:
        return all(abs(total) <= MOST for total in self.totals)

"""Postings of a few years, in the order in which a ledger is to have them.

What `stars` a member has is worked out without lots (`duckdb_facts`), so postings of stars are
recorded in the half-year in which they are effective: no debit takes from another half-year's lots.
Reversals of earns in stars come while these wait or in the half-year in which they expire. Nobody
whose merge is undone has stars, or is concerned by a correction while he is merged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from random import Random
from typing import Any

import polars as pl

from .moments import DAY, HOUR, SECOND, Moments, of_wall

_CHANNELS = ["store", "web", "app", None]
_LOCATIONS = ["L1", "L2", "L3", "L4", "L5", None]
_CATEGORIES = ["food", "toys", "fuel", None]
_MONEY_RULES = ["base", "base", "half", "up"]
_TEXTS = ("kind", "currency", "rule", "channel", "location", "category", "ladder", "level")


Gifts = list[tuple[str, str]]


@dataclass(slots=True, eq=False)
class Ask:
    """A posting to be made; times in microseconds since 1970 UTC."""

    kind: str
    member: int
    effective_us: int
    posted_us: int  # when it is to be recorded, by the clock of the course
    currency: str | None = None
    points: int | None = 0
    money: int = 0
    expires_us: int | None = None
    activates_us: int | None = None
    deadline_us: int | None = None
    rule: str | None = None
    channel: str | None = None
    location: str | None = None
    category: str | None = None
    related: Ask | None = None
    other: int | None = None
    ladder: str | None = None
    level: str | None = None


class Generator:
    """Makes the postings.

    Parameters
    ----------
    moments : Moments
        When things happen.
    gifts : list of tuple
        Ladders and levels that may be given by hand.
    seed : int
        The same seed makes the same postings.
    members, entries : int
        How many, about.
    """

    def __init__(
        self, moments: Moments, gifts: Gifts, seed: int, members: int, entries: int
    ) -> None:
        self.moments = moments
        self.gifts = gifts
        self.choose = Random(seed)
        self.members = members
        self.entries = entries
        self.asks: list[Ask] = []
        self.opened: dict[int, int] = {}
        self.parted: dict[int, tuple[int, int]] = {}  # merged for a while: from, to

    def make(self) -> pl.DataFrame:
        """All postings, one a row, ``number`` counting from 0 in the order of posting."""
        for member in range(1, self.members + 1):
            self.open(member)
        self.merge_some()
        self.close_some()
        self.give_some()
        weights = [self.choose.choice([1, 1, 1, 2, 2, 4, 9]) for _ in self.opened]
        each = self.entries / sum(weights) / 1.6  # a story has 1.6 postings
        for member, weight in zip(self.opened, weights, strict=True):
            for _ in range(round(weight * each * self.choose.uniform(0.6, 1.4))):
                self.asks += self.story(member)
        self.asks += self.whale(1)
        return _table(self.asks)

    # Members.

    def open(self, member: int) -> None:
        choose, zone = self.choose, self.moments.zone
        kind = choose.random()
        if kind < 0.12:
            at = of_wall(zone, 2020, 2, 29) + choose.choice([0, 1, choose.randrange(DAY), DAY - 1])
        elif kind < 0.2:
            day = choose.choice([(2019, 12, 31), (2020, 8, 31), (2021, 3, 31), (2021, 12, 31)])
            at = of_wall(zone, *day) + choose.choice([0, DAY - 1, choose.randrange(DAY)])
        else:
            at = self.moments.any(choose)
            if choose.random() < 0.6:  # most of them in the first half
                at = self.moments.begin + (at - self.moments.begin) // 3
        if choose.random() < 0.3:
            at = at // (60 * SECOND) * 60 * SECOND
        self.opened[member] = at
        early = choose.choice([0, 0, 0, 40 * DAY])  # known before it is effective
        self.asks.append(Ask("open_member", member, at, at - early))

    def merge_some(self) -> None:
        """Pairs, rows of three, and pairs that are parted again; the last members."""
        free = list(range(self.members, self.members // 2, -1))
        for _ in range(self.members // 60):
            into, other = free.pop(), free.pop()
            first = self._merge(into, other)
            if self.choose.random() < 0.3:
                self._merge(free.pop(), into, first.posted_us)
        for _ in range(self.members // 200):
            into, other = free.pop(), free.pop()
            merged = self._merge(into, other)
            until = merged.posted_us + self.choose.randrange(20 * DAY, 300 * DAY)
            self.asks.append(Ask("unmerge_members", into, until, until, related=merged))
            self.parted[into] = self.parted[other] = (merged.posted_us, until)

    def _merge(self, into: int, other: int, after: int = 0) -> Ask:
        both = max(self.opened[into], self.opened[other], after) + HOUR
        at = both + self.choose.randrange(DAY, max(2 * DAY, self.moments.end - both))
        self.asks.append(Ask("merge_members", into, at, at, other=other))
        return self.asks[-1]

    def close_some(self) -> None:
        for member in range(2, 2 + self.members // 60):
            at = self.opened[member] + self.choose.randrange(100 * DAY, 900 * DAY)
            self.asks.append(Ask("close_member", member, at, at))
            if self.choose.random() < 0.6:
                at += self.choose.randrange(DAY, 300 * DAY)
                self.asks.append(Ask("reopen_member", member, at, at))

    def give_some(self) -> None:
        """Levels by hand: for a time, for good, by invitation, and the first one again."""
        choose = self.choose
        for _ in range(self.members // 8):
            member = choose.randint(1, self.members)
            ladder, level = choose.choice(self.gifts)
            at = max(self.opened[member], self.moments.any(choose))
            gift = Ask("set_level", member, at, at, ladder=ladder, level=level)
            if choose.random() < 0.8:
                gift.expires_us = at + choose.choice([1, choose.randrange(1, 400 * DAY)])
            self.asks.append(gift)

    def whale(self, member: int) -> Iterator[Ask]:
        """Money that leaves 64 bits."""
        at = max(self.opened[member], self.moments.begin) + DAY
        for days in range(3):
            yield self._ask("earn", member, at + days * DAY, "points", 1, 2**62, rule="gift")

    # What a member does: a posting, and those about it.

    def story(self, member: int) -> Iterator[Ask]:
        choose = self.choose
        stories = [self.earn, self.wait, self.later, self.redeem, self.hold, self.adjust]
        odds = [52, 9, 5, 10, 4, 6]
        if member not in self.parted:
            stories += [self.star, self.star_later, self.spend_stars, self.hold_stars]
            odds += [16, 4, 6, 2]
        (tell,) = choose.choices(stories, odds)
        yield from tell(member)

    def earn(self, member: int) -> Iterator[Ask]:
        choose = self.choose
        rule = choose.choice([*_MONEY_RULES, "gift", None])
        points = None if rule in _MONEY_RULES and choose.random() < 0.8 else choose.randint(0, 900)
        money = choose.choice([choose.randint(0, 20_000), choose.randint(0, 400), 0])
        if points is None:
            money = max(money, 1)
        ask = self._ask("earn", member, self._at(member), "points", points, money, rule=rule)
        yield ask
        if choose.random() < 0.2:
            yield from self.reversals(ask)

    def wait(self, member: int) -> Iterator[Ask]:
        """Points that wait for their confirmation, in all the ways that it may go."""
        choose = self.choose
        money = choose.choice([choose.randint(10, 20_000), choose.randint(1, 30)])
        ask = self._ask("earn", member, self._at(member, late=False), "points", None, money)
        ask.rule = "online"
        if choose.random() < 0.1:  # they expire before they could count
            ask.expires_us = ask.effective_us + 5 * DAY
        yield ask
        times = sorted(choose.randrange(0, 29 * DAY) for _ in range(3))
        ways = ["confirm", "confirm", "confirm reverse", "reverse confirm", "cancel", "reverse", ""]
        for step, time in zip(choose.choice(ways).split(), times, strict=False):
            if step == "reverse":
                part = self._part(ask) if choose.random() < 0.7 else (0, 0)
                yield self._about("reverse", ask, ask.effective_us + time, *part)
            else:
                yield self._about(step, ask, ask.effective_us + time)

    def later(self, member: int) -> Iterator[Ask]:
        """Points that are pending for a fortnight: they count, until they are cancelled."""
        choose = self.choose
        money = choose.randint(0, 9_000) + 1
        ask = self._ask("earn", member, self._at(member, late=False), "points", None, money)
        ask.rule = "later"
        yield ask
        if choose.random() < 0.3:
            yield self._about("reverse", ask, ask.effective_us + DAY, *self._part(ask))
        if choose.random() < 0.5:
            yield self._about("cancel", ask, ask.effective_us + choose.randrange(2 * DAY, 13 * DAY))
        elif choose.random() < 0.3:
            yield from self.reversals(ask)

    def redeem(self, member: int) -> Iterator[Ask]:
        points, money = self.choose.randint(1, 200), self.choose.choice([0, 500])
        ask = self._ask("redeem", member, self._at(member), "points", points, money)
        yield ask
        if self.choose.random() < 0.3:
            yield from self.reversals(ask)

    def hold(self, member: int, currency: str = "points", at: int | None = None) -> Iterator[Ask]:
        choose = self.choose
        late = at is None
        at = self._at(member) if at is None else at
        ask = self._ask("hold", member, at, currency, choose.randint(1, 60), late=late)
        ask.deadline_us = at + choose.choice([HOUR, DAY, 40 * DAY])
        yield ask
        end = at + choose.randrange(HOUR)
        kind = choose.choice(["capture", "capture", "release", ""])
        if kind == "capture":
            points = choose.choice([0, 1, 10])
            captured = self._about("capture", ask, end, points, choose.choice([0, 300]))
            captured.channel = "store"
            yield captured
            if choose.random() < 0.3:
                part = choose.choice([0, 1])
                yield self._about("reverse", captured, end + choose.randrange(90 * DAY), part)
        elif kind:
            yield self._about(kind, ask, end)

    def adjust(self, member: int) -> Iterator[Ask]:
        points = self.choose.choice([1, 1, -1]) * self.choose.randint(1, 400)
        ask = self._ask("adjust", member, self._at(member), "points", points)
        ask.money = self.choose.choice([0, 0, 700])
        ask.rule = self.choice_of_rule()
        yield ask
        if self.choose.random() < 0.3:
            yield from self.reversals(ask)

    def choice_of_rule(self) -> str | None:
        return self.choose.choice(["base", "gift", None])

    def reversals(self, of: Ask) -> Iterator[Ask]:
        """Of all that is left, or of parts, by points or by money, at any time."""
        choose = self.choose
        for _ in range(choose.choice([1, 1, 1, 2, 3])):
            gap = choose.choice([HOUR, 20 * DAY, 200 * DAY, 500 * DAY])
            at = of.effective_us + choose.choice([0, 1, *[choose.randrange(gap)] * 8])
            if choose.random() < 0.05:
                at = of.effective_us - choose.randrange(DAY)
            part = (0, 0) if choose.random() < 0.4 else self._part(of)
            yield self._about("reverse", of, at, *part, late=choose.random() < 0.2)

    def _part(self, of: Ask) -> tuple[int | None, int]:
        """Some of a posting's points or money."""
        money = self.choose.choice([1, of.money // 3, of.money // 2, of.money])
        if money and self.choose.random() < 0.6:
            return None, money
        return self.choose.choice([1, 2, 7, 30]), self.choose.choice([0, money])

    # Stars: see the module's docstring.

    def star(self, member: int) -> Iterator[Ask]:
        choose = self.choose
        ask = self._ask("earn", member, self._at(member, late=False), "stars", late=False)
        ask.points, ask.rule = choose.randint(1, 40), "star"
        if choose.random() < 0.1:
            ask.kind, ask.rule = "adjust", None
            if choose.random() < 0.3:
                ask.points = -ask.points
        yield ask
        if choose.random() < 0.25:
            at = ask.effective_us + choose.randrange(60 * DAY)
            if self._same_half(at, ask.effective_us):
                yield self._about("reverse", ask, at, choose.choice([0, 1, 5]))

    def star_later(self, member: int) -> Iterator[Ask]:
        choose = self.choose
        ask = self._ask("earn", member, self._at(member, late=False), "stars", late=False)
        ask.points, ask.rule = choose.randint(5, 60), "star"
        end = ask.effective_us + choose.randrange(DAY, 40 * DAY)
        soon = ask.effective_us + choose.randrange(DAY // 2)
        if choose.random() < 0.5:
            ask.deadline_us = end
            yield ask
            if choose.random() < 0.3:
                yield self._about("reverse", ask, soon, choose.choice([0, 2]))
            if choose.random() < 0.7:
                yield self._about("confirm", ask, choose.randrange(soon, end))
        else:
            ask.activates_us = end
            yield ask
            if choose.random() < 0.3:
                yield self._about("reverse", ask, soon, choose.choice([0, 2]))
            if choose.random() < 0.3:
                yield self._about("cancel", ask, choose.randrange(soon, end))

    def spend_stars(self, member: int) -> Iterator[Ask]:
        at = self._at(member, late=False)
        yield self._ask("earn", member, at, "stars", self.choose.randint(1, 20), late=False)
        ask = self._ask("redeem", member, at + HOUR, "stars", late=False)
        ask.points = self.choose.randint(1, 20)
        yield ask
        if self.choose.random() < 0.4:
            at = ask.effective_us + self.choose.randrange(250 * DAY)
            yield self._about("reverse", ask, at, self.choose.choice([0, 1, 4]))

    def hold_stars(self, member: int) -> Iterator[Ask]:
        at = self._at(member, late=False)
        yield self._ask("earn", member, at, "stars", self.choose.randint(1, 60), late=False)
        yield from self.hold(member, "stars", at + 1)

    # Parts of postings.

    def _at(self, member: int, late: bool = True) -> int:
        """When something of a member happens: mostly after his opening, and on edges."""
        choose, opened = self.choose, self.opened[member]
        if choose.random() < 0.06:
            return self.moments.of_member(choose, opened)
        for _ in range(20):
            at = self.moments.any(choose)
            if at >= opened or (late and choose.random() < 0.01):
                return at
        return opened + choose.randrange(10 * DAY)

    def _ask(
        self,
        kind: str,
        member: int,
        at: int,
        currency: str,
        points: int | None = 0,
        money: int = 0,
        rule: str | None = None,
        late: bool = True,
    ) -> Ask:
        choose = self.choose
        ask = Ask(kind, member, at, self._posted(member, at, late), currency, points, money)
        ask.rule = rule
        ask.channel = choose.choice(_CHANNELS)
        ask.location = choose.choice(_LOCATIONS)
        ask.category = choose.choice(_CATEGORIES)
        return ask

    def _posted(self, member: int, at: int, late: bool) -> int:
        """When it is recorded: at once, later, or ahead of its time."""
        kind = self.choose.random()
        posted = at
        if late and kind < 0.15:
            posted += self.choose.randrange(90 * DAY)
        elif late and kind < 0.18:
            posted -= self.choose.randrange(20 * DAY)
        elif not late and kind < 0.3:
            shifted = at + self.choose.randrange(20 * DAY)
            posted = shifted if self._same_half(at, shifted) else at
        return max(posted, self.opened[member] + 1)

    def _about(
        self,
        kind: str,
        of: Ask,
        at: int,
        points: int | None = 0,
        money: int = 0,
        late: bool = False,
    ) -> Ask:
        posted = max(at, of.posted_us + 1)
        if late:
            posted += self.choose.randrange(60 * DAY)
        while any(begin <= posted <= end for begin, end in [self.parted.get(of.member, (1, 0))]):
            posted += 30 * DAY
        if posted > of.posted_us + 1 and of.currency == "stars" and kind in ("confirm", "capture"):
            posted = max(at, of.posted_us + 1)
        return Ask(kind, of.member, at, posted, of.currency, points, money, related=of)

    def _same_half(self, one: int, other: int) -> bool:
        return self.moments.half_year(one) == self.moments.half_year(other)


def _table(asks: list[Ask]) -> pl.DataFrame:
    asks.sort(key=lambda ask: ask.posted_us)  # stable: what is about another comes after it
    number = {id(ask): place for place, ask in enumerate(asks)}
    names = [field.name for field in fields(Ask)]
    columns: dict[str, Any] = {name: [getattr(ask, name) for ask in asks] for name in names}
    columns["related"] = [number[id(of)] if of else None for of in columns["related"]]
    schema = {name: pl.String if name in _TEXTS else pl.Int64 for name in names}
    return pl.DataFrame(columns, schema=schema).with_row_index("number").cast({"number": pl.Int64})

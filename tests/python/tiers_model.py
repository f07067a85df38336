"""Tiers in plain Python: one ladder, earns, whole reversals, levels given; slow, and by the book.

Shares nothing with the engine but the document: docs/tiers.md is what it follows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from .oracle.wall_time import Calendar

MINUTE = 60_000_000
EVER = 2**63 - 1
LEAST = -(2**63)


@dataclass(frozen=True)
class Earn:
    """What was bought, and when it was undone, if it was (microseconds since 1970)."""

    at: int
    points: int
    money: int
    channel: str
    undone: int = EVER


@dataclass(frozen=True)
class Gift:
    """A level that somebody gave, by its place; `until` EVER: for good."""

    at: int
    level: int
    until: int


@dataclass(frozen=True)
class Standing:
    """As the ledger's, levels by their places."""

    level: int = 0
    since: int = LEAST
    until: int = EVER
    kept: int = 0
    kept_until: int = LEAST
    for_life: int = 0
    lifetime_from: int = EVER


@dataclass
class Member:
    """A member on one ladder, as the normalised programme has it."""

    ladder: dict[str, Any]
    calendar: Calendar
    opened: int
    earns: list[Earn]
    standing: Standing = field(default_factory=Standing)

    def give(self, gift: Gift) -> None:
        """Put him on a level by hand."""
        now, same = self.standing, gift.level == self.standing.level
        lifetime = self._place(self._lifetime_level)
        started = now.lifetime_from if now.lifetime_from != EVER else gift.at
        self.standing = Standing(
            level=gift.level,
            since=now.since if same else gift.at,
            until=now.until if same else EVER,
            kept=gift.level,
            kept_until=gift.until if gift.level else LEAST,
            for_life=now.for_life if gift.level >= now.for_life else 0,
            lifetime_from=started if lifetime and gift.level >= lifetime else EVER,
        )

    def assess(self, at: int) -> None:
        """What a run as of an instant makes of him."""
        if self.standing.since > at or self.opened > at:
            return
        while self._end_period(at):
            pass
        self._give_for_life(at)
        now = self.standing
        reached = self._reached(at, at)
        if reached > now.level:
            self._move(reached, at, at)
        elif reached < now.level and not self._lasts(now.level) and now.since < at:
            self._move(self._lower(reached), at, at)

    def metrics(self, at: int) -> dict[str, int]:
        """By name, as of an instant."""
        return {metric["name"]: self._value(metric, at) for metric in self.ladder["metrics"]}

    def _end_period(self, at: int) -> bool:
        now = self.standing
        if now.level == 0 or self.ladder["downgrade"] == "never":
            return False
        end = now.until if now.until != EVER else self._valid_until(now.level, now.since)
        if end == EVER:
            return False
        lost = self.calendar.add_days(end, self.ladder["grace_days"])
        if lost > at:
            return False
        self._give_for_life(lost)
        reached = self._reached(end - 1, end)
        if reached >= now.level:
            until = self._valid_until(now.level, end)
            self.standing = replace(self.standing, until=until)
        else:
            self._move(self._lower(reached), lost, end)
        return True

    def _move(self, level: int, at: int, valid_from: int) -> None:
        lifetime = self._place(self._lifetime_level)
        started = min(self.standing.lifetime_from, at)
        self.standing = replace(
            self.standing,
            level=level,
            since=at,
            until=self._valid_until(level, valid_from) if level else EVER,
            lifetime_from=started if lifetime and level >= lifetime else EVER,
        )

    def _give_for_life(self, by: int) -> None:
        now, level = self.standing, self._place(self._lifetime_level)
        if not level or now.lifetime_from == EVER or now.for_life >= level:
            return
        if self.calendar.add_months(now.lifetime_from, 12 * self.ladder["lifetime"]["years"]) <= by:
            self.standing = replace(now, for_life=level)

    @property
    def _lifetime_level(self) -> str | None:
        lifetime = self.ladder["lifetime"]
        return lifetime["level"] if lifetime else None

    def _place(self, name: str | None) -> int:
        names = [level["name"] for level in self.ladder["levels"]]
        return 0 if name is None else names.index(name)

    def _lasts(self, level: int) -> bool:
        never = self.ladder["downgrade"] == "never"
        return never or self.ladder["levels"][level]["validity"] is not None

    def _lower(self, reached: int) -> int:
        if self.ladder["downgrade"] != "one_level":
            return reached
        below = self.standing.level - 1
        while below > reached and self.ladder["levels"][below]["by_invitation"]:
            below -= 1
        return max(reached, below)

    def _reached(self, at: int, end: int) -> int:
        values = self.metrics(at)
        met = [
            place
            for place, level in enumerate(self.ladder["levels"])
            if any(
                all(values[name] >= least for name, least in all_of.items())
                for all_of in level["when"]
            )
        ]
        kept = self.standing.kept if self.standing.kept_until > end else 0
        return max([0, kept, self.standing.for_life, *met])

    def _valid_until(self, level: int, start: int) -> int:
        validity = self.ladder["levels"][level]["validity"]
        if validity is None or self.ladder["downgrade"] == "never":
            return EVER
        if validity["days"]:
            end = self.calendar.add_days(start, validity["days"])
        else:
            end = self.calendar.add_months(start, validity["months"])
        return self.calendar.end_of(end, validity["round_up"])

    def _value(self, metric: dict[str, Any], at: int) -> int:
        if metric["of"] == "tenure_months":
            months = 0
            while self.calendar.add_months(self.opened, months + 1) <= at:
                months += 1
            return months
        start = LEAST if metric["of"] == "balance" else self._window_start(metric["window"], at)
        counted = [
            earn
            for earn in self.earns
            if start <= earn.at <= at < earn.undone
            and (not metric["channels"] or earn.channel in metric["channels"])
        ]
        if metric["of"] in ("points", "balance"):
            return sum(earn.points for earn in counted)
        if metric["of"] == "money":
            return sum(earn.money for earn in counted)
        if metric["of"] == "postings":
            return len(counted)
        return len({self.calendar.wall(earn.at).date() for earn in counted})

    def _window_start(self, window: dict[str, Any], at: int) -> int:
        model = window["model"]
        if model == "trailing" and window["days"]:
            return self.calendar.add_days(at + 1, -window["days"])
        if model == "trailing":
            return self.calendar.add_months(at + 1, -window["months"])
        if model == "calendar_year":
            wall = self.calendar.wall(at)
            return self.calendar.instant(
                wall.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
            )
        if model == "since_change":
            since = self.standing.since
            return self.opened if since == LEAST else since + 1
        if model == "lifetime":
            return LEAST
        raise NotImplementedError(model)

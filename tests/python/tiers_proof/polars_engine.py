"""Runs of ladders in Polars: ladder by ladder, in frames of a row a member.

Instants are integer microseconds since 1970 UTC; levels are told by their place on the ladder.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import polars as pl

from .course import Run
from .plan import PERIODS, Plan
from .polars_calendar import Calendar, Window
from .polars_facts import Facts, make_facts, roots

_MINUTE = 60_000_000
_LEAST, _MOST = -(2**63), 2**63 - 1
_STANDING = {
    "member": pl.Int64,
    "level": pl.Int64,
    "since_us": pl.Int64,
    "until_us": pl.Int64,
    "lifetime_us": pl.Int64,
    "kept": pl.Int64,  # for life
    "given": pl.Int64,  # by hand, until given_until_us
    "given_until_us": pl.Int64,
}
_CHANGE = ("member", "from_level", "to_level", "effective_us", "assessed_us", "until_us", "metrics")

Row = dict[str, Any]


@dataclass
class _Known:
    """What is known to a run: of whom, by whom, and each metric's own part of it."""

    run: Run
    people: pl.DataFrame  # member, opened_us: who is assessed
    facts: pl.DataFrame
    moves: pl.DataFrame
    gifts: pl.DataFrame  # levels given by hand since the run before


class PolarsEngine:
    """The standings of all members, advanced run by run; see `duckdb_engine.DuckEngine`."""

    def __init__(self, plan: Plan, entries: pl.DataFrame) -> None:
        self._facts = make_facts(plan, entries)
        self._entries = entries.filter("ok")
        members = self._entries.filter(pl.col("kind") == "open_member")["member"].sort()
        self._ladders = [_Ladder(plan, row, members) for row in plan.ladders.iter_rows(named=True)]

    def run(self, run: Run) -> None:
        """Assess all members as of the run's instant, with what was posted before it."""
        known = _known(run, self._entries, self._facts)
        for ladder in self._ladders:
            ladder.give(known)
            ladder.go(known)

    def standings(self) -> pl.DataFrame:
        return pl.concat(
            ladder.standings.with_columns(ladder=pl.lit(ladder.name)) for ladder in self._ladders
        )

    def changes(self) -> pl.DataFrame:
        return pl.concat(
            change.with_columns(ladder=pl.lit(ladder.name))
            for ladder in self._ladders
            for change in ladder.changes
        )


def _known(run: Run, entries: pl.DataFrame, facts: Facts) -> _Known:
    recorded = entries.filter(pl.col("phase") <= run.number)
    openings = recorded.filter(pl.col("kind") == "open_member")
    who = roots(facts, openings["member"], run.number)
    closed = (
        recorded.filter(pl.col("kind").is_in(["close_member", "reopen_member"]))
        .group_by("member")
        .agg(pl.col("kind").sort_by("number").last())
        .filter(pl.col("kind") == "close_member")
    )
    opened_us = pl.col("effective_us") // _MINUTE * _MINUTE
    people = (
        openings.select(slot="member", opened_us=opened_us)
        .join(who, on="slot")
        .group_by("member")
        .agg(pl.col("opened_us").min())
        .join(closed, on="member", how="anti")
    )
    here = pl.col("phase") <= run.number
    return _Known(
        run,
        people,
        facts.facts.filter(here).join(who, on="slot"),
        facts.moves.filter(here).join(who, on="slot"),
        facts.gifts.filter(pl.col("phase") == run.number),
    )


class _Ladder:
    """One ladder: its rules, and where everybody stands on it."""

    def __init__(self, plan: Plan, row: Row, members: pl.Series) -> None:
        def mine(table: pl.DataFrame) -> list[Row]:
            return table.filter(pl.col("ladder") == row["ladder"]).rows(named=True)

        self.name: str = row["ladder"]
        self.standings = pl.DataFrame({"member": members}).select(
            *(
                pl.col(name) if name == "member" else pl.lit(None, kind).alias(name)
                for name, kind in _STANDING.items()
            )
        )
        self.standings = self.standings.with_columns(level=pl.lit(0, pl.Int64))
        self.changes: list[pl.DataFrame] = []
        self._rules = row
        self._calendar = Calendar(plan.zone)
        self._metrics = sorted(mine(plan.metrics), key=lambda metric: str(metric["metric"]))
        self._levels = mine(plan.levels)
        self._conditions = mine(plan.conditions)

    def give(self, known: _Known) -> None:
        """Put those on their levels who were given one by hand."""
        gifts = known.gifts.filter(pl.col("ladder") == self.name)
        places = {row["name"]: row["level"] for row in self._levels}
        for gift in gifts.iter_slices(1):
            (row,) = gift.rows(named=True)
            level = pl.lit(places[row["level"]], pl.Int64)
            stays = pl.col("level") == level
            until_us = _MOST if row["expires_us"] is None else row["expires_us"]
            new = self.standings.filter(pl.col("member") == row["slot"])
            began = pl.coalesce("lifetime_us", pl.lit(row["effective_us"]))
            new = new.with_columns(lifetime_us=self._lifetime(began, level)).with_columns(
                level=level,
                since_us=pl.when(stays).then("since_us").otherwise(row["effective_us"]),
                until_us=pl.when(stays).then("until_us"),
                kept=pl.when(level >= pl.col("kept")).then("kept"),
                given=level,
                given_until_us=pl.lit(until_us),
            )
            others = self.standings.filter(pl.col("member") != row["slot"])
            self.standings = pl.concat([others, new])

    def go(self, known: _Known) -> None:
        """Do a run."""
        at = pl.lit(known.run.at_us)
        while True:
            due = self._with_end(self._assessed(known)).filter(pl.col("end_us").is_not_null())
            lost = self._calendar.add_days(pl.col("end_us"), self._rules["grace_days"])
            due = due.with_columns(lost_us=lost).filter(pl.col("lost_us") <= at)
            if due.is_empty():
                break
            due = self._give_for_life(known, due)
            self._end(known, due)
        now = self._assessed(known).with_columns(lost_us=at, end_us=at)
        self._assess(known, self._give_for_life(known, now))

    def _assessed(self, known: _Known) -> pl.DataFrame:
        here = self.standings.join(known.people, on="member")
        return here.filter(pl.col("since_us").fill_null(_LEAST) <= known.run.at_us)

    def _with_end(self, here: pl.DataFrame) -> pl.DataFrame:
        """Add ``end_us``; of a level given by hand, its validity counts from when it was."""
        said = here.filter(pl.col("until_us").is_not_null()).with_columns(end_us="until_us")
        given = here.filter(pl.col("until_us").is_null() & (pl.col("level") > 0))
        given = self._with_until(given.with_columns(to_level="level"), pl.col("since_us"))
        given = given.with_columns(end_us="until_us", until_us=pl.lit(None, pl.Int64))
        return pl.concat([said, given.select(said.columns)])

    def _give_for_life(self, known: _Known, due: pl.DataFrame) -> pl.DataFrame:
        """Give the lifetime level to whoever has had his years by ``lost_us``; return all."""
        if self._rules["lifetime_level"] is None:
            return due
        given_us = self._calendar.add_months(pl.col("lifetime_us"), self._rules["lifetime_months"])
        given = due.with_columns(asked_us=given_us).filter(
            pl.col("kept").is_null() & (pl.col("asked_us") <= pl.col("lost_us"))
        )
        if given.is_empty():
            return due
        found = self._evaluate(known, given)
        level = pl.lit(self._rules["lifetime_level"], pl.Int64)
        self._move(found.with_columns(to_level="level", kept=level, effective_us="asked_us"), known)
        kept = pl.when(pl.col("member").is_in(given["member"].implode())).then(level)
        return due.with_columns(kept=pl.coalesce(kept, "kept"))

    def _end(self, known: _Known, due: pl.DataFrame) -> None:
        """Assess as of the ends of validities: renewed, or lost after the grace."""
        found = self._evaluate(known, due.with_columns(asked_us=pl.col("end_us") - 1))
        holds = pl.col("reached") >= pl.col("level")
        to_level = pl.when(holds).then("level").otherwise(self._lower())
        moved = found.with_columns(to_level=to_level).with_columns(
            effective_us=pl.when(holds)
            .then(pl.max_horizontal("end_us", "since_us"))
            .otherwise("lost_us"),
            since_us=pl.when(holds).then("since_us").otherwise("lost_us"),
        )
        moved = self._with_until(moved, pl.col("end_us"))
        self._move(moved.with_columns(lifetime_us=self._lifetime(pl.col("lifetime_us"))), known)

    def _assess(self, known: _Known, now: pl.DataFrame) -> None:
        """Assess as of the run: up, or down where the level has no validity."""
        at = pl.lit(known.run.at_us)
        found = self._evaluate(known, now.with_columns(asked_us=at))
        never = self._rules["downgrade"] == "never"
        valid = [row["level"] for row in self._levels if row["valid_days"] is not None]
        stays = pl.lit(never) | pl.col("level").is_in(valid) | (pl.col("since_us") == at)
        to_level = (
            pl.when(pl.col("reached") >= pl.col("level"))
            .then("reached")
            .when(stays.fill_null(False))
            .then("level")
            .otherwise(self._lower())
        )
        moved = found.with_columns(to_level=to_level).filter(pl.col("to_level") != pl.col("level"))
        moved = self._with_until(moved.with_columns(effective_us=at, since_us=at), at)
        began = pl.coalesce("lifetime_us", at)
        self._move(moved.with_columns(lifetime_us=self._lifetime(began)), known)

    def _lower(self) -> pl.Expr:
        """Where those fall who do not hold their level."""
        if self._rules["downgrade"] != "one_level":
            return pl.col("reached")
        below = {row["level"]: row["below"] for row in self._levels}
        return pl.max_horizontal("reached", pl.col("level").replace_strict(below))

    def _lifetime(self, began: pl.Expr, to_level: pl.Expr | None = None) -> pl.Expr:
        """Since when whoever comes to a level has been on the lifetime one, or above it."""
        least = pl.lit(self._rules["lifetime_level"], pl.Int64)
        return pl.when((pl.col("to_level") if to_level is None else to_level) >= least).then(began)

    def _with_until(self, moved: pl.DataFrame, from_us: pl.Expr) -> pl.DataFrame:
        """Set ``until_us``: until when ``to_level`` is valid, counted from an instant."""
        parts = []
        for (place,), part in moved.partition_by("to_level", as_dict=True).items():
            level = self._levels[place]
            if level["valid_days"] is None or self._rules["downgrade"] == "never":
                parts.append(part.with_columns(until_us=pl.lit(None, pl.Int64)))
                continue
            if level["valid_days"] > 0:
                end = self._calendar.add_days(from_us, level["valid_days"])
            else:
                end = self._calendar.add_months(from_us, level["valid_months"])
            parts.append(self._rounded_up(level["round_up"], part.with_columns(until_us=end)))
        return pl.concat(parts) if parts else moved

    def _rounded_up(self, unit: str, moved: pl.DataFrame) -> pl.DataFrame:
        until = pl.col("until_us")
        if unit != "period":
            return moved.with_columns(until_us=self._calendar.end_of(until, unit))
        window = Window(*(self._rules[f"period_{name}"] for name in Window._fields))
        moved = moved.with_columns(last_us=until - 1)
        return self._calendar.with_period(moved, window, "last_us", "until_us", 1).drop("last_us")

    def _move(self, moved: pl.DataFrame, known: _Known) -> None:
        """Put new standings in place, and note the changes."""
        change = moved.select(
            "member",
            "to_level",
            "effective_us",
            "until_us",
            "metrics",
            from_level="level",
            assessed_us="asked_us",
        )
        run = pl.lit(known.run.number, pl.Int64)
        self.changes.append(change.select(_CHANGE).with_columns(run=run))
        new = moved.with_columns(level="to_level").select(list(_STANDING))
        self.standings = pl.concat([self.standings.join(new, on="member", how="anti"), new])

    def _evaluate(self, known: _Known, asks: pl.DataFrame) -> pl.DataFrame:
        """Add ``reached``, and ``metrics`` in words, as of each row's ``asked_us``."""
        wide = asks
        for metric in self._metrics:
            values = self._values(known, metric, asks)
            wide = wide.join(values, on="member", how="left", maintain_order="left")
            wide = wide.with_columns(pl.col("value").fill_null(0).alias(f"of {metric['metric']}"))
            wide = wide.drop("value")
        words = [
            pl.format(f"{metric['metric']}={{}}", f"of {metric['metric']}")
            for metric in self._metrics
        ]
        kept = pl.col("kept").fill_null(0)
        given = pl.when(pl.col("given_until_us") > pl.col("end_us")).then("given").fill_null(0)
        reached = pl.max_horizontal(self._level(), kept, given)
        return wide.with_columns(reached=reached, metrics=pl.concat_str(words, separator=" "))

    def _level(self) -> pl.Expr:
        """The highest level whose condition holds."""
        level = pl.lit(0, pl.Int64)
        for place in range(len(self._levels)):
            tables: dict[int, pl.Expr] = {}
            for row in self._conditions:
                if row["level"] == place:
                    met = pl.col(f"of {row['metric']}") >= row["least"]
                    before = tables.get(row["alternative"], pl.lit(True))
                    tables[row["alternative"]] = before & met
            if tables:
                any_of = reduce(lambda one, other: one | other, tables.values())
                level = pl.when(any_of).then(pl.lit(place, pl.Int64)).otherwise(level)
        return level

    def _values(self, known: _Known, metric: Row, asks: pl.DataFrame) -> pl.DataFrame:
        """A metric of those that have some: member, value."""
        if metric["of"] == "tenure_months":
            months = self._calendar.tenure_months(pl.col("opened_us"), pl.col("asked_us"))
            return asks.select("member", value=months)
        if metric["of"] == "balance":
            moves = known.moves.filter(pl.col("currency") == metric["currency"])
            active = (pl.col("from_us") <= pl.col("asked_us")) & (
                pl.col("asked_us") < pl.col("until_us")
            )
            there = asks.select("member", "asked_us").join(moves, on="member").filter(active)
            return there.group_by("member").agg(value=pl.col("points").sum())
        spans = self._spans(metric, asks)
        counted = spans.join(known.facts.filter(_matches(metric)), on="member").filter(
            pl.col("at_us").is_between("begin_us", "asked_us")
            & (pl.col("known_us") <= pl.col("asked_us"))
        )
        return self._add_up(metric, counted)

    def _add_up(self, metric: Row, counted: pl.DataFrame) -> pl.DataFrame:
        if metric["of"] == "days":
            visits = counted.group_by("member", "day").agg(pl.col("visits").sum())
            there = visits.filter(pl.col("visits") > 0)
            return there.group_by("member").agg(value=pl.len().cast(pl.Int64))
        debits = pl.col("kind").is_in(["redeem", "capture"])
        points = pl.when(debits).then(-pl.col("points")).otherwise("points")
        adds = {"points": points, "money": pl.col("money"), "postings": pl.col("visits")}
        total = adds[metric["of"]].cast(pl.Int128).sum()
        return counted.group_by("member").agg(value=total.clip(_LEAST, _MOST).cast(pl.Int64))

    def _spans(self, metric: Row, asks: pl.DataFrame) -> pl.DataFrame:
        """From when until when each member's entries count; calendars are asked once an instant."""
        keys = {"anniversary": ["asked_us", "opened_us"]}
        keys["since_change"] = ["asked_us", "opened_us", "since_us"]
        key = keys.get(metric["model"], ["asked_us"])
        begins = asks.select(key).unique()
        if metric["model"] in PERIODS:
            window = Window(*(metric[name] for name in Window._fields))
            begins = self._calendar.with_period(begins, window, "asked_us", "begin_us")
        else:
            begins = begins.with_columns(begin_us=self._begin(metric))
        return asks.select("member", *key).join(begins, on=key, nulls_equal=True)

    def _begin(self, metric: Row) -> pl.Expr:
        """The first instant that counts, of windows without periods."""
        asked = pl.col("asked_us")
        if metric["model"] == "since_change":
            return pl.coalesce(pl.col("since_us") + 1, "opened_us")
        if metric["model"] == "lifetime":
            return pl.lit(_LEAST)
        if metric["days"]:
            return self._calendar.add_days(asked + 1, -metric["days"])
        return self._calendar.add_months(asked + 1, -metric["months"])


def _matches(metric: Row) -> pl.Expr:
    wanted = pl.col("kind").is_in(metric["kinds"])
    if metric["currency"] is not None:
        wanted &= pl.col("currency") == metric["currency"]
    codes = {"rules": "rule", "channels": "channel", "locations": "location"}
    for key, column in {**codes, "categories": "category"}.items():
        if metric[key] is not None:
            wanted &= pl.col(column).is_in(metric[key])
    return wanted

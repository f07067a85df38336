"""Small courses with what must come of them, worked out by hand: one ladder, Berlin's time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from loyalty import Program

from .cases import Case
from .course import as_runs, with_phases
from .generator import Ask
from .moments import micros, wall
from .plan import plan_of

ZONE = ZoneInfo("Europe/Berlin")

_HEAD = """
name = "Tale"
time_zone = "Europe/Berlin"
[currencies.points]
[currencies.stars]
expiry = { model = "dates", dates = ["06-30", "12-31"] }
[rules.online]
currency = "points"
points_per_money = 1
pending = { confirm_within_days = 30 }
[ladders.tale]
"""


@dataclass(frozen=True)
class Tale:
    """A ladder, what is posted, the runs, and each change.

    Attributes
    ----------
    ladder : str
        Its keys; levels are "one", "two", "three" and so on.
    postings : list of tuple
        (name, kind, when, fields); the name is for ``related``; when as for `at`.
    runs : list of str
        When they are.
    changes : list of str
        ``run from>to effective / assessed until: metrics``.
    """

    ladder: str
    postings: list[tuple[str, str, str, dict[str, Any]]]
    runs: list[str]
    changes: list[str]

    def case(self) -> Case:
        """The course."""
        runs = as_runs([at(text) for text in self.runs])
        asks: dict[str, Ask] = {}
        for name, kind, when, given in self.postings:
            told = {"member": 1, **given}
            if kind not in ("open_member", "merge_members", "unmerge_members", "set_level"):
                told = {"currency": "points", **told}
            if "related" in told:
                told["related"] = asks[told["related"]]
            if "posted" in told:
                told["posted_us"] = at(told.pop("posted"))
            for time in ("deadline", "expires"):
                if time in told:
                    told[f"{time}_us"] = at(told.pop(time))
            effective_us = at(when)
            told.setdefault("posted_us", effective_us)
            asks[name] = Ask(kind, told.pop("member"), effective_us, **told)
        return Case(
            plan_of(Program.from_toml(_HEAD + self.ladder)),
            with_phases(ask_table(list(asks.values())), runs),
            runs,
        )


def ask_table(asks: list[Ask]) -> pl.DataFrame:
    """The postings in their order, as the generator gives them."""
    number = {id(ask): place for place, ask in enumerate(asks)}
    columns = {of.name: [getattr(ask, of.name) for ask in asks] for of in fields(Ask)}
    columns["related"] = [number[id(of)] if of else None for of in columns["related"]]
    texts = ("kind", "currency", "rule", "channel", "location", "category", "ladder", "level")
    schema = {name: pl.String if name in texts else pl.Int64 for name in columns}
    return pl.DataFrame(columns, schema=schema).with_row_index("number").cast({"number": pl.Int64})


def at(text: str) -> int:
    """The instant of a date, or date and time of day, in Berlin.

    With ``-`` at its end: a microsecond before, with ``+``: one after.
    """
    moved = {"-": -1, "+": 1}.get(text[-1], 0)
    local = dt.datetime.fromisoformat(text[:-1] if moved else text)
    return micros(local.replace(tzinfo=ZONE)) + moved


def told(changes: pl.DataFrame) -> list[str]:
    """Changes as tales have them."""
    names = ["one", "two", "three", "four"]
    return [
        f"{row['run']} {names[row['from_level']]}>{names[row['to_level']]}"
        f" {_text(row['effective_us'])} / {_text(row['assessed_us'])}"
        f" {_text(row['until_us'])}: {row['metrics']}"
        for row in changes.sort("run", "member", "effective_us", "from_level").rows(named=True)
    ]


def _text(at_us: int | None) -> str:
    if at_us is None:
        return "ever"
    before = wall(at_us + 1, ZONE)
    if before.microsecond == 0 and at_us % 1_000_000:
        return f"{before:%Y-%m-%d %H:%M}-"
    return f"{wall(at_us, ZONE):%Y-%m-%d %H:%M}"


def _levels(*whens: str, **more: str) -> str:
    names = ["one", "two", "three", "four"]
    levels = [
        f'{{ name = "{name}", {when} }}' if when else f'{{ name = "{name}" }}'
        for name, when in zip(names, whens, strict=False)
    ]
    return f"levels = [{', '.join(levels)}]\n" + "\n".join(
        f"{key} = {value}" for key, value in more.items()
    )


_OPEN: tuple[str, str, str, dict[str, Any]] = ("opening", "open_member", "2020-01-01", {})
_SPENT = "metrics.spent = { of = 'money' }\n"

TALES = {
    "a trailing window ends with the run and begins just after so many months before": Tale(
        "window = { model = 'trailing', months = 12 }\n"
        + _SPENT
        + _levels("", "when = { spent = 6 }"),
        [
            _OPEN,
            ("old", "earn", "2022-03-01", {"money": 1}),
            ("first", "earn", "2022-03-01+", {"money": 2}),
            ("last", "earn", "2023-03-01", {"money": 4}),
            ("late", "earn", "2023-03-01+", {"money": 8, "posted": "2023-02-01"}),
        ],
        ["2023-03-01"],
        ["0 one>two 2023-03-01 00:00 / 2023-03-01 00:00 ever: spent=6"],
    ),
    "a refund in March of a purchase in December lowers December's sum": Tale(
        "window = { model = 'trailing', months = 12 }\n"
        + _SPENT
        + _levels("", "when = { spent = 100 }"),
        [
            _OPEN,
            ("december", "earn", "2022-12-15", {"money": 100}),
            ("march", "earn", "2023-03-05", {"money": 60}),
            ("refund", "reverse", "2023-03-10", {"related": "december"}),
            ("again", "earn", "2023-12-21", {"money": 40}),
        ],
        ["2023-01-01", "2023-04-01", "2023-12-20", "2024-01-01"],
        [
            "0 one>two 2023-01-01 00:00 / 2023-01-01 00:00 ever: spent=100",
            "1 two>one 2023-04-01 00:00 / 2023-04-01 00:00 ever: spent=60",
            "3 one>two 2024-01-01 00:00 / 2024-01-01 00:00 ever: spent=100",
        ],
    ),
    "what waits counts from its confirmation on, at its own time": Tale(
        "window = { model = 'trailing', months = 12 }\n"
        "metrics.year = { of = 'money', window = { model = 'calendar_year' } }\n"
        + _SPENT
        + _levels("", "when = { spent = 90 }"),
        [
            _OPEN,
            ("online", "earn", "2022-12-20", {"points": 100, "money": 100, "rule": "online"}),
            ("part", "reverse", "2022-12-21", {"related": "online", "points": 10, "money": 10}),
            ("yes", "confirm", "2023-01-05", {"related": "online"}),
        ],
        ["2023-01-01-", "2023-01-05-", "2023-01-05"],
        ["2 one>two 2023-01-05 00:00 / 2023-01-05 00:00 ever: spent=90 year=0"],
    ),
    "what waited and expired before it was confirmed never counted": Tale(
        "window = { model = 'lifetime' }\n" + _SPENT + _levels("", "when = { spent = 500 }"),
        [
            _OPEN,
            ("store", "earn", "2023-01-01", {"money": 500}),
            (
                "online",
                "earn",
                "2023-01-01",
                {"points": 9, "money": 1000, "rule": "online", "expires": "2023-01-06"},
            ),
        ],
        ["2023-01-02", "2023-01-10", "2023-02-01"],
        ["0 one>two 2023-01-02 00:00 / 2023-01-02 00:00 ever: spent=500"],
    ),
    "lost after the grace, to the level below that is not by invitation": Tale(
        "window = { model = 'trailing', days = 30 }\n"
        + _SPENT
        + _levels(
            "",
            "when = { spent = 10 }",
            "by_invitation = true",
            "when = { spent = 30 }",
            validity="{ months = 1 }",
            grace_days="10",
            downgrade="'one_level'",
        ),
        [_OPEN, ("buy", "earn", "2023-01-05", {"money": 30})],
        ["2023-01-10", "2023-02-15", "2023-03-01", "2023-07-01"],
        [
            "0 one>four 2023-01-10 00:00 / 2023-01-10 00:00 2023-02-10 00:00: spent=30",
            "2 four>two 2023-02-20 00:00 / 2023-02-10 00:00- 2023-03-10 00:00: spent=0",
            "3 two>one 2023-03-20 00:00 / 2023-03-10 00:00- ever: spent=0",
        ],
    ),
    "periods that went by without a run are assessed one after the other": Tale(
        "window = { model = 'calendar_year' }\nvalidity = { months = 12, round_up = 'period' }\n"
        + _SPENT
        + _levels("", "when = { spent = 10 }"),
        [
            _OPEN,
            ("first", "earn", "2021-06-01", {"money": 10}),
            ("second", "earn", "2022-06-01", {"money": 10}),
        ],
        ["2021-07-01", "2025-03-01"],
        [
            "0 one>two 2021-07-01 00:00 / 2021-07-01 00:00 2023-01-01 00:00: spent=10",
            "1 two>two 2023-01-01 00:00 / 2023-01-01 00:00- 2024-01-01 00:00: spent=10",
            "1 two>one 2024-01-01 00:00 / 2024-01-01 00:00- ever: spent=0",
        ],
    ),
    "who has had the lifetime level for its years keeps it, whatever he does now": Tale(
        "window = { model = 'trailing', days = 400 }\nlifetime = { level = 'two', years = 1 }\n"
        + _SPENT
        + _levels("", "when = { spent = 10 }"),
        [_OPEN, ("buy", "earn", "2022-01-01", {"money": 10})],
        ["2022-01-02", "2023-03-01", "2024-01-01"],
        [
            "0 one>two 2022-01-02 00:00 / 2022-01-02 00:00 ever: spent=10",
            "1 two>two 2023-01-02 00:00 / 2023-01-02 00:00 ever: spent=10",
        ],
    ),
    "since the opening, and then since just after the change": Tale(
        "window = { model = 'since_change' }\nvalidity = { months = 1 }\n"
        + _SPENT
        + _levels("", "when = { spent = 20 }"),
        [
            ("before", "open_member", "2022-01-01 12:00", {}),
            ("with", "earn", "2022-01-01 12:00", {"money": 10}),
            ("run", "earn", "2022-02-01", {"money": 10}),
            ("after", "earn", "2022-02-01+", {"money": 7}),
        ],
        ["2022-02-01", "2022-03-05"],
        [
            "0 one>two 2022-02-01 00:00 / 2022-02-01 00:00 2022-03-01 00:00: spent=20",
            "1 two>one 2022-03-01 00:00 / 2022-03-01 00:00- ever: spent=7",
        ],
    ),
    "a year of membership from 29 February begins on the 28th, and in a leap year the 29th": Tale(
        "window = { model = 'anniversary' }\nmetrics.months = { of = 'tenure_months' }\n"
        + _SPENT
        + _levels("", "when = { spent = 5, months = 11 }", "when = { spent = 5, months = 12 }"),
        [
            ("opening", "open_member", "2020-02-29 15:30:59", {}),
            ("old", "earn", "2021-02-28-", {"money": 5}),
            ("new", "earn", "2021-02-28", {"money": 6}),
            ("leap", "earn", "2024-02-28 23:00", {"money": 7}),
        ],
        ["2021-02-28-", "2021-02-28 15:29", "2021-02-28 15:30", "2024-02-29-", "2024-02-29"],
        [
            "0 one>two 2021-02-28 00:00- / 2021-02-28 00:00- ever: months=11 spent=5",
            "2 two>three 2021-02-28 15:30 / 2021-02-28 15:30 ever: months=12 spent=6",
            "4 three>one 2024-02-29 00:00 / 2024-02-29 00:00 ever: months=47 spent=0",
        ],
    ),
    "a validity that would end when clocks leave out that time ends with the change": Tale(
        "window = { model = 'trailing', days = 1 }\nvalidity = { days = 1 }\n"
        + _SPENT
        + _levels("", "when = { spent = 1 }"),
        [_OPEN, ("buy", "earn", "2023-03-25 01:50", {"money": 1})],
        ["2023-03-25 02:30", "2023-03-26 03:00-", "2023-03-26 03:00"],
        [
            "0 one>two 2023-03-25 02:30 / 2023-03-25 02:30 2023-03-26 03:00: spent=1",
            "2 two>one 2023-03-26 03:00 / 2023-03-26 03:00- ever: spent=0",
        ],
    ),
    "of two members one, from the earlier opening on, until they are two again": Tale(
        "window = { model = 'lifetime' }\nmetrics.months = { of = 'tenure_months' }\n"
        + _SPENT
        + _levels("", "when = { spent = 60 }", "when = { spent = 60, months = 24 }"),
        [
            ("early", "open_member", "2020-01-15", {"member": 2}),
            ("late", "open_member", "2022-06-01", {}),
            ("first", "earn", "2021-01-01", {"member": 2, "money": 60}),
            ("second", "earn", "2022-07-01", {"money": 50}),
            ("one", "merge_members", "2022-08-01", {"other": 2}),
            ("both", "earn", "2022-08-15", {"member": 2, "money": 1}),
            ("two", "unmerge_members", "2022-10-01", {"related": "one"}),
        ],
        ["2022-07-15", "2022-09-01", "2022-11-01"],
        [
            "0 one>three 2022-07-15 00:00 / 2022-07-15 00:00 ever: months=30 spent=60",
            "1 one>three 2022-09-01 00:00 / 2022-09-01 00:00 ever: months=31 spent=111",
            "2 three>one 2022-11-01 00:00 / 2022-11-01 00:00 ever: months=5 spent=51",
        ],
    ),
    "a higher level that is given for a time stays given when a lower one is for life": Tale(
        "window = { model = 'trailing', days = 30 }\nlifetime = { level = 'two', years = 1 }\n"
        + _SPENT
        + _levels("", "when = { spent = 10 }", "by_invitation = true"),
        [
            _OPEN,
            (
                "gift",
                "set_level",
                "2022-01-01",
                {"ladder": "tale", "level": "three", "expires": "2023-06-01"},
            ),
        ],
        ["2022-02-01", "2023-02-01", "2023-06-01-", "2023-06-01"],
        [
            "1 three>three 2023-01-01 00:00 / 2023-01-01 00:00 ever: spent=0",
            "3 three>two 2023-06-01 00:00 / 2023-06-01 00:00 ever: spent=0",
        ],
    ),
    "who was opened before the run, by the other's opening, is assessed by it": Tale(
        "window = { model = 'lifetime' }\nmetrics.months = { of = 'tenure_months' }\n"
        + _SPENT
        + _levels("", "when = { spent = 60 }"),
        [
            ("early", "open_member", "2020-01-15", {"member": 2}),
            ("late", "open_member", "2022-06-01", {"posted": "2020-01-20"}),
            ("first", "earn", "2021-01-01", {"member": 2, "money": 60}),
            ("one", "merge_members", "2021-08-01", {"other": 2}),
        ],
        ["2022-03-01"],
        ["0 one>two 2022-03-01 00:00 / 2022-03-01 00:00 ever: months=25 spent=60"],
    ),
}

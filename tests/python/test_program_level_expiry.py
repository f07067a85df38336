"""Levels that say when points expire, in documents, in the normalised form, and for people."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import loyalty
from loyalty import InvalidInputError
from loyalty.cli import app
from loyalty.program import Program

from .test_program_ladders import problems

SHOP = """\
name = "Shop"
time_zone = "Europe/Paris"
[currencies.points]
expiry = { model = "rolling", months = 12 }
[currencies.miles]
[rules.base]
currency = "points"
[rules.gift]
based_on = "base"
expiry = { model = "rolling", months = 12 }
[ladders.status]
[[ladders.status.levels]]
name = "blue"
[[ladders.status.levels]]
name = "gold"
by_invitation = true
expiry = { points = { model = "rolling", months = 36 } }
[[ladders.status.levels]]
name = "opal"
by_invitation = true
[ladders.club]
levels = [{ name = "in" }, { name = "out", by_invitation = true }]
"""
GOLD = "expiry = { points = { model = "
LEVELS = "ladders.status.levels"


@pytest.mark.parametrize(
    ("expiry", "expected"),
    [
        ("12", "17: LEVELS[1].expiry must be a table, not 12"),
        ("{}", "17: LEVELS[1].expiry must not be empty"),
        ("{ points = 12 }", "17: LEVELS[1].expiry.points must be a table, not 12"),
        ('{ model = "never" }', '17: LEVELS[1].expiry.model must be a table, not "never"'),
        (
            '{ pints = { model = "never" } }',
            "17: LEVELS[1].expiry.pints is no currency; did you mean points?",
        ),
        (
            '{ points = { model = "rolling", months = 0 } }',
            "17: LEVELS[1].expiry.points.months must be an integer of at least 1, not 0",
        ),
        (
            '{ points = { model = "rolling" } }',
            "17: LEVELS[1].expiry.points must have just one of days and months: neither is there",
        ),
        (
            '{ miles = { model = "dates", dates = ["12-31",\n "06-30",\n "12-31"] } }',
            '19: LEVELS[1].expiry.miles.dates[2] must not be there twice: "12-31"',
        ),
    ],
)
def test_mistakes_in_a_level(expiry: str, expected: str) -> None:
    said = '{ points = { model = "rolling", months = 36 } }'
    (found,) = problems(SHOP.replace(said, expiry))
    assert found == f"shop.toml:{expected.replace('LEVELS', LEVELS)}"


def test_one_ladder_alone_says_when_points_of_a_currency_expire() -> None:
    more = """
[[ladders.vip.levels]]
name = "in"
[ladders.vip.levels.expiry.miles]
model = "never"
[ladders.vip.levels.expiry.points]
model = "never"
[[ladders.vip.levels]]
name = "out"
by_invitation = true
"""
    assert problems(SHOP + more) == [
        "shop.toml:28: ladders.vip.levels[0].expiry.points must not be there: "
        "levels of ladders.status say it already"
    ]


def form_of(text: str) -> Any:
    return json.loads(Program.from_toml(text).to_json())


def test_a_rule_leaves_to_levels_what_it_does_not_say() -> None:
    form = form_of(SHOP)
    expiries = {rule["name"]: rule["expiry"] for rule in form["rules"]}
    assert expiries == {"base": None, "gift": form["currencies"][0]["expiry"]}
    # Where no level says anything, to say the currency's and to say nothing are the same.
    (line,) = (line for line in SHOP.split("\n") if line.startswith(GOLD))
    plain = form_of(SHOP.replace(line, ""))
    assert [rule["expiry"] for rule in plain["rules"]] == [form["currencies"][0]["expiry"]] * 2
    assert ["expiry" in level for level in form["ladders"][0]["levels"]] == [False, True, False]


def test_it_is_written_back() -> None:
    written = Program.from_toml(SHOP).to_toml()
    assert Program.from_toml(written) == Program.from_toml(SHOP)
    assert '[rules.base]\ncurrency = "points"\n\n[rules.gift]' in written
    assert 'expiry = { points = { model = "rolling", months = 36 } }' in written


@pytest.mark.parametrize(
    ("level", "expiry", "expected"),
    [
        (1, None, "ladders[0].levels[1].expiry must be a table, not null"),
        (1, {}, "ladders[0].levels[1].expiry must not be empty"),
        (1, {"pints": {"model": "never"}}, "ladders[0].levels[1].expiry.pints is no currency"),
        (
            1,
            {"points": {"model": "dates", "dates": ["12-31", "06-30"]}},
            "ladders[0].levels[1].expiry.points.dates must be sorted",
        ),
        (
            1,
            {"points": {"model": "rolling", "days": 1, "months": 1, "round_up": "none"}},
            "ladders[0].levels[1].expiry.points must have one of days and months above 0",
        ),
    ],
)
def test_mistakes_in_the_normalised_form(level: int, expiry: object, expected: str) -> None:
    form = form_of(SHOP)
    form["ladders"][0]["levels"][level]["expiry"] = expiry
    with pytest.raises(InvalidInputError) as caught:
        Program.from_json(json.dumps(form))
    assert any(line.startswith(expected) for line in str(caught.value).split("\n"))


def test_more_mistakes_in_the_normalised_form() -> None:
    form = form_of(SHOP)
    form["ladders"][1]["levels"][0]["expiry"] = {"points": {"model": "never"}}
    with pytest.raises(InvalidInputError) as caught:
        Program.from_json(json.dumps(form))
    told = "must not be there: levels of ladders[0] say it already"
    assert str(caught.value).split("\n")[1:] == [f"ladders[1].levels[0].expiry.points {told}"]
    form["ladders"] = []
    with pytest.raises(InvalidInputError) as caught:
        Program.from_json(json.dumps(form))
    told = 'must not be null: no level says when "points" expire'
    assert str(caught.value).split("\n")[1:] == [f"rules[0].expiry {told}"]


def test_differences() -> None:
    before, after = Program.from_toml(SHOP), Program.from_toml(SHOP.replace("36", "24"))
    (row,) = before.diff(after).to_pylist()
    assert row == {
        "key": "ladders.status.levels.gold.expiry",
        "old": '{ points = { model = "rolling", months = 36 } }',
        "new": '{ points = { model = "rolling", months = 24 } }',
    }


def test_tables_for_people(tmp_path: Path) -> None:
    summary = Program.from_toml(SHOP).summary()
    assert [row["expiry"] for row in summary["rules"]] == ["by level", "12 months"]
    assert [row["expiries"] for row in summary["levels"]] == [
        "the currency's",
        "points 36 months",
        *["the currency's"] * 3,
    ]
    file = tmp_path / "shop.toml"
    file.write_text(SHOP)
    output = CliRunner().invoke(app, ["program", "check", str(file)]).stdout
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert "status gold invitation as given points 36 months" in lines


def test_points_live_by_the_level_and_the_programme_can_be_shown(tmp_path: Path) -> None:
    program = Program.from_toml(SHOP)
    with loyalty.create(tmp_path / "shop", program=program) as ledger:
        assert ledger.program == program
        ledger.open_member("ada")
        ledger.set_level("ada", "status", "gold", actor="ann", reason="a friend")
        may = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
        reply = ledger.earn("ada", 5, "points", effective_time=may)
        (row,) = ledger.changes(reply.sequence, 1).to_pylist()
        assert f"{row['expires_time']:%Y-%m-%d}" == "2027-05-01"
    output = CliRunner().invoke(app, ["program", "show", str(tmp_path / "shop")]).stdout
    assert "points 36 months" in output

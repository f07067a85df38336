"""Programmes in their forms: TOML, JSON, differences and tables."""

import json
import pickle
import re
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loyalty import InvalidInputError
from loyalty.program import Program

from .program_documents import PARTS, Tables, documents, expiries_of_levels, toml_of

PLAIN = 'name = "Shop"\ntime_zone = "Europe/Paris"\n[currencies.points]\n'


def said(tables: Tables, name: str, key: str) -> Any:
    """What a rule, or the first that it is based on, says of a key; else its currency."""
    rule, line = tables["rules"][name], tables["rules"][name]
    while key not in line and "based_on" in line:
        line = tables["rules"][line["based_on"]]
    if key in line or key == "currency":
        return line[key]
    if key in rule:
        return rule[key]
    currency = said(tables, name, "currency")
    if key == "expiry" and currency in {of for _, _, of in expiries_of_levels(tables)}:
        return "by level"
    return tables["currencies"][currency].get(key)


@settings(deadline=None)
@given(documents())
def test_every_form_means_the_same(tables: Tables) -> None:
    program = Program.from_toml(toml_of(tables))
    written = program.to_toml()
    assert Program.from_toml(written) == program
    assert Program.from_toml(written).to_toml() == written
    assert Program.from_json(program.to_json()) == program
    assert Program.from_json(json.dumps(json.loads(program.to_json()), indent=1)) == program
    assert hash(Program.from_toml(written)) == hash(program)
    assert pickle.loads(pickle.dumps(program)) == program
    assert len(program.diff(Program.from_toml(written))) == 0
    assert list(program.currencies) == list(tables["currencies"])
    assert list(program.rules) == list(tables["rules"])
    assert list(program.ladders) == list(tables["ladders"])
    assert program.name == tables["name"]


@settings(deadline=None)
@given(documents())
def test_what_is_inherited(tables: Tables) -> None:
    program = Program.from_toml(toml_of(tables))
    for name, rule in program.rules.items():
        assert rule.currency == said(tables, name, "currency")
        assert rule.over_ceiling == (said(tables, name, "over_ceiling") or "reject")
        expiry = said(tables, name, "expiry") or {"model": "never"}
        if expiry == "by level":
            assert rule.expiry is None
        else:
            assert means(rule.expiry, expiry)
        pending = said(tables, name, "pending")
        if not pending or pending == {"days": 0}:
            assert rule.pending is None
        else:
            assert rule.pending is not None
            assert rule.pending.model_dump(exclude_defaults=True) == pending


def means(expiry: object, said: Tables) -> bool:
    """Whether an expiry is what a document says."""
    expected = {key: tuple(sorted(of)) if key == "dates" else of for key, of in said.items()}
    return {key: getattr(expiry, key) for key in said} == expected


@settings(deadline=None)
@given(documents())
def test_expiries_of_levels(tables: Tables) -> None:
    program = Program.from_toml(toml_of(tables))
    found = {
        (name, level.name, currency): expiry
        for name, ladder in program.ladders.items()
        for level in ladder.levels
        for currency, expiry in level.expiry.items()
    }
    said = expiries_of_levels(tables)
    assert found.keys() == said.keys()
    assert all(means(found[key], said[key]) for key in said)


@settings(deadline=None)
@given(documents(), documents())
def test_no_difference_means_equal(one: Tables, other: Tables) -> None:
    old, new = Program.from_toml(toml_of(one)), Program.from_toml(toml_of(other))
    there, back = old.diff(new).to_pylist(), new.diff(old).to_pylist()
    assert (there == []) == (old == new)
    assert {(row["key"], row["old"], row["new"]) for row in there} == {
        (row["key"], row["new"], row["old"]) for row in back
    }


@settings(deadline=None)
@given(documents(), st.data())
def test_the_line_of_a_mistake(tables: Tables, data: st.DataObject) -> None:
    lines = toml_of(tables).split("\n")
    at = data.draw(st.integers(4, len(lines) - 1))
    assume(not lines[at - 1].startswith("["))
    lines.insert(at, 'zzz = { zz = """\n""", z = [\n0] }')
    with pytest.raises(InvalidInputError) as caught:
        Program.from_toml("\n".join(lines))
    (problem,) = str(caught.value).split("\n")[1:]
    assert problem.startswith(f"<text>:{at + 1}: ")
    assert ".zzz is unknown; there are: " in problem


@settings(deadline=None)
@given(documents(), st.data())
def test_whatever_is_wrong_is_a_problem(tables: Tables, data: st.DataObject) -> None:
    text = toml_of(tables)
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 3))
    put = data.draw(st.text("[]{}\"'=.,#\n 09az", max_size=3))
    try:
        Program.from_toml(text[:at] + put + text[at + cut :], "shop.toml")
    except InvalidInputError as error:
        first, *problems = str(error).split("\n")
        assert re.fullmatch(r"shop\.toml: \d+ problems?", first)
        assert all(re.match(r"shop\.toml:\d+: ", problem) for problem in problems)


KEYS = [
    *("name", "currencies", "rules", "expiry", "model", "dates", "x"),
    *("ladders", "metrics", "levels", "of", "window", "when", "validity"),
]


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(KEYS),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_whatever_json_is_not_a_programme(value: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"\Athe JSON: \d+ problem"):
        Program.from_json(json.dumps(value))


@settings(deadline=None)
@given(PARTS, PARTS)
def test_rates_in_lowest_terms(numerator: int, denominator: int) -> None:
    text = f'{PLAIN}[rules.a]\ncurrency = "points"\npoints_per_money = '
    program = Program.from_toml(f'{text}"{numerator}/{denominator}"')
    rate = Fraction(numerator, denominator)
    assert program.rules["a"].points_per_money == (rate.numerator, rate.denominator)
    assert program == Program.from_toml(f'{text}"{rate}"')
    if rate.denominator == 1:
        assert program == Program.from_toml(f"{text}{numerator // denominator}")


def with_changes(**changes: Any) -> str:
    """The normalised form of a programme, where paths such as ``rules_0_pending`` are changed."""
    text = f'{PLAIN}expiry = {{ model = "rolling", days = 1 }}\n[rules.base]\ncurrency = "points"'
    form = json.loads(Program.from_toml(text).to_json())
    for path, value in changes.items():
        *parts, last = path.split("__")
        table = form
        for part in parts:
            table = table[int(part) if part.isdigit() else part]
        table[last] = value
    return json.dumps(form)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"format": 2}, "format must be 1, not 2"),
        ({"nam": ""}, "nam is unknown; did you mean name?"),
        ({"time_zone": "UCT+1"}, "time_zone must be an IANA time zone"),
        ({"currencies": {}, "rules": []}, "currencies must be a list, not a table"),
        ({"currencies": [], "rules": []}, "currencies must be at least one"),
        ({"currencies__0__ceiling": -1}, "currencies[0].ceiling must be at least the floor, 0"),
        ({"currencies__0__decimals": None}, "currencies[0].decimals must be an integer, not null"),
        ({"currencies__0__expiry__days": 0}, "currencies[0].expiry must have one of days and"),
        ({"currencies__0__expiry__months": 1}, "currencies[0].expiry must have one of days and"),
        (
            {"currencies__0__expiry": {"model": "dates", "dates": ["12-31", "06-30"]}},
            "currencies[0].expiry.dates must be sorted, without repeats",
        ),
        ({"rules__0__pending": {"days": 0}}, "rules[0].pending.days must be an integer of at"),
        ({"rules__0__pending": {}}, "rules[0].pending must have just one of days and confirm"),
        ({"rules__0__points_per_money": [2, 4]}, "rules[0].points_per_money must be in lowest"),
        ({"rules__0__points_per_money": [1, 2**31]}, "rules[0].points_per_money[1] must be an"),
        ({"rules__0__currency": "point"}, 'rules[0].currency names no currency: "point"; did'),
        ({"rules__0__based_on": "a"}, "rules[0].based_on is unknown; there are: name, currency,"),
    ],
)
def test_mistakes_in_the_normalised_form(changes: Tables, problem: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Program.from_json(with_changes(**changes))
    first, found = str(caught.value).split("\n")
    assert first == "the JSON: 1 problem"
    assert found.startswith(problem)


def test_repeats_in_the_normalised_form() -> None:
    form = json.loads(with_changes())
    form |= {"currencies": form["currencies"] * 2, "rules": form["rules"] * 2}
    with pytest.raises(InvalidInputError) as caught:
        Program.from_json(json.dumps(form)[:-1] + ', "format": 1}')
    assert str(caught.value).split("\n") == [
        "the JSON: 3 problems",
        "format is there twice in one object",
        'currencies[1].name must not be there twice: "points"',
        'rules[1].name must not be there twice: "base"',
    ]
    for text in ("", "[1", '"\\ud800"', "[" * 100_000, "9" * 5_000):
        with pytest.raises(InvalidInputError, match="the JSON: 1 problem\nthis is n"):
            Program.from_json(text)


def test_simple() -> None:
    program = Program.simple(["points", "miles"])
    assert program == Program.from_toml(
        'name = "Loyalty programme"\ntime_zone = "UTC"\n[currencies.points]\n[currencies.miles]'
    )
    assert Program.simple("points").currencies.keys() == {"points"}
    wrong: list[Any] = [[], ["a", "a"], ["x" * 33], [""], ["\ud800"], [1], ["a"] * 17]
    for names in wrong:
        with pytest.raises(InvalidInputError):
            Program.simple(names)


OLD = f"""{PLAIN}
expiry = {{ model = "rolling", months = 12 }}
[currencies.miles]
[rules.base]
currency = "points"
points_per_money = "1/10"
[rules.gift]
currency = "points"
"""
NEW = """
name = "Shop"
time_zone = "UTC"
[currencies.stamps]
decimals = 2
[currencies.points]
ceiling = 5
expiry = { model = "rolling", months = 12, round_up = "month" }
[rules.gift]
currency = "points"
pending = { days = 14 }
[rules.base]
currency = "points"
expiry = { model = "never" }
"""
DIFFERENCE = [
    ("time_zone", '"Europe/Paris"', '"UTC"'),
    (
        "currencies.points.expiry",
        '{ model = "rolling", months = 12 }',
        '{ model = "rolling", months = 12, round_up = "month" }',
    ),
    ("currencies.points.ceiling", None, "5"),
    ("currencies.miles", '{ expiry = { model = "never" } }', None),
    ("currencies.stamps", None, '{ decimals = 2, expiry = { model = "never" } }'),
    ("rules.base.points_per_money", '"1/10"', None),
    ("rules.base.expiry", '{ model = "rolling", months = 12 }', '{ model = "never" }'),
    (
        "rules.gift.expiry",
        '{ model = "rolling", months = 12 }',
        '{ model = "rolling", months = 12, round_up = "month" }',
    ),
    ("rules.gift.pending", "{ days = 0 }", "{ days = 14 }"),
    ("rules", '["base", "gift"]', '["gift", "base"]'),
]


def test_differences() -> None:
    table = Program.from_toml(OLD).diff(Program.from_toml(NEW))
    assert table.columns == ("key", "old", "new")
    assert [tuple(row.values()) for row in table.to_pylist()] == DIFFERENCE


def test_what_may_not_change() -> None:
    old, new = Program.from_toml(OLD), Program.from_toml(NEW)
    new.check_change(old, ["points"])
    new.check_change(old, {"points", "stamps"})
    decimals = Program.from_toml(OLD.replace("[currencies.miles]", "decimals = 2"))
    decimals.check_change(old, [])
    with pytest.raises(InvalidInputError) as caught:
        decimals.check_change(old, old.currencies)
    assert str(caught.value).split("\n") == [
        "the programme cannot follow the one in force",
        "currencies.points.decimals must stay 0, not 2: the currency is in use",
        "currencies.miles is in use: it cannot be removed, nor called otherwise",
    ]


def test_pictures() -> None:
    program = Program.from_toml(OLD.replace('"Shop"', '"<Shop>"'))
    assert repr(program) == (
        "<Program '<Shop>': Europe/Paris, currencies points, miles, 2 earn rules>"
    )
    picture = program._repr_html_()
    assert "<b>&lt;Shop&gt;</b>" in picture
    assert picture.count("<table>") == 2
    assert picture.count("<td>12 months</td>") == 3
    program = Program.from_toml(PLAIN + 'expiry = { model = "dates", dates = ["06-30", "05-01"] }')
    assert program.summary()["currencies"][0]["expiry"] == "end of 05-01, 06-30"
    assert program._repr_html_().count("<table>") == 1

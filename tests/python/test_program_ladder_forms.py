"""Ladders of programmes in their forms: JSON, documents, differences, tables, and the core's."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import loyalty
from loyalty import InvalidInputError
from loyalty.cli import app
from loyalty.program import Program

from .program_documents import Tables, documents, toml_of

TOP = 'name = "Shop"\ntime_zone = "Europe/Paris"\n[currencies.points]\n'
SHOP = f"""{TOP}
[ladders.status]
window = {{ model = "trailing", months = 12 }}
validity = {{ months = 12, round_up = "year" }}
[ladders.status.metrics.spent]
of = "money"
channels = ["web", "store"]
[ladders.status.metrics.visits]
of = "days"
kinds = ["earn", "adjust"]
window = {{ model = "cycle", start = "2024-01-15", months = 6 }}
[ladders.status.metrics.years]
of = "tenure_months"
[[ladders.status.levels]]
name = "blue"
[[ladders.status.levels]]
name = "silver"
when = {{ spent = 50000 }}
[[ladders.status.levels]]
name = "gold"
when = [{{ spent = 150000 }}, {{ visits = 20, spent = 100000 }}]
validity = {{ days = 24 }}
[[ladders.status.levels]]
name = "diamond"
by_invitation = true
"""
LADDER = """
{"name": "status", "upgrade": "at_run", "downgrade": "full", "grace_days": 0, "lifetime": null,
 "metrics": [
  {"name": "spent", "of": "money", "currency": null, "kinds": ["earn"], "rules": null,
   "channels": ["store", "web"], "locations": null, "categories": null,
   "window": {"model": "trailing", "days": 0, "months": 12}},
  {"name": "visits", "of": "days", "currency": null, "kinds": ["adjust", "earn"], "rules": null,
   "channels": null, "locations": null, "categories": null,
   "window": {"model": "cycle", "start": "2024-01-15", "months": 6}},
  {"name": "years", "of": "tenure_months", "currency": null, "kinds": null, "rules": null,
   "channels": null, "locations": null, "categories": null, "window": null}],
 "levels": [
  {"name": "blue", "by_invitation": false, "when": [], "validity": null},
  {"name": "silver", "by_invitation": false, "when": [{"spent": 50000}],
   "validity": {"days": 0, "months": 12, "round_up": "year"}},
  {"name": "gold", "by_invitation": false,
   "when": [{"spent": 150000}, {"spent": 100000, "visits": 20}],
   "validity": {"days": 24, "months": 0, "round_up": "none"}},
  {"name": "diamond", "by_invitation": true, "when": [],
   "validity": {"days": 0, "months": 12, "round_up": "year"}}]}
"""


def form_of(text: str) -> Any:
    return json.loads(Program.from_toml(text).to_json())


def test_defaults_are_written_out_and_what_is_inherited() -> None:
    assert form_of(SHOP)["ladders"] == [json.loads(LADDER)]
    assert form_of(TOP)["ladders"] == []


def test_what_python_sees() -> None:
    ladder = Program.from_toml(SHOP).ladders["status"]
    assert [level.name for level in ladder.levels] == ["blue", "silver", "gold", "diamond"]
    assert ladder.levels[2].when == ({"spent": 150_000}, {"spent": 100_000, "visits": 20})
    assert ladder.metrics[1].kinds == ("adjust", "earn")
    assert ladder.lifetime is None


@settings(deadline=None)
@given(documents())
def test_windows_and_validity_are_inherited(tables: Tables) -> None:
    program = Program.from_toml(toml_of(tables))
    for name, ladder in program.ladders.items():
        table = tables["ladders"][name]
        for metric in ladder.metrics:
            said = table["metrics"][metric.name]
            window = said.get("window", table.get("window"))
            if said["of"] in ("balance", "tenure_months"):
                window = None
            found = metric.window and metric.window.model_dump()
            assert (found and {key: of for key, of in found.items() if of}) == window
        for at, level in enumerate(ladder.levels):
            said = table["levels"][at].get("validity", table.get("validity"))
            validity = {"days": 0, "months": 0, "round_up": "none", **said} if at and said else None
            assert (level.validity and level.validity.model_dump()) == validity
            when = table["levels"][at].get("when", [])
            assert list(level.when) == ([when] if isinstance(when, dict) else when)


def test_what_a_document_says_once() -> None:
    written = Program.from_toml(SHOP).to_toml()
    assert Program.from_toml(written) == Program.from_toml(SHOP)
    head, *levels = written.split("\n\n[[ladders.status.levels]]\n")
    assert head.endswith("""
[ladders.status]
window = { model = "trailing", months = 12 }
validity = { months = 12, round_up = "year" }

[ladders.status.metrics.spent]
of = "money"
channels = ["store", "web"]

[ladders.status.metrics.visits]
of = "days"
kinds = ["adjust", "earn"]
window = { model = "cycle", start = "2024-01-15", months = 6 }

[ladders.status.metrics.years]
of = "tenure_months\"""")
    assert levels == [
        'name = "blue"',
        'name = "silver"\nwhen = { spent = 50000 }',
        'name = "gold"\nwhen = [{ spent = 150000 }, { spent = 100000, visits = 20 }]\n'
        "validity = { days = 24 }",
        'name = "diamond"\nby_invitation = true\n',
    ]


STATUS = "ladders.status."
CHANGES: list[tuple[str, str, list[tuple[str, str | None, str | None]]]] = [
    (
        "[ladders.status]",
        '[ladders.status]\nupgrade = "at_once"\ngrace_days = 5',
        [("upgrade", '"at_run"', '"at_once"'), ("grace_days", "0", "5")],
    ),
    (
        "[ladders.status]",
        '[ladders.status]\nlifetime = { level = "gold", years = 10 }',
        [("lifetime", None, '{ level = "gold", years = 10 }')],
    ),
    (
        "months = 12 }",
        "days = 30 }",
        [
            (
                "metrics.spent.window",
                '{ model = "trailing", months = 12 }',
                '{ model = "trailing", days = 30 }',
            )
        ],
    ),
    (
        'channels = ["web", "store"]',
        "",
        [("metrics.spent.channels", '["store", "web"]', None)],
    ),
    (
        "[ladders.status.metrics.years]",
        "[ladders.status.metrics.months]",
        [
            ("metrics.years", '{ of = "tenure_months" }', None),
            ("metrics.months", None, '{ of = "tenure_months" }'),
        ],
    ),
    (
        "{ spent = 50000 }",
        "[{ spent = 50000 }, { visits = 15, spent = 10000 }]",
        [
            (
                "levels.silver.when",
                "{ spent = 50000 }",
                "[{ spent = 50000 }, { spent = 10000, visits = 15 }]",
            )
        ],
    ),
    (
        "when = { spent = 50000 }",
        "by_invitation = true",
        [
            ("levels.silver.when", "{ spent = 50000 }", None),
            ("levels.silver.by_invitation", "false", "true"),
        ],
    ),
    (
        "validity = { days = 24 }",
        "",
        [("levels.gold.validity", "{ days = 24 }", '{ months = 12, round_up = "year" }')],
    ),
    (
        'name = "blue"',
        'name = "blue"\n[[ladders.status.levels]]\nname = "red"\nby_invitation = true',
        [
            (
                "levels.red",
                None,
                '{ name = "red", by_invitation = true, '
                'validity = { months = 12, round_up = "year" } }',
            ),
            (
                "levels",
                '["blue", "silver", "gold", "diamond"]',
                '["blue", "red", "silver", "gold", "diamond"]',
            ),
        ],
    ),
]


@pytest.mark.parametrize(("old", "new", "rows"), CHANGES)
def test_differences(old: str, new: str, rows: list[tuple[str, str | None, str | None]]) -> None:
    before, after = Program.from_toml(SHOP), Program.from_toml(SHOP.replace(old, new, 1))
    found = [tuple(row.values()) for row in before.diff(after).to_pylist()]
    assert found == [(STATUS + key, *values) for key, *values in rows]


def test_a_whole_ladder_is_one_difference() -> None:
    without, shop = Program.from_toml(TOP), Program.from_toml(SHOP)
    (row,) = without.diff(shop).to_pylist()
    assert (row["key"], row["old"]) == ("ladders.status", None)
    inline = f"{TOP}[ladders]\nstatus = {row['new']}"
    assert Program.from_toml(inline) == shop
    shop.check_change(without, ["points"])
    without.check_change(shop, ["points"])


def with_changes(**changes: Any) -> str:
    """The normalised form of the shop, where paths such as ``levels__0__name`` are changed."""
    form = form_of(SHOP)
    for path, value in changes.items():
        *parts, last = path.split("__")
        table = form["ladders"][0]
        for part in parts:
            table = table[int(part) if part.isdigit() else part]
        table[last] = value
    return json.dumps(form)


SPAN = "must have one of days and months above 0, one 0"
FIRST_LEVEL = "must not be there: all are on the first level"
MISTAKES: list[tuple[Tables, str]] = [
    ({"upgrade": None}, 'upgrade must be "at_run" or "at_once", not null'),
    ({"grace_day": 0}, "grace_day is unknown; did you mean grace_days?"),
    ({"metrics": {}}, "metrics must be a list, not a table"),
    ({"metrics__1__name": "spent"}, 'metrics[1].name must not be there twice: "spent"'),
    ({"metrics__0__currency": "miles"}, 'metrics[0].currency names no currency: "miles"'),
    ({"metrics__0__of": "balance"}, 'metrics[0].currency is missing: of is "balance"'),
    ({"metrics__0__kinds": None}, 'metrics[0].kinds is missing: of is "money"'),
    ({"metrics__0__kinds": ["earn", "adjust"]}, "metrics[0].kinds must be sorted, without"),
    ({"metrics__0__kinds": ["capture", "earn"]}, "metrics[0].kinds must be credits (earn, adj"),
    ({"metrics__0__rules": []}, "metrics[0].rules must not be empty"),
    ({"metrics__0__channels": ["b", "a"]}, "metrics[0].channels must be sorted, without repe"),
    ({"metrics__0__window": None}, "metrics[0].window is missing, and the ladder has none"),
    ({"metrics__0__window__days": 1}, f"metrics[0].window {SPAN}"),
    ({"metrics__0__window__months": 0}, f"metrics[0].window {SPAN}"),
    ({"metrics__2__window": {"model": "lifetime"}}, "metrics[2].window must not be there: of is"),
    ({"metrics__2__kinds": ["earn"]}, "metrics[2].kinds must not be there: of is"),
    ({"levels__0__when": [{"years": 1}]}, f"levels[0].when {FIRST_LEVEL}"),
    ({"levels__0__by_invitation": True}, f"levels[0].by_invitation {FIRST_LEVEL}"),
    ({"levels__0__by_invitation": 0}, "levels[0].by_invitation must be true or false, not 0"),
    ({"levels__1__when": []}, "levels[1] must have just one of when and by_invitation: neither"),
    ({"levels__1__by_invitation": True}, "levels[1] must have just one of when and by_invitatio"),
    ({"levels__1__when": {"spent": 1}}, "levels[1].when must be a list, not a table"),
    ({"levels__1__when": [{"visit": 1}]}, "levels[1].when[0].visit is no metric of the ladder; d"),
    ({"levels__1__when": [{"spent": 100001}]}, "levels[2].when[1] is a contradiction: { spent = "),
    ({"levels__1__when": [{"spent": 5}] * 17}, "levels[1].when must be at most 16, not 17"),
    ({"levels__1__validity__months": 0}, f"levels[1].validity {SPAN}"),
    ({"levels__2__name": "silver"}, 'levels[2].name must not be there twice: "silver"'),
    ({"lifetime": {"level": "blue", "years": 1}}, "lifetime.level must not be the first level"),
]


@pytest.mark.parametrize(("changes", "problem"), MISTAKES)
def test_mistakes_in_the_normalised_form(changes: Tables, problem: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Program.from_json(with_changes(**changes))
    found = str(caught.value).split("\n")[1]
    assert found.startswith(f"ladders[0].{problem}")


def test_more_mistakes_in_the_normalised_form() -> None:
    form = form_of(SHOP)
    form["ladders"] *= 2
    with pytest.raises(InvalidInputError, match=r'ladders\[1\]\.name must not be .*: "status"'):
        Program.from_json(json.dumps(form))
    del form["ladders"]
    with pytest.raises(InvalidInputError, match="ladders is missing"):
        Program.from_json(json.dumps(form))
    year, period = {"model": "calendar_year"}, "levels__1__validity__round_up"
    Program.from_json(
        with_changes(metrics__0__window=year, metrics__1__window=year, **{period: "period"})
    )
    with pytest.raises(InvalidInputError, match=r"the windows of its metrics have different per"):
        Program.from_json(with_changes(metrics__0__window=year, **{period: "period"}))
    lifetime = {"model": "lifetime"}
    with pytest.raises(InvalidInputError, match=r"the ladder's window has no periods"):
        Program.from_json(with_changes(metrics__1__window=lifetime, **{period: "period"}))


JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 2**70, 1.5, "", "spent", [], {}, [1], [[]], {"a": 1}]
)


@settings(deadline=None)
@given(st.data())
def test_whatever_is_put_in_a_ladder_is_a_programme_or_a_problem(data: st.DataObject) -> None:
    form = form_of(SHOP)
    table = form["ladders"]
    while True:
        keys = sorted(table) if isinstance(table, dict) else range(len(table))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(table[key], dict | list) or not table[key] or data.draw(st.booleans()):
            break
        table = table[key]
    table[key] = data.draw(JUNK)
    try:
        program = Program.from_json(json.dumps(form))
    except InvalidInputError:
        pass
    else:
        assert Program.from_toml(program.to_toml()) == program


@settings(deadline=None, max_examples=25)
@given(documents())
def test_the_core_takes_what_was_checked_here(tables: Tables) -> None:
    program = Program.from_toml(toml_of(tables))
    with (
        tempfile.TemporaryDirectory() as directory,
        loyalty.create(Path(directory, "ledger"), list(program.currencies)) as ledger,
    ):
        ledger.apply_program(program)
        assert ledger.program == program


def test_tables_for_people(tmp_path: Path) -> None:
    summary = Program.from_toml(SHOP).summary()
    assert summary["ladders"] == [
        {
            "ladder": "status",
            "upgrade": "at_run",
            "downgrade": "full",
            "grace_days": "0",
            "lifetime": "none",
        }
    ]
    assert [row["window"] for row in summary["metrics"]] == [
        "last 12 months",
        "6 months, counted from 2024-01-15",
        "none",
    ]
    assert [(row["level"], row["needs"], row["validity"]) for row in summary["levels"]] == [
        ("blue", "nothing", "always"),
        ("silver", "spent ≥ 50,000", "12 months, to the end of the year"),
        ("gold", "spent ≥ 150,000, or spent ≥ 100,000 and visits ≥ 20", "24 days"),
        ("diamond", "invitation", "12 months, to the end of the year"),
    ]
    program = Program.from_toml(SHOP)
    assert repr(program).endswith(", 0 earn rules, ladders status>")
    assert program._repr_html_().count("<table>") == 4
    file = tmp_path / "shop.toml"
    file.write_text(SHOP)
    lines = [
        " ".join(line.split())
        for line in CliRunner().invoke(app, ["program", "check", str(file)]).stdout.splitlines()
    ]
    assert {"Ladders", "Metrics", "Levels"} <= set(lines)
    assert "status spent money any earn store, web last 12 months" in lines
    assert "status silver spent ≥ 50,000 12 months, to the end of the year" in lines
    lasting = SHOP.replace("validity", "# validity")
    levels = Program.from_toml(lasting).summary()["levels"]
    assert [row["validity"] for row in levels] == ["always", *["while earned"] * 2, "as given"]
    never = lasting.replace("[ladders.status]", '[ladders.status]\ndowngrade = "never"')
    assert {row["validity"] for row in Program.from_toml(never).summary()["levels"]} == {"always"}

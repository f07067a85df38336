"""Ladders whose parts do not fit together, and the lines of what is wrong in every notation."""

import re
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.program import Program

from .program_documents import Tables, toml_of
from .test_program_ladders import SHOP, problems, with_line

ENOUGH = 'is a contradiction: {} is enough for "gold", but not for the lower level "silver"'


@pytest.mark.parametrize(
    ("silver", "gold", "told"),
    [
        ("{ spent = 500 }", "{ spent = 499 }", "when"),
        ("{ spent = 500 }", "{ visits = 500 }", "when"),
        ("{ spent = 500, visits = 1 }", "[{ spent = 500 }]", "when[0]"),
        ("{ spent = 500 }", "[{ spent = 500 }, { spent = 1, visits = 99 }]", "when[1]"),
        ("[{ spent = 5, visits = 1 }, { years = 2 }]", "[{ years = 3 }, { spent = 6 }]", "when[1]"),
        ("{ spent = 500 }", "[{ spent = 500 }, { spent = 501 }]", None),
        ("{ spent = 500 }", "{ spent = 500, visits = 1 }", None),
        ("[{ spent = 5 }, { visits = 2 }]", "{ visits = 2 }", None),
        ("[{ spent = 5 }, { visits = 2 }]", "[{ visits = 3, years = 1 }, { spent = 5 }]", None),
    ],
)
def test_a_level_within_reach_before_a_lower_one(silver: str, gold: str, told: str | None) -> None:
    text = with_line(22, f"when = {silver}").replace(SHOP.split("\n")[24], f"when = {gold}")
    if told is None:
        assert [level.name for level in Program.from_toml(text).ladders["status"].levels]
        return
    (found,) = problems(text)
    alternatives = re.findall(r"\{.*?\}", gold)
    at = int(told[5:-1]) if "[" in told else 0
    text = ENOUGH.format(alternatives[at])
    assert found == f"shop.toml:25: ladders.status.levels[2].{told} {text}"


def test_contradictions_are_told_of_the_nearest_lower_level() -> None:
    text = SHOP.replace("by_invitation = true", "when = { spent = 400 }")
    more = '[[ladders.status.levels]]\nname = "ruby"\nby_invitation = true\n'
    more += '[[ladders.status.levels]]\nname = "opal"\nwhen = [{ spent = 1499, visits = 19 }]\n'
    found = problems(text + more)
    assert [re.sub(r".*levels(.*) is a .*level ", r"\1 ", line) for line in found] == [
        '[3].when "gold"',
        '[5].when[0] "gold"',
    ]


ASKED = st.dictionaries(st.sampled_from(["spent", "visits"]), st.integers(1, 3), min_size=1)


@settings(deadline=None)
@given(st.lists(st.lists(ASKED, min_size=1, max_size=3), min_size=2, max_size=3))
def test_contradictions_are_what_a_member_could_meet(whens: list[list[Tables]]) -> None:
    def holds(when: list[Tables], member: Tables) -> bool:
        return any(all(member.get(of, 0) >= n for of, n in each.items()) for each in when)

    document = {"rules": {}, **tomllib.loads(SHOP)}
    levels = [{"name": f"level {at}", "when": when} for at, when in enumerate(whens, start=1)]
    document["ladders"]["status"]["levels"] = [{"name": "gold"}, *levels]
    del document["ladders"]["status"]["lifetime"]
    wrong = [
        f"ladders.status.levels[{at + 1}].when[{each}]"
        for at, when in enumerate(whens)
        for each, alternative in enumerate(when)
        if not all(holds(lower, alternative) for lower in whens[:at])
    ]
    if not wrong:
        Program.from_toml(toml_of(document))
        return
    assert [line.split()[1] for line in problems(toml_of(document))] == wrong


BARE = "\n".join(SHOP.split("\n")[:2]) + "\ncurrencies.points = {}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[ladders]", []),
        ("ladders = 1", ["ladders must be a table, not 1"]),
        ("[ladders.a]", ["ladders.a.levels is missing"]),
        ("[ladders.a]\nlevels = 1", ["ladders.a.levels must be a list, not 1"]),
        ("[ladders.a]\nlevels = []", ["ladders.a.levels must be at least 2, not 0"]),
        (
            '[ladders.a]\nlevels = [{ name = "a" }]',
            ["ladders.a.levels must be at least 2, not 1"],
        ),
        (
            "[ladders.a]\nlevels = [1, { name = 'b', when = { c = 1 } }]",
            [
                "ladders.a.levels[0] must be a table, not 1",
                "ladders.a.levels[1].when.c is no metric of the ladder",
            ],
        ),
        (
            "[ladders.a]\nlevels = [{ name = 'l0' }"
            + "".join(f", {{ name = 'l{at}', by_invitation = true }}" for at in range(1, 33))
            + "]",
            ["ladders.a.levels must be at most 32, not 33"],
        ),
        (
            "[ladders.a]\nlevels = [{ name = 'a' }, { name = 'b', by_invitation = true }]\n"
            + "".join(f"metrics.m{at} = {{ of = 'tenure_months' }}\n" for at in range(17)),
            ["ladders.a.metrics must be at most 16, not 17"],
        ),
        (
            "[ladders.a]\nmetrics.b = 1\nlevels = [{ name = 'a' }, { name = 'b', when.b = 1 }]",
            ["ladders.a.metrics.b must be a table, not 1"],
        ),
        (
            "[ladders.a]\nmetrics = 1\nlevels = [{ name = 'a' }, { name = 'b', when.b = 1 }]",
            ["ladders.a.metrics must be a table, not 1"],
        ),
    ],
)
def test_ladders_that_are_none(text: str, expected: list[str]) -> None:
    if not expected:
        assert Program.from_toml(BARE + text) == Program.from_toml(BARE)
        return
    assert [re.sub(r"^shop.toml:\d+: ", "", line) for line in problems(BARE + text)] == expected


LEVELS = 'levels = [{ name = "a" }, { name = "b", by_invitation = true }]\n'


def test_names_and_numbers_of_ladders() -> None:
    for name in ('""', f'"{"é" * 129}"'):
        text = f"{BARE}[ladders.{name}]\n{LEVELS}metrics.{name} = {{ of = 'tenure_months' }}"
        first, second = problems(text)
        assert first.startswith("shop.toml:4: ladders.")
        assert second.startswith("shop.toml:6: ladders.")
        for line in (first, second):
            assert line.endswith(" must have a text of 1 to 256 bytes as its name")
    many = [f"[ladders.l{at}]\n{LEVELS}" for at in range(9)]
    Program.from_toml(BARE + "".join(many[:8]))
    assert problems(BARE + "".join(many)) == ["shop.toml:4: ladders must be at most 8, not 9"]


def test_metrics_of_points_and_balance_are_of_a_currency() -> None:
    for of in ("points", "balance"):
        found = problems(with_line(12, f'of = "{of}"').replace('kinds = ["earn"]\n', ""))
        text = f'ladders.status.metrics.spent.currency is missing: of is "{of}"'
        assert found == [f"shop.toml:11: {text}"]


def test_validity_and_grace_need_a_downgrade() -> None:
    never = with_line(7, 'downgrade = "never"')
    assert problems(never) == [
        'shop.toml:8: ladders.status.validity must not be there: downgrade is "never"',
        'shop.toml:9: ladders.status.grace_days must be 0, not 30: downgrade is "never"',
        'shop.toml:26: ladders.status.levels[2].validity must not be there: downgrade is "never"',
    ]
    text = re.sub("validity = .*", "", never).replace("grace_days = 30", "grace_days = 0")
    assert Program.from_toml(text).ladders["status"].downgrade == "never"
    assert problems(re.sub("validity = .*", "", SHOP)) == [
        "shop.toml:9: ladders.status.grace_days must be 0, not 30: there is no validity"
    ]
    Program.from_toml(with_line(8, ""))  # one level still has one


@pytest.mark.parametrize(
    ("windows", "problem"),
    [
        (("calendar_year", None, None), None),
        (("calendar_year", "trailing", None), None),
        (("calendar_year", "trailing", "calendar_year"), None),
        (("anniversary", None, "lifetime"), None),
        (("cycle", None, None), None),
        (("calendar_year", "anniversary", None), "the windows of its metrics have different"),
        (("calendar_year", "anniversary", "anniversary"), "the windows of its metrics have"),
        (("calendar_year", "trailing", "lifetime"), "no metric has the ladder's window"),
        (("since_change", "calendar_year", None), "the ladder's window has no periods; cal"),
    ],
)
def test_levels_that_last_to_the_end_of_a_period(
    windows: tuple[str, str | None, str | None], problem: str | None
) -> None:
    more = {"trailing": ", days = 5", "cycle": ', start = "2024-01-15", months = 6'}
    own, *others = (
        f'window = {{ model = "{window}"{more.get(window, "")} }}' if window else ""
        for window in windows
    )
    text = with_line(5, own).replace('kinds = ["earn"]', others[0])
    text = text.replace('of = "days"', f'of = "days"\n{others[1]}')
    text = text.replace("months = 24", 'months = 24, round_up = "period"')
    if problem is None:
        program = Program.from_toml(text)
        assert (
            Program.from_toml(program.to_toml()) == program == Program.from_json(program.to_json())
        )
        return
    (found,) = problems(text)
    start = 'shop.toml:27: ladders.status.levels[2].validity.round_up must not be "period": '
    assert found.startswith(start + problem)


def test_lines_in_every_notation() -> None:
    text = (
        BARE
        + """
        ladders.dotted.levels = [{ name = "a" },
            { name = "b", when = [
                { x = 1 },

                { y = 2 }] },
            { name = "c", when.z = 3 },
        ]
        [[ladders.tables.levels]]
        name = "a"
        [[ladders.tables.levels]]
        name = "b"
        [[ladders.tables.levels.when]]
        x = 1
        [[ladders.tables.levels.when]]
        y = 2
        [ladders.other]
        levels = [{ name = "a" }, { name = "b", by_invitation = true }]
        [[ladders.tables.levels]]
        name = "c"
        [ladders.tables.levels.when]
        z = 3
        [ladders.tables.levels.validity]
        """
    )
    tail = "is no metric of the ladder"
    span = "must have just one of days and months: neither is there"
    assert problems(text) == [
        f"shop.toml:7: ladders.dotted.levels[1].when[0].x {tail}",
        f"shop.toml:9: ladders.dotted.levels[1].when[1].y {tail}",
        f"shop.toml:10: ladders.dotted.levels[2].when.z {tail}",
        f"shop.toml:17: ladders.tables.levels[1].when[0].x {tail}",
        f"shop.toml:19: ladders.tables.levels[1].when[1].y {tail}",
        f"shop.toml:25: ladders.tables.levels[2].when.z {tail}",
        f"shop.toml:26: ladders.tables.levels[2].validity {span}",
    ]

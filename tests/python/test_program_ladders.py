"""Ladders of programmes as they are written: every mistake in a line, with its key."""

import pytest

from loyalty import InvalidInputError
from loyalty.program import Program

SHOP = """\
name = "Shop"
time_zone = "Europe/Paris"
[currencies.points]
[ladders.status]
window = { model = "trailing", months = 12 }
upgrade = "at_once"
downgrade = "one_level"
validity = { months = 12 }
grace_days = 30
lifetime = { level = "gold", years = 10 }
[ladders.status.metrics.spent]
of = "money"
kinds = ["earn"]
[ladders.status.metrics.visits]
of = "days"
[ladders.status.metrics.years]
of = "tenure_months"
[[ladders.status.levels]]
name = "blue"
[[ladders.status.levels]]
name = "silver"
when = { spent = 500 }
[[ladders.status.levels]]
name = "gold"
when = [{ spent = 1500 }, { spent = 1000, visits = 20 }]
validity = { months = 24 }
[[ladders.status.levels]]
name = "diamond"
by_invitation = true
"""
FIRST_LEVEL = "must not be there: all are on the first level"


def problems(text: str) -> list[str]:
    """The problems of a document, without the line that counts them."""
    with pytest.raises(InvalidInputError) as caught:
        Program.from_toml(text, "shop.toml")
    return str(caught.value).split("\n")[1:]


def with_line(number: int, text: str) -> str:
    """The shop, with another text in place of a line."""
    lines = SHOP.split("\n")
    lines[number - 1] = text
    return "\n".join(lines)


# A line, what it says instead, and what is wrong with it (with the first, if it becomes several).
OF_A_LADDER = [
    (5, "window = 12", "window must be a table, not 12"),
    (5, "window = {}", "window.model is missing"),
    (
        5,
        'window = { model = "trailling", days = 1 }',
        'window.model must be "trailing", "calendar_year", "anniversary", "cycle", "since_change" '
        'or "lifetime", not "trailling"; did you mean "trailing"?',
    ),
    (
        5,
        'window = { model = "trailing" }',
        "window must have just one of days and months: neither is there",
    ),
    (
        5,
        'window = { model = "trailing", days = 1, months = 1 }',
        "window must have just one of days and months: both are there",
    ),
    (
        5,
        'window = { model = "trailing", months = 0 }',
        "window.months must be an integer of at least 1, not 0",
    ),
    (
        5,
        'window = { model = "trailing", days = 100001 }',
        "window.days must be an integer of at most 100000, not 100001",
    ),
    (
        5,
        'window = { model = "calendar_year", months = 1 }',
        "window.months is unknown; there are: model",
    ),
    (5, 'window = { model = "cycle", months = 6 }', "window.start is missing"),
    (5, 'window = { model = "cycle", start = "2024-01-15" }', "window.months is missing"),
    (
        5,
        'window = { model = "cycle", start = "2024-01-15", months = 0 }',
        "window.months must be an integer of at least 1, not 0",
    ),
    *(
        (
            5,
            f'window = {{ model = "cycle", start = "{start}", months = 6 }}',
            f'window.start must be a date: "YYYY-MM-DD" of 1900 to 2199, not "{start}"',
        )
        for start in ("2024-02-30", "01-15", "1899-12-31", "2200-01-01", "2024-1-15")
    ),
    (
        6,
        'upgrade = "at_onse"',
        'upgrade must be "at_run" or "at_once", not "at_onse"; did you mean "at_once"?',
    ),
    (7, 'downgrade = "no"', 'downgrade must be "full", "one_level" or "never", not "no"'),
    (7, "downgrad = 1", "downgrad is unknown; did you mean downgrade?"),
    (8, "validity = 12", "validity must be a table, not 12"),
    (8, "validity = {}", "validity must have just one of days and months: neither is there"),
    (
        8,
        "validity = { days = 1, months = 1 }",
        "validity must have just one of days and months: both are there",
    ),
    (
        8,
        "validity = { months = 0 }",
        "validity.months must be an integer of at least 1, not 0",
    ),
    (
        8,
        'validity = { months = 1, round_up = "week" }',
        'validity.round_up must be "none", "day", "month", "quarter", "year" or "period", not '
        '"week"',
    ),
    (
        8,
        'validity = { months = 1, round_up = "period" }',
        'validity.round_up must not be "period": the ladder\'s window has no periods; '
        "calendar_year, anniversary and cycle have",
    ),
    (9, "grace_days = -1", "grace_days must be an integer of at least 0, not -1"),
    (10, 'lifetime = { level = "gold" }', "lifetime.years is missing"),
    (
        10,
        'lifetime = { level = "gold", years = 0 }',
        "lifetime.years must be an integer of at least 1, not 0",
    ),
    (
        10,
        'lifetime = { level = "golt", years = 1 }',
        'lifetime.level names no level of the ladder: "golt"; did you mean "gold"?',
    ),
    (
        10,
        'lifetime = { level = "blue", years = 1 }',
        'lifetime.level must not be the first level, "blue": all are on it',
    ),
]
OF_A_METRIC = [
    (
        12,
        'of = "mony"',
        'spent.of must be "points", "money", "postings", "days", "balance" or "tenure_months", '
        'not "mony"; did you mean "money"?',
    ),
    (13, "window = {}", "spent.window.model is missing"),
    (
        13,
        'window = { model = "trailing", days = 0 }',
        "spent.window.days must be an integer of at least 1, not 0",
    ),
    (
        13,
        'window = { model = "trailing" }',
        "spent.window must have just one of days and months: neither is there",
    ),
    (13, "kinds = []", "spent.kinds must not be empty"),
    (
        13,
        'kinds = ["earn", "reverse"]',
        'spent.kinds[1] must be "earn", "adjust", "redeem" or "capture", not "reverse"',
    ),
    (
        13,
        'kinds = ["adjust", "redeem"]',
        "spent.kinds must be credits (earn, adjust) or debits (redeem, capture): both are there",
    ),
    (13, 'kinds = ["earn", "earn"]', 'spent.kinds[1] must not be there twice: "earn"'),
    (13, "rules = []", "spent.rules must not be empty"),
    (13, 'channels = "web"', 'spent.channels must be a list, not "web"'),
    (13, 'channels = ["a", "b", "a"]', 'spent.channels[2] must not be there twice: "a"'),
    (13, 'locations = [""]', 'spent.locations[0] must be a text of 1 to 256 bytes, not ""'),
    (13, "categories = [1]", "spent.categories[0] must be a text, not 1"),
    (13, "channel = 1", "spent.channel is unknown; did you mean channels?"),
    (13, "currency = 1", "spent.currency must be a text, not 1"),
    (
        13,
        'currency = "pionts"',
        'spent.currency names no currency: "pionts"; did you mean "points"?',
    ),
    *(
        (
            17,
            f'{key} = {value}\nof = "tenure_months"',
            f'years.{key} must not be there: of is "tenure_months"',
        )
        for key, value in [
            ("currency", '"points"'),
            ("kinds", '["earn"]'),
            ("rules", '["base"]'),
            ("channels", '["web"]'),
            ("locations", '["here"]'),
            ("categories", '["food"]'),
            ("window", '{ model = "lifetime" }'),
        ]
    ),
    (
        17,
        'window = { model = "lifetime" }\nof = "balance"\ncurrency = "points"',
        'years.window must not be there: of is "balance"',
    ),
]
OF_A_LEVEL = [
    (19, 'when = { spent = 1 }\nname = "blue"', f"[0].when {FIRST_LEVEL}"),
    (19, 'by_invitation = true\nname = "blue"', f"[0].by_invitation {FIRST_LEVEL}"),
    (19, 'validity = { days = 1 }\nname = "blue"', f"[0].validity {FIRST_LEVEL}"),
    (21, 'name = ""', '[1].name must be a text of 1 to 256 bytes, not ""'),
    (21, 'name = "blue"', '[1].name must not be there twice: "blue"'),
    (22, "when = 500", "[1].when must be a table, not 500"),
    (22, "when = {}", "[1].when must not be empty"),
    (22, "when = []", "[1].when must not be empty"),
    (22, "when = [{}]", "[1].when[0] must not be empty"),
    (22, "when = [1]", "[1].when[0] must be a table, not 1"),
    (22, "when = { spent = 0 }", "[1].when.spent must be an integer of at least 1, not 0"),
    (22, "when = [{ spent = 1.5 }]", "[1].when[0].spent must be an integer, not 1.5"),
    (
        22,
        f"when = {{ spent = {2**61 + 1} }}",
        f"[1].when.spent must be an integer of at most {2**61}, not {2**61 + 1}",
    ),
    (
        22,
        f"when = [{', '.join(['{ spent = 500 }'] * 17)}]",
        "[1].when must be at most 16, not 17",
    ),
    (22, "when = { spend = 5 }", "[1].when.spend is no metric of the ladder; did you mean spent?"),
    (
        22,
        "when = [{ spent = 5 }, { xyz = 1 }]",
        "[1].when[1].xyz is no metric of the ladder; there are: spent, visits, years",
    ),
    (22, "by_invitation = 1\nwhen = { spent = 500 }", "[1].by_invitation must be true or false"),
    (22, "whn = 1\nby_invitation = true", "[1].whn is unknown; did you mean when?"),
    (26, "validity = { days = 0 }", "[2].validity.days must be an integer of at least 1, not 0"),
    (26, "validity = {}", "[2].validity must have just one of days and months: neither is there"),
]
CASES = [
    *OF_A_LADDER,
    *((number, text, f"metrics.{problem}") for number, text, problem in OF_A_METRIC),
    *((number, text, f"levels{problem}") for number, text, problem in OF_A_LEVEL),
]


def test_the_shop_is_right() -> None:
    assert list(Program.from_toml(SHOP).ladders) == ["status"]


@pytest.mark.parametrize(("line", "text", "problem"), CASES)
def test_mistakes_in_a_line(line: int, text: str, problem: str) -> None:
    (found,) = problems(with_line(line, text))
    assert found.startswith(f"shop.toml:{line}: ladders.status.{problem}")


@pytest.mark.parametrize(
    ("removed", "expected"),
    [
        ((5,), ["10: metrics.spent.window is missing, and the ladder has none",
                "13: metrics.visits.window is missing, and the ladder has none"]),
        ((12,), ["11: metrics.spent.of is missing"]),
        ((21,), ["20: levels[1].name is missing"]),
        ((22,), ["20: levels[1] must have just one of when and by_invitation: neither is there"]),
    ],
)  # fmt: skip
def test_what_is_missing(removed: tuple[int, ...], expected: list[str]) -> None:
    lines = [line for at, line in enumerate(SHOP.split("\n"), start=1) if at not in removed]
    found = problems("\n".join(lines))
    assert found == [f"shop.toml:{line.replace(': ', ': ladders.status.', 1)}" for line in expected]

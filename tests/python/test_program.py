"""Programmes as they are written: every mistake with its line and key, defaults, inheritance."""

from pathlib import Path

import pytest

from loyalty import InvalidInputError
from loyalty.program import Program

TOP = 'name = "Shop"\ntime_zone = "Europe/Paris"\n'
PLAIN = TOP + "[currencies.points]\n"


def problems(text: str) -> list[str]:
    """The problems of a document, without the line that counts them."""
    with pytest.raises(InvalidInputError) as caught:
        Program.from_toml(text, "shop.toml")
    first, *lines = str(caught.value).split("\n")
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    assert first == f"shop.toml: {count}"
    return lines


RATE = 'rules.base.points_per_money must be a fraction such as "1/10" or an integer, above 0'
DATE = 'must be a date: "MM-DD" of every year, or "YYYY-MM-DD" of 1900 to 2199'
MODELS = '"never", "rolling", "dates" or "inactivity"'

# What the table of points says in line 4, and what is wrong with it.
OF_A_CURRENCY = [
    ("decimals = -1", "decimals must be an integer of at least 0, not -1"),
    ("decimals = 10", "decimals must be an integer of at most 9, not 10"),
    ('decimals = "2"', 'decimals must be an integer, not "2"'),
    ("decimals = 2.0", "decimals must be an integer, not 2.0"),
    ("decimals = true", "decimals must be an integer, not true"),
    ("decimals = 2024-05-01", "decimals must be an integer, not 2024-05-01"),
    ("decimals = []", "decimals must be an integer, not a list"),
    ("expiry = 12", "expiry must be a table, not 12"),
    ("expiry = { months = 12 }", "expiry.model is missing"),
    ("expiry.model = 1", f"expiry.model must be {MODELS}, not 1"),
    (
        'expiry.model = "roling"',
        f'expiry.model must be {MODELS}, not "roling"; did you mean "rolling"?',
    ),
    (
        'expiry = { model = "never", months = 1 }',
        "expiry.months is unknown; there are: model",
    ),
    (
        'expiry = { model = "rolling", month = 12, days = 1 }',
        "expiry.month is unknown; did you mean months?",
    ),
    (
        'expiry = { model = "rolling", months = 0 }',
        "expiry.months must be an integer of at least 1, not 0",
    ),
    (
        'expiry = { model = "rolling", months = 3601 }',
        "expiry.months must be an integer of at most 3600, not 3601",
    ),
    (
        'expiry = { model = "rolling", days = 100001 }',
        "expiry.days must be an integer of at most 100000, not 100001",
    ),
    (
        'expiry = { model = "rolling" }',
        "expiry must have just one of days and months: neither is there",
    ),
    (
        'expiry = { model = "rolling", days = 1, months = 1 }',
        "expiry must have just one of days and months: both are there",
    ),
    (
        'expiry = { model = "rolling", days = 1, round_up = "week" }',
        'expiry.round_up must be "none", "day", "month", "quarter" or "year", not "week"',
    ),
    ('expiry = { model = "dates" }', "expiry.dates is missing"),
    ('expiry = { model = "dates", dates = [] }', "expiry.dates must not be empty"),
    ('expiry = { model = "dates", dates = "06-30" }', 'expiry.dates must be a list, not "06-30"'),
    ('expiry = { model = "dates", dates = ["06-31"] }', f'expiry.dates[0] {DATE}, not "06-31"'),
    (
        'expiry = { model = "dates", dates = ["01-01", "2027-02-29"] }',
        f'expiry.dates[1] {DATE}, not "2027-02-29"',
    ),
    (
        'expiry = { model = "dates", dates = ["2200-01-01"] }',
        f'expiry.dates[0] {DATE}, not "2200-01-01"',
    ),
    ('expiry = { model = "dates", dates = ["6-30"] }', f'expiry.dates[0] {DATE}, not "6-30"'),
    (
        'expiry = { model = "dates", dates = ["06-30", "12-31", "06-30"] }',
        'expiry.dates[2] must not be there twice: "06-30"',
    ),
    ('expiry = { model = "inactivity" }', "expiry.months is missing"),
    (
        'expiry = { model = "inactivity", months = 0 }',
        "expiry.months must be an integer of at least 1, not 0",
    ),
    ("pending = 14", "pending must be a table, not 14"),
    ("pending = { day = 14, days = 1 }", "pending.day is unknown; did you mean days?"),
    (
        "pending = {}",
        "pending must have just one of days and confirm_within_days: neither is there",
    ),
    (
        "pending = { days = 1, confirm_within_days = 1 }",
        "pending must have just one of days and confirm_within_days: both are there",
    ),
    ("pending = { days = 0 }", "pending.days must be an integer of at least 1, not 0"),
    (
        "pending = { confirm_within_days = 0 }",
        "pending.confirm_within_days must be an integer of at least 1, not 0",
    ),
    (
        f"floor = {-(2**61) - 1}",
        f"floor must be an integer of at least {-(2**61)}, not {-(2**61) - 1}",
    ),
    (
        f"ceiling = {2**61 + 1}",
        f"ceiling must be an integer of at most {2**61}, not {2**61 + 1}",
    ),
    ("ceiling = -1", "ceiling must be at least the floor, 0, not -1"),
    ('over_ceiling = "cut"', 'over_ceiling must be "reject" or "clip", not "cut"'),
    (
        'reversal = "arears"',
        'reversal must be "arrears" or "stop_at_zero", not "arears"; did you mean "arrears"?',
    ),
    (
        'return_of_expired = "lost"',
        'return_of_expired must be "expire" or a table such as { reinstate_days = 30 }, not "lost"',
    ),
    ("return_of_expired = {}", "return_of_expired.reinstate_days is missing"),
    (
        "return_of_expired = { reinstate_days = 0 }",
        "return_of_expired.reinstate_days must be an integer of at least 1, not 0",
    ),
    (
        "reinstate_within_days = -1",
        "reinstate_within_days must be an integer of at least 0, not -1",
    ),
    (
        'transfer = "no"',
        'transfer must be "keep_expiry", "restart_expiry" or "forbidden", not "no"',
    ),
    ("cieling = 5", "cieling is unknown; did you mean ceiling?"),
]


@pytest.mark.parametrize(("line", "problem"), OF_A_CURRENCY)
def test_mistakes_in_a_currency(line: str, problem: str) -> None:
    assert problems(f"{PLAIN}{line}\n") == [f"shop.toml:4: currencies.points.{problem}"]


# What the table of the rule base says in line 6, and what is wrong with it.
OF_A_RULE = [
    ('currency = "pionts"', 'currency names no currency: "pionts"; did you mean "points"?'),
    ('currency = "xyz"', 'currency names no currency: "xyz"; there are: "points"'),
    ("currency = 1", "currency must be a text, not 1"),
    ("pending = { days = -1 }", "pending.days must be an integer of at least 0, not -1"),
    (
        "pending = { confirm_within_days = 0 }",
        "pending.confirm_within_days must be an integer of at least 1, not 0",
    ),
    ('rounding = "up"', 'rounding must be "floor", "half_even" or "ceil", not "up"'),
    ('over_ceiling = "Clip"', 'over_ceiling must be "reject" or "clip", not "Clip"; did you'),
    ("expiry.months = 1", "expiry.model is missing"),
    ('based_on = "bass"', 'based_on names no rule: "bass"; there are: "other"'),
    ('based_on = "othr"', 'based_on names no rule: "othr"; did you mean "other"?'),
    ('based_on = "base"', "based_on is a cycle: base -> base"),
    ("floor = 1", "floor is unknown; there are: currency, points_per_money, rounding, expiry,"),
]


@pytest.mark.parametrize(("line", "problem"), OF_A_RULE)
def test_mistakes_in_a_rule(line: str, problem: str) -> None:
    more = "" if line.startswith(("currency", "based_on")) else 'currency = "points"\n'
    text = f'{PLAIN}\n[rules.base]\n{line}\n{more}[rules.other]\ncurrency = "points"\n'
    (found,) = problems(text)
    assert found.startswith(f"shop.toml:6: rules.base.{problem}")


@pytest.mark.parametrize(
    ("rate", "problem"),
    [
        ("0", ", not 0"),
        ("-1", ", not -1"),
        ('"0/1"', ', not "0/1"'),
        ('"1/0"', ', not "1/0"'),
        ('"-1/10"', ', not "-1/10"'),
        ('"1 / 10"', ', not "1 / 10"'),
        ('"0.1"', ', not "0.1"'),
        ('"1/2/3"', ', not "1/2/3"'),
        ('"\u0663/\u0661"', ", not"),
        ("0.1", ', not 0.1; a float is not exact: write "1/10"'),
        ("2.5", ', not 2.5; a float is not exact: write "5/2"'),
        ("1e-30", ", not 1e-30; a float is not exact: write a fraction"),
        ("nan", ", not nan"),
        ("true", ", not true"),
    ],
)
def test_rates_that_are_none(rate: str, problem: str) -> None:
    text = f'{PLAIN}[rules.base]\ncurrency = "points"\npoints_per_money = {rate}'
    (found,) = problems(text)
    assert found.startswith(f"shop.toml:6: {RATE}{problem}")


@pytest.mark.parametrize("rate", [str(2**31), f'"1/{2**31}"', f'"{2**31 - 1}/{2**31}"'])
def test_rates_that_do_not_fit(rate: str) -> None:
    text = f'{PLAIN}[rules.base]\ncurrency = "points"\npoints_per_money = {rate}'
    (found,) = problems(text)
    assert "must be a fraction whose parts are below 2^31 in lowest terms" in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "",
            ["1: name is missing", "1: time_zone is missing", "1: currencies is missing"],
        ),
        (TOP, ["1: currencies is missing"]),
        (f"{TOP}currencies = 1", ["3: currencies must be a table, not 1"]),
        (f"{TOP}[[currencies]]", ["3: currencies must be a table, not a list"]),
        (f"{TOP}currencies.a = 1", ["3: currencies.a must be a table, not 1"]),
        (
            f"{TOP}[currencies]",
            ["3: currencies must be at least one, such as [currencies.points]"],
        ),
        (
            TOP + "".join(f"[currencies.c{number}]\n" for number in range(17)),
            ["3: currencies must be at most 16, not 17"],
        ),
        (
            f'{TOP}[currencies."{"x" * 33}"]',
            [f"3: currencies.{'x' * 33} must have a text of 1 to 32 bytes as its name"],
        ),
        (
            f'{TOP}[currencies."{"é" * 17}"]',
            [f'3: currencies."{"é" * 17}" must have a text of 1 to 32 bytes as its name'],
        ),
        (
            f'{PLAIN}[rules.""]\ncurrency = "points"',
            ['4: rules."" must have a text of 1 to 256 bytes as its name'],
        ),
        (f"{PLAIN}[tiers.gold]", ["4: tiers is unknown; there are: name, time_zone,"]),
        (f"nam = 'x'\n{PLAIN}", ["1: nam is unknown; did you mean name?"]),
        (f"{PLAIN}[rules.base]", ["4: rules.base.currency is missing"]),
        (PLAIN.replace('"Shop"', '""'), ['1: name must be a text of 1 to 256 bytes, not ""']),
        (PLAIN.replace('"Shop"', "5"), ["1: name must be a text, not 5"]),
        (f"{PLAIN}a\n", ["4: this is not TOML: Expected '=' after a key in a key/value pair"]),
        (f"{PLAIN}[currencies.points]", ["4: this is not TOML: Cannot declare"]),
        (f"{PLAIN}floor = 1\nfloor = 2\n", ["5: this is not TOML: Cannot overwrite a value"]),
        (f"{PLAIN}floor = {'9' * 5000}", ["4: this is not TOML: Exceeds the limit"]),
        ("a = " + "[" * 9000, ["1: this is nested too deeply"]),
    ],
)
def test_mistakes_in_a_document(text: str, expected: list[str]) -> None:
    found = problems(text)
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(f"shop.toml:{start}")


@pytest.mark.parametrize(
    ("zone", "meant"),
    [
        ("Europe/Pari", "Europe/Paris"),
        ("europe/paris", "Europe/Paris"),
        ("Paris", "Europe/Paris"),
        ("new york", "America/New_York"),
        ("utc", "UTC"),
        ("../Europe/Paris", "Europe/Paris"),
        ("right/Europe/Paris", "Europe/Paris"),
        ("Mars/Olympus", None),
        ("localtime", None),
        ("", None),
    ],
)
def test_zones_that_are_none(zone: str, meant: str | None) -> None:
    (found,) = problems(PLAIN.replace("Europe/Paris", zone))
    start = 'shop.toml:2: time_zone must be an IANA time zone such as "Europe/Paris", not '
    assert found.startswith(f'{start}"{zone}"')
    assert meant is None or found.endswith(f'"{zone}"; did you mean "{meant}"?')


def test_all_problems_at_once_in_the_order_of_their_lines() -> None:
    text = """
        time_zone = "Europe/Paris"
        [rules.a]
        based_on = "b"      # a cycle, told once
        [rules.b]
        based_on = "c"
        [rules.c]
        based_on = "a"
        [rules.d]
        based_on = "a"
        [currencies."my points"]
        expiry = { model = "dates", dates = [
            "06-30",  # right
            "13-31",

            1, "06-30" ] }
        ceiling = ""
        [rules.c.pending]
        days = -1
        """
    assert problems(text) == [
        "shop.toml:1: name is missing",
        "shop.toml:4: rules.a.based_on is a cycle: a -> b -> c -> a",
        f'shop.toml:14: currencies."my points".expiry.dates[1] {DATE}, not "13-31"',
        'shop.toml:16: currencies."my points".expiry.dates[2] must be a text, not 1',
        'shop.toml:16: currencies."my points".expiry.dates[3] must not be there twice: "06-30"',
        'shop.toml:17: currencies."my points".ceiling must be an integer, not ""',
        "shop.toml:19: rules.c.pending.days must be an integer of at least 0, not -1",
    ]


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "shop.toml"
    file.write_bytes(b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode())
    assert Program.read(file) == Program.read(str(file)) == Program.from_toml(PLAIN)
    file.write_bytes(PLAIN.encode() + b'x = "\xff"')
    with pytest.raises(InvalidInputError, match=rf"{file}:4: this is not UTF-8"):
        Program.read(file)
    with pytest.raises(FileNotFoundError):
        Program.read(tmp_path / "nowhere.toml")


def test_defaults_are_written_out() -> None:
    text = PLAIN + '[currencies.miles]\n[rules.base]\ncurrency = "miles"\n'
    currency = (
        '{"ceiling":null,"decimals":0,"expiry":{"model":"never"},"floor":0,"name":"%s",'
        '"over_ceiling":"reject","pending":null,"reinstate_within_days":0,'
        '"return_of_expired_days":0,"reversal":"arrears","transfer":"keep_expiry"}'
    )
    assert Program.from_toml(text).to_json() == (
        f'{{"currencies":[{currency % "points"},{currency % "miles"}],"format":1,'
        '"ladders":[],"name":"Shop",'
        '"rules":[{"currency":"miles","expiry":{"model":"never"},"name":"base",'
        '"over_ceiling":"reject","pending":null,"points_per_money":null,"rounding":"floor"}],'
        '"time_zone":"Europe/Paris"}'
    )


def test_rules_inherit_from_rules_and_then_from_their_currency() -> None:
    text = f"""{TOP}
        [currencies.points]
        expiry = {{ model = "rolling", months = 12, round_up = "month" }}
        pending = {{ days = 14 }}
        over_ceiling = "clip"
        [currencies.miles]
        expiry = {{ model = "inactivity", months = 18 }}
        [rules.grandchild]
        based_on = "child"
        currency = "miles"
        [rules.child]
        based_on = "base"
        points_per_money = 2
        pending = {{ days = 0 }}
        [rules.base]
        currency = "points"
        points_per_money = "10/100"
        rounding = "ceil"
        """
    program = Program.from_toml(text)
    assert list(program.rules) == ["grandchild", "child", "base"]
    base, child, grandchild = (program.rules[name] for name in ("base", "child", "grandchild"))
    assert (base.points_per_money, base.rounding, base.over_ceiling) == ((1, 10), "ceil", "clip")
    assert base.expiry is not None
    assert base.expiry.model_dump() == {
        "model": "rolling",
        "days": 0,
        "months": 12,
        "round_up": "month",
    }
    assert base.pending is not None
    assert (base.pending.days, child.pending) == (14, None)
    assert (child.currency, child.points_per_money, child.rounding) == ("points", (2, 1), "ceil")
    # Of another currency: what no rule of the line says is that one's.
    assert (grandchild.currency, grandchild.points_per_money) == ("miles", (2, 1))
    assert grandchild.expiry is not None
    assert grandchild.expiry.model_dump() == {"model": "inactivity", "months": 18}
    assert (grandchild.pending, grandchild.over_ceiling) == (None, "reject")

"""Programmes in a ledger: versions, what may not change, and the commands for them."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import loyalty
from loyalty.cli import app
from loyalty.program import Program

pytestmark = pytest.mark.also_served

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "programme.md"
CURRENCIES = ("points", "miles")
FIRST = """
name = "Shop"
time_zone = "Europe/Paris"
[currencies.points]
[currencies.miles]
[rules.base]
currency = "points"
points_per_money = "1/10"
"""
SECOND = FIRST.replace("1/10", "1/5")


@pytest.fixture
def shop(path: Path) -> Path:
    """A ledger where somebody has points and nobody has miles."""
    with loyalty.create(path, CURRENCIES) as ledger:
        ledger.open_member("ada")
        ledger.earn("ada", 100, currency="points")
    return path


@pytest.fixture
def ledger(shop: Path) -> Iterator[loyalty.Ledger]:
    with loyalty.open(shop) as ledger:
        yield ledger


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "shop.toml"
    file.write_text(FIRST)
    return file


def cli(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["program", *map(str, arguments)])


def cli_json(*arguments: object) -> Any:
    result = cli(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def form(text: str) -> Any:
    return json.loads(Program.from_toml(text).to_json())


def test_a_new_ledger_has_all_defaults(ledger: loyalty.Ledger) -> None:
    assert ledger.program.currencies == Program.simple(CURRENCIES).currencies
    assert not ledger.program.rules


def test_versions(ledger: loyalty.Ledger) -> None:
    before = ledger.program_version
    first, second = Program.from_toml(FIRST), Program.from_toml(SECOND)
    assert ledger.apply_program(first) == before + 1
    assert ledger.apply_program(first) == before + 1
    assert ledger.apply_program(second, actor="ada", reason="more") == before + 2
    assert ledger.program == second
    assert ledger.program_version == before + 2
    assert ledger.program_at(before + 1) == first
    assert ledger.program_at(before + 2) == second
    with pytest.raises(loyalty.NotFoundError):
        ledger.program_at(before + 3)
    assert ledger.apply_program(first) == before + 3
    defined = [row for row in ledger.changes().to_pylist() if row["kind"] == "define_program"]
    assert [(row["actor"], row["reason"]) for row in defined[-3:]] == [
        (None, None),
        ("ada", "more"),
        (None, None),
    ]


def test_versions_are_there_after_opening_again(shop: Path) -> None:
    program = Program.from_toml(FIRST)
    with loyalty.open(shop) as ledger:
        version = ledger.apply_program(program)
    with loyalty.open(shop) as ledger:
        assert ledger.program == program
        assert ledger.program_version == version
        assert ledger.program_at(version).to_toml() == program.to_toml()


def test_currencies_come_with_a_programme(ledger: loyalty.Ledger) -> None:
    ledger.apply_program(Program.from_toml(FIRST + "[currencies.stamps]\n"))
    assert ledger.currencies == (*CURRENCIES, "stamps")
    ledger.earn("ada", 5, currency="stamps")
    assert ledger.balance("ada", "stamps").active == 5


def test_a_currency_in_use_stays(ledger: loyalty.Ledger) -> None:
    version = ledger.program_version
    without = Program.from_toml(FIRST.replace("points]", "stars]").replace('"points"', '"stars"'))
    with pytest.raises(loyalty.InvalidInputError, match="points"):
        ledger.apply_program(without)
    finer = Program.from_toml(
        FIRST.replace("[currencies.points]", "[currencies.points]\ndecimals=2")
    )
    with pytest.raises(loyalty.InvalidInputError, match=r"currencies\.points\.decimals"):
        ledger.apply_program(finer)
    assert ledger.program_version == version
    ledger.apply_program(Program.from_toml(FIRST.replace("[currencies.miles]", "")))
    assert list(ledger.program.currencies) == ["points"]


def test_the_example_of_the_reference_applies(ledger: loyalty.Ledger) -> None:
    (example,) = re.findall(r"^```toml\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
    ledger.apply_program(Program.from_toml(example))
    ledger.earn("ada", money=1_234, rule="double", currency="points")
    assert ledger.balance("ada", "points").active == 100 + 246


def test_show(shop: Path, file: Path) -> None:
    assert cli("apply", shop, file).exit_code == 0
    with loyalty.open(shop) as ledger:
        version = ledger.program_version
    result = cli("show", shop)
    assert result.exit_code == 0, result.stderr
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[:3] == [
        f"version {version}, in force",
        "programme Shop",
        "time zone Europe/Paris",
    ]
    assert "base points 1/10 never none" in lines
    assert cli_json("show", shop) == form(FIRST)
    assert Program.from_toml(cli("show", shop, "--toml").stdout) == Program.from_toml(FIRST)
    assert cli("show", shop, "--toml", "--json").exit_code == 2


def test_show_a_version(shop: Path, file: Path) -> None:
    first = cli_json("apply", shop, file)["version"]
    file.write_text(SECOND)
    second = cli_json("apply", shop, file)["version"]
    assert second == first + 1
    assert cli_json("show", shop, "--version", first) == form(FIRST)
    assert cli_json("show", shop, "--version", second) == form(SECOND)
    assert f"{first} of {second}" in cli("show", shop, "--version", first).stdout
    missing = cli("show", shop, "--version", second + 1)
    assert missing.exit_code == 2
    assert str(second + 1) in missing.stderr
    assert "loyalty init" not in missing.stderr


def test_apply(shop: Path, file: Path) -> None:
    assert cli("apply", shop, file).exit_code == 0
    file.write_text(SECOND)
    with loyalty.open(shop) as ledger:
        version = ledger.program_version
    changes = """rules.base.points_per_money
  - "1/10"
  + "1/5"
"""
    dry = cli("apply", shop, file, "--dry-run")
    assert dry.exit_code == 0, dry.stderr
    assert dry.stdout.startswith(changes)
    assert f"Version {version} stays in force: this was a dry run." in dry.stdout
    assert cli_json("show", shop) == form(FIRST)
    done = cli("apply", shop, file, "--actor", "ada", "--reason", "more")
    assert done.stdout == f"{changes}Version {version + 1} is in force.\n"
    again = cli("apply", shop, file)
    assert again.stdout == f"Nothing changes.\nVersion {version + 1} stays in force.\n"
    assert cli_json("apply", shop, file) == {
        "dry_run": False,
        "was": version + 1,
        "version": version + 1,
        "changes": [],
    }
    with loyalty.open(shop) as ledger:
        rows = ledger.changes().to_pylist()
    assert ("ada", "more") in [(row["actor"], row["reason"]) for row in rows]


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_apply_refuses(shop: Path, file: Path, options: tuple[str, ...]) -> None:
    file.write_text(
        FIRST.replace("[currencies.points]", "[currencies.stars]").replace('"points"', '"stars"')
    )
    result = cli("apply", shop, file, *options)
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "loyalty: the programme cannot follow the one in force",
        "currencies.points is in use: it cannot be removed, nor called otherwise",
    ]
    file.write_text(FIRST.replace("1/10", "0"))
    wrong = cli("apply", shop, file, *options)
    assert wrong.exit_code == 2
    assert f"{file}:8: rules.base.points_per_money" in wrong.stderr
    # Nobody has miles.
    file.write_text(FIRST.replace("[currencies.miles]", ""))
    assert cli("apply", shop, file, *options).exit_code == 0


def test_diff_with_a_ledger(shop: Path, file: Path) -> None:
    assert cli("apply", shop, file).exit_code == 0
    assert cli("diff", shop, file).stdout == "Nothing changes.\n"
    file.write_text(SECOND)
    change = {"key": "rules.base.points_per_money", "old": '"1/10"', "new": '"1/5"'}
    assert cli_json("diff", shop, file) == {"changes": [change]}
    back = {**change, "old": change["new"], "new": change["old"]}
    assert cli_json("diff", file, shop) == {"changes": [back]}


def test_a_directory_that_is_no_ledger(tmp_path: Path, file: Path) -> None:
    for arguments in (("show", tmp_path), ("apply", tmp_path, file), ("diff", tmp_path, file)):
        result = cli(*arguments)
        assert result.exit_code == 2
        assert str(tmp_path) in result.stderr
        assert "loyalty init" in result.stderr


def test_money_paid_back_takes_what_the_rule_of_then_made_of_it(ledger: loyalty.Ledger) -> None:
    ledger.apply_program(Program.from_toml(FIRST))
    bought = ledger.earn("ada", currency="points", money=1000, rule="base", id="shoes")
    assert bought.points == 100
    ledger.apply_program(Program.from_toml(SECOND))
    assert ledger.reverse("ada", "shoes", "points", money=95, id="back").points == -10
    frame = {
        "id": ["lace", "all"],
        "kind": "reverse",
        "member": "ada",
        "currency": "points",
        "related": "shoes",
        "points": [None, 0],
        "money": [5, 0],
        "effective_time": dt.date(2030, 1, 1),
    }
    assert ledger.post(frame).points.tolist() == [0, -90]

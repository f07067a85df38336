"""Programmes on the command line, as far as files go, and their reference."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel
from typer.testing import CliRunner, Result

from loyalty import InvalidInputError
from loyalty.cli import commands
from loyalty.cli import program as program_commands
from loyalty.program import Program, document

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "programme.md"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
OLD = """
name = "Shop"
time_zone = "Europe/Paris"
[currencies.points]
expiry = { model = "rolling", months = 12 }
[rules.base]
currency = "points"
points_per_money = "1/10"
"""
NEW = """
name = "Shop"
time_zone = "UTC"
[currencies.points]
decimals = 2
expiry = { model = "rolling", months = 12, round_up = "month" }
"""
CHANGES = """\
time_zone
  - "Europe/Paris"
  + "UTC"
currencies.points.decimals
  - 0
  + 2
currencies.points.expiry
  - { model = "rolling", months = 12 }
  + { model = "rolling", months = 12, round_up = "month" }
rules.base
  - { currency = "points", points_per_money = "1/10" }
"""


def fenced(language: str) -> list[str]:
    return [text for kind, text in FENCED.findall(DOCUMENT.read_text()) if kind == language]


def test_the_example_of_the_reference_is_right() -> None:
    (example,) = fenced("toml")
    program = Program.from_toml(example, "shop.toml")
    assert list(program.rules) == ["base", "online", "double", "welcome"]
    assert program.rules["double"].points_per_money == (1, 5)
    _, shown = fenced("text")[0].split("\n", 1)
    assert [level.name for level in program.ladders["status"].levels][1:3] == ["silver", "gold"]
    wrong = example.replace("months = 12", "months = 0", 1).replace("rounding", "roundin")
    with pytest.raises(InvalidInputError) as caught:
        Program.from_toml(wrong, "shop.toml")
    assert str(caught.value) + "\n" == fenced("text")[0]
    assert shown.count("\n") == 2
    contradiction = example.replace("{ spent = 100000, visits", "{ visits")
    with pytest.raises(InvalidInputError) as caught:
        Program.from_toml(contradiction, "shop.toml")
    assert str(caught.value).split("\n", 1)[1] + "\n" == fenced("text")[1]
    (form,) = fenced("json")
    assert Program.from_json(form).to_json() == form.strip()


def models(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in kind.__subclasses__():
        yield from models(model)
        if model.__module__ == document.__name__:
            yield model


def test_the_reference_names_every_key() -> None:
    text = DOCUMENT.read_text()
    keys = {key for model in models(BaseModel) for key in model.model_fields}
    assert {"time_zone", "round_up", "based_on", "reinstate_days"} <= keys
    assert [key for key in sorted(keys) if not re.search(rf"`[^`]*\b{key}\b[^`]*`", text)] == []


APP = typer.Typer(cls=commands._Group)
APP.add_typer(program_commands.app, name="program")


@APP.callback()
def _callback() -> None:
    """Let `program` be a command of several."""


def cli(*arguments: object) -> Result:
    return CliRunner().invoke(APP, ["program", *map(str, arguments)])


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.toml"
    path.write_text(OLD)
    return path


@pytest.fixture
def new(tmp_path: Path) -> Path:
    path = tmp_path / "new.toml"
    path.write_text(NEW)
    return path


def test_check(old: Path, new: Path) -> None:
    result = cli("check", old)
    assert result.exit_code == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines() if line.strip()]
    assert ["time", "zone", "Europe/Paris"] in lines
    assert ["currency", "expiry", "pending"] in lines
    assert ["points", "12", "months", "none"] in lines
    assert ["base", "points", "1/10", "12", "months", "none"] in lines
    assert "decimals" in cli("check", new).stdout
    assert json.loads(cli("check", old, "--json").stdout) == json.loads(Program.read(old).to_json())


def test_check_tells_all_problems(old: Path) -> None:
    old.write_text(OLD.replace("12", "0").replace("points_per", "point_per"))
    result = cli("check", old)
    assert result.exit_code == 2
    assert not result.stdout
    assert result.stderr.splitlines() == [
        f"loyalty: {old}: 2 problems",
        f"{old}:5: currencies.points.expiry.months must be an integer of at least 1, not 0",
        f"{old}:8: rules.base.point_per_money is unknown; did you mean points_per_money?",
    ]
    assert cli("check", old.parent / "nowhere.toml").exit_code == 2


def test_diff(old: Path, new: Path) -> None:
    result = cli("diff", old, new)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == CHANGES
    rows = json.loads(cli("diff", old, new, "--json").stdout)["changes"]
    assert rows[0] == {"key": "time_zone", "old": '"Europe/Paris"', "new": '"UTC"'}
    assert rows[-1]["new"] is None
    assert cli("diff", old, old).stdout == "Nothing changes.\n"

"""The examples in README.md run, and print what it shows."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8")
BIN = Path(sys.executable).parent


def run(arguments: list[str], directory: Path) -> str:
    """Return what the command prints, complaints included, without blanks at the ends of lines."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    environment |= {"PYTHONUTF8": "1", "COLUMNS": "100"}
    environment.pop("FORCE_COLOR", None)
    done = subprocess.run(
        arguments,
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return without_end_blanks(done.stdout)


def without_end_blanks(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def commands(transcript: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a transcript with what it should print."""
    for part in re.split(r"^\$ ", transcript, flags=re.MULTILINE)[1:]:
        command, shown = re.split(r"(?<!\\)\n", part, maxsplit=1)
        yield command, without_end_blanks(shown)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The directory where the Python example ran, and what it printed."""
    directory = tmp_path_factory.mktemp("readme")
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    return directory, run([sys.executable, "-c", example], directory)


def test_the_python_example_prints_what_is_shown(ran: tuple[Path, str]) -> None:
    (shown,) = re.findall(r"```python\n.*?```\s*```text\n(.*?)```", TEXT, re.DOTALL)
    assert ran[1] == shown.rstrip("\n")


def test_the_commands_print_what_is_shown(ran: tuple[Path, str]) -> None:
    directory, _ = ran
    transcript = "".join(re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL))
    (file_command, content), *others = commands(transcript)
    (directory / file_command.removeprefix("cat ")).write_text(content + "\n")
    assert [command.split()[:2] for command, _ in others] == [
        ["loyalty", name] for name in ("import", "history", "verify", "post")
    ]
    for command, shown in others:
        pattern = re.escape(shown).replace("…", ".+")
        printed = run(["sh", "-c", command], directory)
        assert re.fullmatch(pattern, printed), f"{command}\n{printed}"


def test_the_numbers_are_those_of_the_results() -> None:
    (named,) = re.findall(r"benchmarks/results/[0-9-]+\.json", TEXT)
    known = set()
    for result in json.loads((README.parent / named).read_text(encoding="utf-8")):
        for number in _numbers(result):
            known |= {f"{number:,.0f}", f"{number:.1f}", f"{number:.2f}"}
    table = TEXT[TEXT.index("| what | here | peer |") :].partition("\n\n")[0]
    rows = [row.split("|")[1:3] + row.split("|")[4:-1] for row in table.splitlines()[2:]]
    shown = [number for row in rows for cell in row[1:] for number in _NUMBER.findall(cell)]
    assert len(shown) > len(rows)
    assert [number for number in shown if number not in known] == []


_NUMBER = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?")


def _numbers(value: object) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _numbers(part)
    elif isinstance(value, int | float):
        yield value

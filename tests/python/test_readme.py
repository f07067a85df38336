"""The examples in README.md run, and print what it shows."""

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
    (transcript,) = re.findall(r"```console\n(.*?)```", TEXT, re.DOTALL)
    (file_command, content), *others = commands(transcript)
    (directory / file_command.removeprefix("cat ")).write_text(content + "\n")
    assert [command.split()[:2] for command, _ in others] == [
        ["loyalty", name] for name in ("import", "history", "verify")
    ]
    for command, shown in others:
        pattern = re.escape(shown).replace("…", ".+")
        printed = run(["sh", "-c", command], directory)
        assert re.fullmatch(pattern, printed), f"{command}\n{printed}"

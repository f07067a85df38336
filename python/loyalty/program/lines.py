"""The lines of the keys of a TOML document, by the one parser that also reads it.

TOML is a list of statements (a header, or a key with its value), each of which ends with its line
and can be read without the others. So a statement ends with the first line up to which `tomllib`
reads it, and what it says there is what the line is about. In the midst of a list over several
lines, closing it shows what was said so far.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from loyalty.program.notation import Path

# What may be open at the end of a line: a list, perhaps in a table of another list, inside of
# inline tables (and of TOML 1.1 also these alone).
_CLOSERS = (
    *("", "]", "]}", "]}}", "]}}}", "]}}}}", "]}]", "]}]}", "]}]}}", "]}]}}}"),
    *("}", "}}", "}}}", "}]", "}]}", "}]}}"),
)
_LINES_MOST = 500  # of one statement; reading it line by line takes their square


class Lines:
    """The line of each key of a valid document.

    Parameters
    ----------
    text : str
        The document, which `tomllib` reads.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {(): 1}
        self._last: dict[
            Path, int
        ] = {}  # of each list that headers make: the place of its last table
        header: Path = ()
        for first, statement in _statements(text):
            read = _read(statement)
            outermost = _first_keys(read)
            if statement[0].lstrip().startswith("["):
                header = self._header(outermost, in_list=_ends_in_list(read, outermost))
                self._found(header, first)
                self._lines[header] = first
                continue
            self._found(header + outermost, first)
            for count in range(1, len(statement) + 1):
                for path in _paths(_read(statement[:count]), ()):
                    self._found(header + path, first + count - 1)

    def of(self, path: Path) -> int:
        """Return the line of a key; of one that is not there, that of the table it belongs to."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def _header(self, keys: Path, *, in_list: bool) -> Path:
        """Return the path of a header's table: of a list, what other headers name is its last."""
        path: Path = ()
        for at, key in enumerate(keys, start=1):
            path = (*path, key)
            if in_list and at == len(keys):
                self._last[path] = self._last.get(path, -1) + 1
            if path in self._last:
                path = (*path, self._last[path])
        return path

    def _found(self, path: Path, line: int) -> None:
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], line)


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the statements: the number of the first line, and the lines."""
    statement: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        statement.append(line)
        read = _try("\n".join(statement))
        if read is not None:
            if read:
                yield number - len(statement) + 1, statement
            statement = []
        elif len(statement) > _LINES_MOST:
            return  # what comes then is told at its table's line, or the first


def _read(lines: list[str]) -> dict[str, Any]:
    """What is said by these first lines of a statement."""
    text = "\n".join(lines)
    for closer in _CLOSERS:
        read = _try(f"{text}\n{closer}" if closer else text)
        if read is not None:
            return read
    return {}


def _try(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except ValueError:
        return None


def _first_keys(value: object) -> Path:
    """The first key, the first one in its table, and so on: a statement begins with them."""
    if not isinstance(value, dict) or not value:
        return ()
    key = next(iter(value))
    return (key, *_first_keys(value[key]))


def _ends_in_list(read: Any, keys: Path) -> bool:
    for key in keys:
        read = read[key]
    return isinstance(read, list)


def _paths(value: object, path: Path) -> Iterator[Path]:
    """Yield the paths of all keys and list items, outer ones first."""
    items: Iterator[tuple[str | int, object]] = iter(())
    if isinstance(value, dict):
        items = iter(value.items())
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield (*path, key)
        yield from _paths(inner, (*path, key))

"""What is wrong with a document: problems, each at a key, that are told all at once."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn

from loyalty.errors import InvalidInputError
from loyalty.program.notation import Path, inline, key_text, quoted

_SHOWN_MOST = 60


@dataclass(frozen=True)
class Problem:
    """One problem: the path of its key, and what to say after the key."""

    path: Path
    text: str

    def __str__(self) -> str:
        return f"{key_text(self.path)} {self.text}".lstrip()


def refuse(
    source: str, problems: Iterable[Problem], line_of: Callable[[Path], int] | None = None
) -> NoReturn:
    """Raise all problems as one error, in the order of their lines.

    Raises
    ------
    InvalidInputError
        A line that says how many they are, and a line for each.
    """
    found = list(dict.fromkeys(problems))
    count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
    texts = [str(problem) for problem in found]
    if line_of is not None:
        lines = [line_of(problem.path) for problem in found]
        order = sorted(range(len(found)), key=lambda at: lines[at])
        texts = [f"{source}:{lines[at]}: {texts[at]}" for at in order]
    raise InvalidInputError("\n".join([f"{source}: {count}", *texts])) from None


def shown(value: object) -> str:
    """A value as a message shows it."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "null"
    text = value.isoformat() if isinstance(value, dt.date | dt.time) else inline(value)
    return text if len(text) <= _SHOWN_MOST else text[:_SHOWN_MOST] + "…"


def one_of(choices: list[str], value: object) -> str:
    """The problem of a value that is none of the choices."""
    words = [quoted(choice) for choice in choices]
    what = " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
    return f"must be {what}, not {shown(value)}{near(value, choices, otherwise=False)}"


def near(value: object, known: Iterable[str], *, quote: bool = True, otherwise: bool = True) -> str:
    """How a message about an unknown word goes on: what was perhaps meant, or what there is."""
    words = list(known)
    by_folded = {word.casefold(): word for word in reversed(words)}
    folded = value.casefold() if isinstance(value, str) else ""
    if close := difflib.get_close_matches(folded, by_folded, n=1):
        meant = by_folded[close[0]]
        return f"; did you mean {quoted(meant) if quote else meant}?"
    if not otherwise or not words:
        return ""
    return f"; there are: {', '.join(quoted(word) if quote else word for word in words)}"

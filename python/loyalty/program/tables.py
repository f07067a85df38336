"""Tables as they were read, where anything may have the wrong type, and what is asked of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from loyalty.program.kinds import text_problem
from loyalty.program.notation import Path
from loyalty.program.problems import Problem, near, shown

Table = Mapping[str, Any]
Tables = Mapping[str, Table]


def tables(table: Table, key: str) -> Tables:
    """The tables by name in a table; what else is there is passed over."""
    found = table.get(key)
    if not isinstance(found, dict):
        return {}
    return {name: inner for name, inner in found.items() if isinstance(inner, dict)}


def with_paths(named: Tables, *path: str | int) -> list[tuple[Path, Table]]:
    """Tables by name, each with its path."""
    return [((*path, name), table) for name, table in named.items()]


def listed(table: Table, key: str, *path: str | int) -> list[tuple[Path, Table]]:
    """The tables in a list, each with its path; what else is there is passed over."""
    items = table.get(key)
    if not isinstance(items, list):
        return []
    return [((*path, key, at), item) for at, item in enumerate(items) if isinstance(item, dict)]


def is_integer(value: object) -> bool:
    """Whether a value is an integer, which flags are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def named_rightly(path: Path, most: int) -> Iterator[Problem]:
    """Yield what is wrong with a name that is a key."""
    if what := text_problem(str(path[-1]), most):
        yield Problem(path, f"must have {what} as its name")


def new_name(path: Path, table: Table, seen: list[str]) -> Iterator[Problem]:
    """Yield what is wrong with a name in a list of tables that have others; and note it."""
    name = table.get("name")
    if not isinstance(name, str):
        return
    if name in seen:
        yield Problem((*path, "name"), f"must not be there twice: {shown(name)}")
    seen.append(name)


def just_one(path: Path, table: Table, key: str, either: tuple[str, str]) -> Iterator[Problem]:
    """Yield what is wrong with a table within a table that has one of two keys."""
    part = table.get(key)
    if isinstance(part, dict):
        yield from one_of_both((*path, key), [each in part for each in either], either)


def one_of_both(path: Path, there: list[bool], either: tuple[str, str]) -> Iterator[Problem]:
    """Yield what is wrong when not just one of two is there."""
    if sum(there) != 1:
        found = "both are there" if all(there) else "neither is there"
        yield Problem(path, f"must have just one of {' and '.join(either)}: {found}")


def one_span(path: Path, table: object) -> Iterator[Problem]:
    """Yield what is wrong with a span of the normalised form: one of days and months is 0."""
    if not isinstance(table, dict):
        return
    days, months = table.get("days"), table.get("months")
    if is_integer(days) and is_integer(months) and (days == 0) == (months == 0):
        yield Problem(path, "must have one of days and months above 0, one 0")


def expiry_as_written(path: Path, expiry: object) -> Iterator[Problem]:
    """Yield what does not fit together in an expiry of a document."""
    if not isinstance(expiry, dict):
        return
    if expiry.get("model") == "rolling":
        either = ("days", "months")
        yield from one_of_both(path, [each in expiry for each in either], either)
    if expiry.get("model") == "dates":
        yield from no_repeats((*path, "dates"), expiry.get("dates"))


def normal_expiry(path: Path, expiry: object) -> Iterator[Problem]:
    """Yield what is wrong with an expiry of the normalised form, and would not be in a document."""
    if isinstance(expiry, dict):
        if expiry.get("model") == "rolling":
            yield from one_span(path, expiry)
        yield from sorted_texts((*path, "dates"), expiry.get("dates"))


def known_currency(path: Path, name: str, known: Iterable[str]) -> Iterator[Problem]:
    """Yield what is wrong with the name of a currency."""
    names = list(known)
    if name not in names:
        yield Problem(path, f"names no currency: {shown(name)}{near(name, names)}")


def no_repeats(path: Path, items: object) -> Iterator[Problem]:
    """Yield the texts that are in a list for the second time."""
    if not isinstance(items, list):
        return
    for at, item in enumerate(items):
        if isinstance(item, str) and item in items[:at]:
            yield Problem((*path, at), f"must not be there twice: {shown(item)}")


def sorted_texts(path: Path, items: object) -> Iterator[Problem]:
    """Yield what is wrong with a list of the normalised form that has no order of its own."""
    if isinstance(items, list):
        texts = [item for item in items if isinstance(item, str)]
        if texts != sorted(set(texts)):
            yield Problem(path, "must be sorted, without repeats")

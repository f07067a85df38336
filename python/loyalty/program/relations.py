"""What types cannot say of a document: how its keys and tables fit together.

Both functions look at the document as it was read, of which anything may have the wrong type: that
is told elsewhere, and what has it is passed over here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from loyalty.program.kinds import CURRENCIES_MOST, CURRENCY_NAME_BYTES, NAME_BYTES, text_problem
from loyalty.program.notation import Path, key_text
from loyalty.program.problems import Problem, near, shown

Tables = Mapping[str, Mapping[str, Any]]


def document_relations(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what does not fit together in a document as it is written."""
    currencies, rules = _tables(document, "currencies"), _tables(document, "rules")
    if isinstance(document.get("currencies"), dict):
        yield from _count(len(document["currencies"]))
    for key, most in (("currencies", CURRENCY_NAME_BYTES), ("rules", NAME_BYTES)):
        for name in _tables(document, key):
            if what := text_problem(name, most):
                yield Problem((key, name), f"must have {what} as its name")
    for path, table in _with_paths(currencies, "currencies"):
        yield from _limits(path, table)
    for path, table in [*_with_paths(currencies, "currencies"), *_with_paths(rules, "rules")]:
        yield from _expiry(path, table)
        yield from _just_one(path, table, "pending", ("days", "confirm_within_days"))
    yield from _references(currencies, rules)


def form_relations(form: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what does not fit together in a normalised programme."""
    names: list[str] = []
    for key in ("currencies", "rules"):
        seen: set[str] = set()
        for path, table in _listed(form, key):
            name = table.get("name")
            if isinstance(name, str) and name in seen:
                yield Problem((*path, "name"), f"must not be there twice: {shown(name)}")
            seen |= {name} if isinstance(name, str) else set()
            yield from _normal(path, table)
            if key == "rules" and isinstance(table.get("currency"), str):
                yield from _known_currency((*path, "currency"), table["currency"], names)
        names = names or list(seen)
    if isinstance(form.get("currencies"), list):
        yield from _count(len(form["currencies"]))
    for path, table in _listed(form, "currencies"):
        yield from _limits(path, table)


def lineage(name: str, rules: Tables) -> list[str]:
    """Return a rule, the one that it is based on, and so on, up to the last or to a repeat."""
    names = [name]
    while True:
        base = rules[names[-1]].get("based_on")
        if not isinstance(base, str) or base not in rules:
            return names
        names.append(base)
        if base in names[:-1]:
            return names


def _references(currencies: Tables, rules: Tables) -> Iterator[Problem]:
    in_cycles: set[str] = set()
    for path, table in _with_paths(rules, "rules"):
        name = str(path[-1])
        base, currency = table.get("based_on"), table.get("currency")
        if isinstance(base, str) and base not in rules:
            others = [rule for rule in rules if rule != name]
            yield Problem((*path, "based_on"), f"names no rule: {shown(base)}{near(base, others)}")
        if isinstance(currency, str):
            yield from _known_currency((*path, "currency"), currency, currencies)
        names = lineage(name, rules)
        if len(names) > 1 and names[-1] == name and name not in in_cycles:
            in_cycles |= set(names)
            cycle = " -> ".join(key_text((rule,)) for rule in names)
            yield Problem((*path, "based_on"), f"is a cycle: {cycle}")
        if "currency" not in table and "based_on" not in table:
            yield Problem((*path, "currency"), "is missing")


def _known_currency(path: Path, name: str, known: Iterable[str]) -> Iterator[Problem]:
    names = list(known)
    if name not in names:
        yield Problem(path, f"names no currency: {shown(name)}{near(name, names)}")


def _count(count: int) -> Iterator[Problem]:
    if count == 0:
        yield Problem(("currencies",), "must be at least one, such as [currencies.points]")
    if count > CURRENCIES_MOST:
        yield Problem(("currencies",), f"must be at most {CURRENCIES_MOST}, not {count}")


def _limits(path: Path, table: Mapping[str, Any]) -> Iterator[Problem]:
    floor, ceiling = table.get("floor", 0), table.get("ceiling")
    if _is_integer(floor) and _is_integer(ceiling) and ceiling < floor:
        yield Problem((*path, "ceiling"), f"must be at least the floor, {floor}, not {ceiling}")


def _expiry(path: Path, table: Mapping[str, Any]) -> Iterator[Problem]:
    expiry = table.get("expiry")
    if not isinstance(expiry, dict):
        return
    if expiry.get("model") == "rolling":
        yield from _just_one(path, table, "expiry", ("days", "months"))
    dates = expiry.get("dates")
    if expiry.get("model") == "dates" and isinstance(dates, list):
        for at, date in enumerate(dates):
            if isinstance(date, str) and date in dates[:at]:
                yield Problem((*path, "expiry", "dates", at), f"must not be there twice: {date}")


def _just_one(
    path: Path, table: Mapping[str, Any], key: str, either: tuple[str, str]
) -> Iterator[Problem]:
    part = table.get(key)
    if isinstance(part, dict):
        count = sum(each in part for each in either)
        if count != 1:
            both = " and ".join(either)
            found = "both are there" if count else "neither is there"
            yield Problem((*path, key), f"must have just one of {both}: {found}")


def _normal(path: Path, table: Mapping[str, Any]) -> Iterator[Problem]:
    """What only the normalised form asks for."""
    expiry = table.get("expiry")
    if isinstance(expiry, dict) and expiry.get("model") == "rolling":
        days, months = expiry.get("days"), expiry.get("months")
        if _is_integer(days) and _is_integer(months) and (days == 0) == (months == 0):
            yield Problem((*path, "expiry"), "must have one of days and months above 0, one 0")
    if isinstance(expiry, dict) and isinstance(expiry.get("dates"), list):
        dates = [date for date in expiry["dates"] if isinstance(date, str)]
        if dates != sorted(set(dates)):
            yield Problem((*path, "expiry", "dates"), "must be sorted, without repeats")
    yield from _just_one(path, table, "pending", ("days", "confirm_within_days"))
    rate = table.get("points_per_money")
    if isinstance(rate, list) and all(map(_is_integer, rate)) and math.gcd(*rate) > 1:
        yield Problem((*path, "points_per_money"), "must be in lowest terms")


def _tables(document: Mapping[str, Any], key: str) -> Tables:
    tables = document.get(key)
    if not isinstance(tables, dict):
        return {}
    return {name: table for name, table in tables.items() if isinstance(table, dict)}


def _with_paths(tables: Tables, key: str) -> list[tuple[Path, Mapping[str, Any]]]:
    return [((key, name), table) for name, table in tables.items()]


def _listed(form: Mapping[str, Any], key: str) -> list[tuple[Path, Mapping[str, Any]]]:
    items = form.get(key)
    if not isinstance(items, list):
        return []
    return [((key, at), item) for at, item in enumerate(items) if isinstance(item, dict)]


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)

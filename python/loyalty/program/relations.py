"""What types cannot say of a document: how its keys and tables fit together.

Both functions look at the document as it was read, of which anything may have the wrong type: that
is told elsewhere, and what has it is passed over here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from loyalty.program.kinds import CURRENCIES_MOST, CURRENCY_NAME_BYTES, NAME_BYTES
from loyalty.program.ladder_relations import document_ladders, form_ladders
from loyalty.program.notation import Path, key_text
from loyalty.program.problems import Problem, near, shown
from loyalty.program.tables import (
    Table,
    Tables,
    expiry_as_written,
    is_integer,
    just_one,
    known_currency,
    listed,
    named_rightly,
    new_name,
    normal_expiry,
    tables,
    with_paths,
)


def document_relations(document: Table) -> Iterator[Problem]:
    """Yield what does not fit together in a document as it is written."""
    currencies, rules = tables(document, "currencies"), tables(document, "rules")
    if isinstance(document.get("currencies"), dict):
        yield from _count(len(document["currencies"]))
    for path, table in with_paths(currencies, "currencies"):
        yield from named_rightly(path, CURRENCY_NAME_BYTES)
        yield from _limits(path, table)
    for path, _ in with_paths(rules, "rules"):
        yield from named_rightly(path, NAME_BYTES)
    for path, table in [*with_paths(currencies, "currencies"), *with_paths(rules, "rules")]:
        yield from expiry_as_written((*path, "expiry"), table.get("expiry"))
        yield from just_one(path, table, "pending", ("days", "confirm_within_days"))
    yield from _references(currencies, rules)
    yield from document_ladders(document, list(currencies))


def form_relations(form: Table) -> Iterator[Problem]:
    """Yield what does not fit together in a normalised programme."""
    currencies: list[str] = []
    by_level = {
        currency
        for _, ladder in listed(form, "ladders")
        for _, level in listed(ladder, "levels")
        for currency in tables(level, "expiry")
    }
    for key in ("currencies", "rules"):
        seen: list[str] = []
        for path, table in listed(form, key):
            yield from new_name(path, table, seen)
            yield from _normal(path, table)
            if key == "rules" and isinstance(table.get("currency"), str):
                yield from known_currency((*path, "currency"), table["currency"], currencies)
                if table.get("expiry", ...) is None and table["currency"] not in by_level:
                    text = f"no level says when {shown(table['currency'])} expire"
                    yield Problem((*path, "expiry"), f"must not be null: {text}")
        currencies = seen if key == "currencies" else currencies
    if isinstance(form.get("currencies"), list):
        yield from _count(len(form["currencies"]))
    for path, table in listed(form, "currencies"):
        yield from _limits(path, table)
    yield from form_ladders(form, currencies)


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
    for path, table in with_paths(rules, "rules"):
        name = str(path[-1])
        base, currency = table.get("based_on"), table.get("currency")
        if isinstance(base, str) and base not in rules:
            others = [rule for rule in rules if rule != name]
            yield Problem((*path, "based_on"), f"names no rule: {shown(base)}{near(base, others)}")
        if isinstance(currency, str):
            yield from known_currency((*path, "currency"), currency, currencies)
        names = lineage(name, rules)
        if len(names) > 1 and names[-1] == name and name not in in_cycles:
            in_cycles |= set(names)
            cycle = " -> ".join(key_text((rule,)) for rule in names)
            yield Problem((*path, "based_on"), f"is a cycle: {cycle}")
        if "currency" not in table and "based_on" not in table:
            yield Problem((*path, "currency"), "is missing")


def _count(count: int) -> Iterator[Problem]:
    if count == 0:
        yield Problem(("currencies",), "must be at least one, such as [currencies.points]")
    if count > CURRENCIES_MOST:
        yield Problem(("currencies",), f"must be at most {CURRENCIES_MOST}, not {count}")


def _limits(path: Path, table: Table) -> Iterator[Problem]:
    floor, ceiling = table.get("floor", 0), table.get("ceiling")
    if is_integer(floor) and is_integer(ceiling) and ceiling < floor:
        yield Problem((*path, "ceiling"), f"must be at least the floor, {floor}, not {ceiling}")


def _normal(path: Path, table: Table) -> Iterator[Problem]:
    """What only the normalised form asks for."""
    yield from normal_expiry((*path, "expiry"), table.get("expiry"))
    yield from just_one(path, table, "pending", ("days", "confirm_within_days"))
    rate = table.get("points_per_money")
    if isinstance(rate, list) and all(map(is_integer, rate)) and math.gcd(*rate) > 1:
        yield Problem((*path, "points_per_money"), "must be in lowest terms")

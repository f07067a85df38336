"""From one programme to the next: what changes, and what may not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pyarrow as pa

from loyalty._table import Table
from loyalty.errors import InvalidInputError
from loyalty.program.form import Form
from loyalty.program.notation import inline, key_text
from loyalty.program.problems import Problem
from loyalty.program.writing import (
    currency_values,
    rule_values,
    said_of_currency,
    said_of_rule,
)

Row = tuple[str, str | None, str | None]


def changes(old: Form, new: Form) -> Table:
    """Return the rows of `Program.diff`."""
    rows = [*_rows(old, new)]
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    names = ("key", "old", "new")
    return Table(
        pa.table(
            {
                name: pa.array(column, pa.string())
                for name, column in zip(names, columns, strict=True)
            }
        )
    )


def check_change(old: Form, new: Form, used: Collection[str]) -> None:
    """Do what `Program.check_change` says."""
    now = {currency.name: currency for currency in new.currencies}
    problems = []
    for before in old.currencies:
        if before.name not in used:
            continue
        after = now.get(before.name)
        if after is None:
            text = "is in use: it cannot be removed, nor called otherwise"
            problems.append(Problem(("currencies", before.name), text))
        elif after.decimals != before.decimals:
            text = f"must stay {before.decimals}, not {after.decimals}: the currency is in use"
            problems.append(Problem(("currencies", before.name, "decimals"), text))
    if problems:
        first = "the programme cannot follow the one in force"
        raise InvalidInputError("\n".join([first, *map(str, problems)]))


def _rows(old: Form, new: Form) -> Iterator[Row]:
    for key in ("name", "time_zone"):
        yield from _row(key, getattr(old, key), getattr(new, key))
    yield from _tables("currencies", *map(_currencies, (old, new)))
    yield from _tables("rules", *map(_rules, (old, new)))


# Of each name: all values to compare, and those to show where only one programme has the name.
_Named = Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]]


def _currencies(form: Form) -> _Named:
    return {
        currency.name: (currency_values(currency), said_of_currency(currency))
        for currency in form.currencies
    }


def _rules(form: Form) -> _Named:
    currencies = {currency.name: currency for currency in form.currencies}
    return {
        rule.name: (rule_values(rule), said_of_rule(rule, currencies[rule.currency]))
        for rule in form.rules
    }


def _tables(key: str, old: _Named, new: _Named) -> Iterator[Row]:
    for name in [*old, *(name for name in new if name not in old)]:
        path = key_text((key, name))
        if name in old and name in new:
            before, after = old[name][0], new[name][0]
            for each in before:
                yield from _row(f"{path}.{each}", before[each], after[each])
        else:
            yield from _row(path, *(side[name][1] if name in side else None for side in (old, new)))
    if [name for name in old if name in new] != [name for name in new if name in old]:
        yield from _row(key, [*old], [*new])


def _row(key: str, old: object, new: object) -> Iterator[Row]:
    if old != new:
        yield key, _shown(old), _shown(new)


def _shown(value: object) -> str | None:
    return None if value is None else inline(value)

"""From one programme to the next: what changes, and what may not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from loyalty._table import Table
from loyalty.errors import InvalidInputError
from loyalty.program.form import Form
from loyalty.program.ladder_writing import (
    ladder_values,
    level_values,
    metric_values,
    said_of_ladder,
    said_of_level,
    said_of_metric,
)
from loyalty.program.notation import Path, inline, key_text
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
    yield from _tables(("currencies",), *map(_currencies, (old, new)))
    yield from _tables(("rules",), *map(_rules, (old, new)))
    yield from _tables(("ladders",), *map(_ladders, (old, new)))


@dataclass(frozen=True)
class _Compared:
    """A table: all values to compare, and what to show where only one programme has it."""

    values: Mapping[str, Any]
    said: Mapping[str, Any]
    parts: Mapping[str, _Named] = field(default_factory=dict)  # tables within, by key


_Named = Mapping[str, _Compared]


def _currencies(form: Form) -> _Named:
    return {
        currency.name: _Compared(currency_values(currency), said_of_currency(currency))
        for currency in form.currencies
    }


def _rules(form: Form) -> _Named:
    return {
        rule.name: _Compared(rule_values(rule), said_of_rule(rule, form)) for rule in form.rules
    }


def _ladders(form: Form) -> _Named:
    ladders = {}
    for ladder in form.ladders:
        metrics = {
            metric.name: _Compared(metric_values(metric), said_of_metric(metric))
            for metric in ladder.metrics
        }
        levels = {
            level.name: _Compared(level_values(level), said_of_level(level))
            for level in ladder.levels
        }
        parts = {"metrics": metrics, "levels": levels}
        ladders[ladder.name] = _Compared(ladder_values(ladder), said_of_ladder(ladder), parts)
    return ladders


def _tables(path: Path, old: _Named, new: _Named) -> Iterator[Row]:
    for name in [*old, *(name for name in new if name not in old)]:
        key = key_text((*path, name))
        before, after = old.get(name), new.get(name)
        if before and after:
            for each in before.values:
                yield from _row(f"{key}.{each}", before.values[each], after.values[each])
            for part in before.parts:
                yield from _tables((*path, name, part), before.parts[part], after.parts[part])
        else:
            yield from _row(key, *(side and side.said for side in (before, after)))
    # Where a level is says what it is.
    whole = path[-1] == "levels"
    if [name for name in old if whole or name in new] != [
        name for name in new if whole or name in old
    ]:
        yield from _row(key_text(path), [*old], [*new])


def _row(key: str, old: object, new: object) -> Iterator[Row]:
    if old != new:
        yield key, _shown(old), _shown(new)


def _shown(value: object) -> str | None:
    return None if value is None else inline(value)

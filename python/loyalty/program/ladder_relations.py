"""What types cannot say of ladders: how their keys, metrics and levels fit together.

A ladder as it is written and a normalised one are looked at in the same way, once their metrics and
levels are found: in the normalised form null stands for what is not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from loyalty.program.kinds import (
    LADDERS_MOST,
    LEVELS_LEAST,
    LEVELS_MOST,
    METRICS_MOST,
    NAME_BYTES,
    POINTS_MOST,
)
from loyalty.program.notation import Path, inline, key_text
from loyalty.program.problems import Problem, near, shown
from loyalty.program.tables import (
    Table,
    expiry_as_written,
    is_integer,
    just_one,
    known_currency,
    listed,
    named_rightly,
    new_name,
    no_repeats,
    normal_expiry,
    one_of_both,
    one_span,
    sorted_texts,
    tables,
    with_paths,
)

_Alternatives = list[tuple[Path, dict[str, Any]]]
_Asked = list[tuple[object, _Alternatives]]  # by levels, in rising order

FILTERS = ("rules", "channels", "locations", "categories")
PERIODS = ("calendar_year", "anniversary", "cycle")  # windows that follow each other
_ADDING = ("points", "money", "postings", "days")  # metrics that add up entries
_NOT_ADDING = ("balance", "tenure_months")
_OF_ONE_CURRENCY = ("points", "balance")
_SIDES = (("earn", "adjust"), ("redeem", "capture"))


@dataclass(frozen=True)
class _Ladder:
    path: Path
    table: Table
    metrics: list[tuple[Path, Table]]
    levels: list[tuple[Path, Table]]
    metric_names: list[str] | None  # None: they cannot be told

    def validities(self) -> list[tuple[Path, Any]]:
        """What the ladder and its levels say of validity."""
        said = [(self.path, self.table), *self.levels]
        return [((*at, "validity"), table["validity"]) for at, table in said if "validity" in table]

    def expiries(self) -> list[tuple[Path, Any]]:
        """What its levels say of the expiry of currencies, whose names end the paths."""
        return [
            ((*at, "expiry", currency), expiry)
            for at, table in self.levels
            for currency, expiry in tables(table, "expiry").items()
        ]


def document_ladders(document: Table, currencies: Sequence[str]) -> Iterator[Problem]:
    """Yield what does not fit together in the ladders of a document as it is written."""
    yield from _at_most(("ladders",), document.get("ladders"), LADDERS_MOST)
    ladders: list[_Ladder] = []
    for path, table in with_paths(tables(document, "ladders"), "ladders"):
        yield from named_rightly(path, NAME_BYTES)
        metrics = with_paths(tables(table, "metrics"), *path, "metrics")
        for at, _ in metrics:
            yield from named_rightly(at, NAME_BYTES)
        names = table.get("metrics", {})
        ladder = _Ladder(
            path,
            table,
            metrics,
            listed(table, "levels", *path),
            list(names) if isinstance(names, dict) else None,
        )
        for at, inner in [(path, table), *metrics]:
            if isinstance(inner.get("window"), dict) and inner["window"].get("model") == "trailing":
                yield from just_one(at, inner, "window", ("days", "months"))
        for at, inner in [(path, table), *ladder.levels]:
            yield from just_one(at, inner, "validity", ("days", "months"))
        for at, expiry in ladder.expiries():
            yield from expiry_as_written(at, expiry)
        ladders.append(ladder)
        own = table.get("window")
        with_periods = isinstance(own, dict) and own.get("model") in PERIODS
        yield from _ladder(ladder, currencies, own if with_periods else None)
    yield from _expiries(ladders, currencies)


def form_ladders(form: Table, currencies: Sequence[str]) -> Iterator[Problem]:
    """Yield what does not fit together in the ladders of a normalised programme."""
    yield from _at_most(("ladders",), form.get("ladders"), LADDERS_MOST)
    seen: list[str] = []
    ladders: list[_Ladder] = []
    for path, table in listed(form, "ladders"):
        yield from new_name(path, table, seen)
        metrics = [(at, _without_null(inner)) for at, inner in listed(table, "metrics", *path)]
        levels = [(at, _without_null(inner)) for at, inner in listed(table, "levels", *path)]
        names: list[str] = []
        for at, inner in metrics:
            yield from new_name(at, inner, names)
            yield from _normal_metric(at, inner)
        for at, inner in levels:
            yield from one_span((*at, "validity"), inner.get("validity"))
        ladder = _Ladder(path, _without_null(table), metrics, levels, names)
        for at, expiry in ladder.expiries():
            yield from normal_expiry(at, expiry)
        ladders.append(ladder)
        period = next((window for window in _windows(ladder) if _has_periods(window)), None)
        yield from _ladder(ladder, currencies, period)
    yield from _expiries(ladders, currencies)


def _without_null(table: Table) -> Table:
    said = {key: value for key, value in table.items() if value is not None}
    if said.get("when") == []:
        del said["when"]
    return said


def _normal_metric(path: Path, table: Table) -> Iterator[Problem]:
    """What only the normalised form asks for."""
    window = table.get("window")
    if isinstance(window, dict) and window.get("model") == "trailing":
        yield from one_span((*path, "window"), window)
    for key in ("kinds", *FILTERS):
        yield from sorted_texts((*path, key), table.get(key))
    if table.get("of") in _ADDING and "kinds" not in table:
        yield Problem((*path, "kinds"), f"is missing: of is {shown(table['of'])}")


def _ladder(
    ladder: _Ladder, currencies: Sequence[str], period: dict[str, Any] | None
) -> Iterator[Problem]:
    """Yield what is wrong with a ladder whose levels may be rounded up to a window's end."""
    yield from _at_most((*ladder.path, "metrics"), ladder.table.get("metrics"), METRICS_MOST)
    for path, table in ladder.metrics:
        yield from _metric(path, table, currencies)
        if table.get("of") in _ADDING and "window" not in {**ladder.table, **table}:
            yield Problem((*path, "window"), "is missing, and the ladder has none")
    yield from _levels(ladder)
    yield from _conditions(ladder)
    yield from _lifetime(ladder)
    yield from _keeping(ladder)
    yield from _periods(ladder, period)


def _expiries(ladders: Sequence[_Ladder], currencies: Sequence[str]) -> Iterator[Problem]:
    """Yield currencies that there are not, and what several ladders say of one."""
    first: dict[object, Path] = {}  # ladder, by currency
    for ladder in ladders:
        for path, _ in ladder.expiries():
            currency = path[-1]
            if currency not in currencies:
                yield Problem(path, f"is no currency{near(currency, currencies, quote=False)}")
            elif (other := first.setdefault(currency, ladder.path)) != ladder.path:
                text = f"must not be there: levels of {key_text(other)} say it already"
                yield Problem(path, text)


def _at_most(path: Path, items: object, most: int) -> Iterator[Problem]:
    if isinstance(items, list | dict) and len(items) > most:
        yield Problem(path, f"must be at most {most}, not {len(items)}")


def _metric(path: Path, table: Table, currencies: Sequence[str]) -> Iterator[Problem]:
    of, currency = table.get("of"), table.get("currency")
    needless = [key for key in ("kinds", *FILTERS, "window") if of in _NOT_ADDING and key in table]
    if of == "tenure_months" and "currency" in table:
        needless.append("currency")
    elif isinstance(currency, str):
        yield from known_currency((*path, "currency"), currency, currencies)
    elif of in _OF_ONE_CURRENCY and "currency" not in table:
        yield Problem((*path, "currency"), f"is missing: of is {shown(of)}")
    for key in needless:
        yield Problem((*path, key), f"must not be there: of is {shown(of)}")
    for key in ("kinds", *FILTERS):
        yield from no_repeats((*path, key), table.get(key))
    kinds = table.get("kinds")
    if isinstance(kinds, list) and all(any(kind in kinds for kind in side) for side in _SIDES):
        either, other = (", ".join(side) for side in _SIDES)
        text = f"must be credits ({either}) or debits ({other}): both are there"
        yield Problem((*path, "kinds"), text)


def _levels(ladder: _Ladder) -> Iterator[Problem]:
    levels = ladder.table.get("levels")
    if isinstance(levels, list) and len(levels) < LEVELS_LEAST:
        text = f"must be at least {LEVELS_LEAST}, not {len(levels)}"
        yield Problem((*ladder.path, "levels"), text)
    yield from _at_most((*ladder.path, "levels"), levels, LEVELS_MOST)
    names: list[str] = []
    for path, table in ladder.levels:
        yield from new_name(path, table, names)
        invited = table.get("by_invitation", False)
        if path[-1] == 0:
            there = [key for key in ("when", "validity") if key in table]
            for key in [*there, *(["by_invitation"] if invited is True else [])]:
                yield Problem((*path, key), "must not be there: all are on the first level")
        elif isinstance(invited, bool):
            there_are = ["when" in table, invited]
            yield from one_of_both(path, there_are, ("when", "by_invitation"))


def _conditions(ladder: _Ladder) -> Iterator[Problem]:
    """Yield metrics that there are not, and alternatives that are not enough for a lower level.

    An alternative is enough for a level that has one of which it names every metric, with at least
    as much: whatever else a member has, he meets that too.
    """
    names = ladder.metric_names
    if names is None:
        return
    below: _Asked = []
    for path, table in ladder.levels:
        alternatives = _alternatives(path, table)
        for at, alternative in alternatives:
            for metric in alternative:
                if metric not in names:
                    text = f"is no metric of the ladder{near(metric, names, quote=False)}"
                    yield Problem((*at, metric), text)
        if path[-1] == 0 or table.get("by_invitation") is True:
            continue
        comparable = [(at, each) for at, each in alternatives if _is_comparable(each, names)]
        for at, alternative in comparable:
            yield from _enough(at, alternative, table.get("name"), below)
        when = table.get("when")
        if comparable and len(comparable) == (len(when) if isinstance(when, list) else 1):
            below.append((table.get("name"), comparable))


def _alternatives(path: Path, table: Table) -> _Alternatives:
    """What a level asks for: any of these tables."""
    when = table.get("when")
    if isinstance(when, dict):
        return [((*path, "when"), when)]
    return [(at, dict(alternative)) for at, alternative in listed(table, "when", *path)]


def _is_comparable(alternative: dict[str, Any], metrics: list[str]) -> bool:
    """Whether nothing else is wrong with an alternative."""
    return bool(alternative) and all(
        name in metrics and is_integer(least) and 1 <= least <= POINTS_MOST
        for name, least in alternative.items()
    )


def _enough(
    path: Path, alternative: dict[str, int], level: object, below: _Asked
) -> Iterator[Problem]:
    """Yield that an alternative is not enough for a level below: of several, the nearest."""
    for lower, alternatives in reversed(below):
        if not any(
            all(name in alternative and alternative[name] >= other[name] for name in other)
            for _, other in alternatives
        ):
            text = f"enough for {shown(level)}, but not for the lower level {shown(lower)}"
            yield Problem(path, f"is a contradiction: {inline(alternative)} is {text}")
            return


def _lifetime(ladder: _Ladder) -> Iterator[Problem]:
    lifetime = ladder.table.get("lifetime")
    level = lifetime.get("level") if isinstance(lifetime, dict) else None
    if not isinstance(level, str):
        return
    path = (*ladder.path, "lifetime", "level")
    names = {at[-1]: table.get("name") for at, table in ladder.levels}
    if names.get(0) == level:
        yield Problem(path, f"must not be the first level, {shown(level)}: all are on it")
    elif level not in names.values():
        known = [name for at, name in names.items() if at != 0 and isinstance(name, str)]
        yield Problem(path, f"names no level of the ladder: {shown(level)}{near(level, known)}")


def _keeping(ladder: _Ladder) -> Iterator[Problem]:
    """What speaks against validity or grace."""
    grace_days = ladder.table.get("grace_days", 0)
    grace = is_integer(grace_days) and grace_days > 0
    validities, path = ladder.validities(), (*ladder.path, "grace_days")
    if ladder.table.get("downgrade") == "never":
        for at, _ in validities:
            yield Problem(at, 'must not be there: downgrade is "never"')
        if grace:
            yield Problem(path, f'must be 0, not {grace_days}: downgrade is "never"')
    elif grace and not validities:
        yield Problem(path, f"must be 0, not {grace_days}: there is no validity")


def _periods(ladder: _Ladder, period: dict[str, Any] | None) -> Iterator[Problem]:
    """What speaks against validity to the end of a period.

    The normalised form has no window but those of metrics: one of them must say what the period is,
    and none may say otherwise.
    """
    with_periods = [window for window in _windows(ladder) if _has_periods(window)]
    if period is None:
        names = " and ".join([", ".join(PERIODS[:-1]), PERIODS[-1]])
        text = f"the ladder's window has no periods; {names} have"
    elif not with_periods:
        text = "no metric has the ladder's window"
    elif any(window != period for window in with_periods):
        text = "the windows of its metrics have different periods"
    else:
        return
    for path, validity in ladder.validities():
        if isinstance(validity, dict) and validity.get("round_up") == "period":
            yield Problem((*path, "round_up"), f'must not be "period": {text}')


def _windows(ladder: _Ladder) -> list[Any]:
    """The windows of metrics, be they their own or the ladder's."""
    own = ladder.table.get("window")
    adding = [table for _, table in ladder.metrics if table.get("of") in _ADDING]
    return [table.get("window", own) for table in adding]


def _has_periods(window: object) -> bool:
    return isinstance(window, dict) and window.get("model") in PERIODS

"""Ladders as documents: what their tables could say, and what they have to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from loyalty.program.document import LadderTable
from loyalty.program.form import Ladder, Level, Metric, Validity, Window
from loyalty.program.ladder_relations import PERIODS
from loyalty.program.span_writing import expiry_value, validity_value, window_value

Values = Mapping[str, Any]
Item = TypeVar("Item")


def ladder_values(ladder: Ladder) -> dict[str, Any]:
    """Return all that a ladder says of itself; None for what is not there."""
    lifetime = ladder.lifetime
    return {
        "upgrade": ladder.upgrade,
        "downgrade": ladder.downgrade,
        "grace_days": ladder.grace_days,
        "lifetime": {"level": lifetime.level, "years": lifetime.years} if lifetime else None,
    }


def metric_values(metric: Metric) -> dict[str, Any]:
    """Return all that a metric's table could say; None for what is not there."""
    return {
        "of": metric.of,
        "currency": metric.currency,
        "kinds": _texts(metric.kinds),
        "rules": _texts(metric.rules),
        "channels": _texts(metric.channels),
        "locations": _texts(metric.locations),
        "categories": _texts(metric.categories),
        "window": window_value(metric.window),
    }


def level_values(level: Level) -> dict[str, Any]:
    """Return all that a level's table could say; None for what is not there."""
    when = list(level.when)
    return {
        "when": when[0] if len(when) == 1 else when or None,
        "by_invitation": level.by_invitation,
        "validity": validity_value(level.validity),
        "expiry": {name: expiry_value(each) for name, each in level.expiry.items()} or None,
    }


def said_of_metric(metric: Metric) -> Values:
    """Return what a metric's table has to say without its ladder's."""
    said = _there(metric_values(metric))
    if said.get("kinds") == ["earn"]:
        del said["kinds"]
    return said


def said_of_level(level: Level) -> Values:
    """Return what a level's table has to say without its ladder's."""
    said = _there(level_values(level))
    if not level.by_invitation:
        del said["by_invitation"]
    return {"name": level.name, **said}


def said_of_ladder(ladder: Ladder) -> Values:
    """Return what a ladder's table has to say, with its metrics and levels in it.

    For metrics and levels it says what most of them have in common.
    """
    default = LadderTable(levels=[])
    own = {key: value for key, value in _own(ladder).items() if value != getattr(default, key)}
    metrics = {
        metric.name: _without(said_of_metric(metric), "window", own) for metric in ladder.metrics
    }
    levels = [_without(said_of_level(level), "validity", own) for level in ladder.levels]
    return {**own, **({"metrics": metrics} if metrics else {}), "levels": levels}


def _own(ladder: Ladder) -> Values:
    values = ladder_values(ladder)
    return {
        "window": window_value(_common_window(ladder)),
        "upgrade": values["upgrade"],
        "downgrade": values["downgrade"],
        "validity": validity_value(_common_validity(ladder)),
        "grace_days": values["grace_days"],
        "lifetime": values["lifetime"],
    }


def _common_window(ladder: Ladder) -> Window | None:
    """The window to say for the ladder: that whose period levels end with, or of most metrics."""
    windows = [metric.window for metric in ladder.metrics if metric.window]
    validities = [level.validity for level in ladder.levels if level.validity]
    if any(validity.round_up == "period" for validity in validities):
        windows = [window for window in windows if window.model in PERIODS]
    return _most_common(windows)


def _common_validity(ladder: Ladder) -> Validity | None:
    """The validity to say for the ladder: none if a level has none, which it could not say."""
    validities = [level.validity for level in ladder.levels[1:]]
    return _most_common([validity for validity in validities if validity and all(validities)])


def _most_common(items: list[Item]) -> Item | None:
    return Counter(items).most_common(1)[0][0] if items else None


def _without(values: Values, key: str, common: Values) -> Values:
    """Leave out what is as in common."""
    return {
        each: value for each, value in values.items() if each != key or value != common.get(key)
    }


def _there(values: Values) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _texts(texts: Iterable[str] | None) -> list[str] | None:
    return None if texts is None else list(texts)

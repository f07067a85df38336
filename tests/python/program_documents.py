"""Strategies for Hypothesis: programmes of all kinds, as tables and as text."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import strategies as st

from loyalty.program.notation import inline, key_text

Tables = dict[str, Any]


def texts(most: int) -> st.SearchStrategy[str]:
    """Texts of all that UTF-8 can say."""
    every = st.text(st.characters(codec="utf-8"), min_size=1, max_size=most)
    return (st.sampled_from(["points", "a", "b-1", "a b"]) | every).filter(
        lambda text: len(text.encode()) <= most
    )


def some(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Tables]:
    """Tables of some of the keys."""
    return st.fixed_dictionaries({}, optional=keys)


DAYS = st.integers(1, 100_000)
MONTHS = st.integers(1, 3_600)
DATES = st.dates().filter(lambda date: 1900 <= date.year < 2200)
EXPIRIES = st.one_of(
    st.just({"model": "never"}),
    st.builds(
        lambda span, more: {"model": "rolling", **span, **more},
        st.builds(lambda days: {"days": days}, DAYS)
        | st.builds(lambda months: {"months": months}, MONTHS),
        some(round_up=st.sampled_from(["none", "day", "month", "quarter", "year"])),
    ),
    st.builds(
        lambda dates: {"model": "dates", "dates": dates},
        st.lists(
            DATES.map(str) | DATES.map(lambda date: f"{date:%m-%d}") | st.just("02-29"),
            min_size=1,
            max_size=4,
            unique=True,
        ),
    ),
    st.builds(lambda months: {"model": "inactivity", "months": months}, MONTHS),
)
PENDINGS = st.builds(lambda days: {"days": days}, DAYS) | st.builds(
    lambda days: {"confirm_within_days": days}, DAYS
)
OVER_CEILING = st.sampled_from(["reject", "clip"])
PARTS = st.integers(1, 2**31 - 1)
CURRENCIES = some(
    decimals=st.integers(0, 9),
    expiry=EXPIRIES,
    pending=PENDINGS,
    floor=st.integers(-(2**61), 0),
    ceiling=st.integers(0, 2**61),
    over_ceiling=OVER_CEILING,
    reversal=st.sampled_from(["arrears", "stop_at_zero"]),
    return_of_expired=st.just("expire") | st.builds(lambda days: {"reinstate_days": days}, DAYS),
    reinstate_within_days=st.integers(0, 100_000),
    transfer=st.sampled_from(["keep_expiry", "restart_expiry", "forbidden"]),
)
RULES = some(
    points_per_money=PARTS | st.builds(lambda n, d: f"{n}/{d}", PARTS, PARTS),
    rounding=st.sampled_from(["floor", "half_even", "ceil"]),
    expiry=EXPIRIES,
    pending=PENDINGS | st.just({"days": 0}),
    over_ceiling=OVER_CEILING,
)


TRAILING = st.builds(lambda days: {"model": "trailing", "days": days}, DAYS) | st.builds(
    lambda months: {"model": "trailing", "months": months}, MONTHS
)
WITH_PERIODS = st.sampled_from([{"model": "calendar_year"}, {"model": "anniversary"}]) | st.builds(
    lambda start, months: {"model": "cycle", "start": str(start), "months": months}, DATES, MONTHS
)
WINDOWS = (
    TRAILING | WITH_PERIODS | st.sampled_from([{"model": "since_change"}, {"model": "lifetime"}])
)
CODES = st.lists(texts(256), min_size=1, max_size=3, unique=True)
KINDS = st.lists(st.sampled_from(["earn", "adjust"]), min_size=1, unique=True) | st.lists(
    st.sampled_from(["redeem", "capture"]), min_size=1, unique=True
)
THRESHOLDS = st.integers(1, 2**61)


@st.composite
def metrics(draw: st.DrawFn, currencies: list[str], *, window: Tables | None) -> Tables:
    """A metric of a ladder that has this window."""
    of = draw(st.sampled_from(["points", "money", "postings", "days", "balance", "tenure_months"]))
    metric: Tables = {"of": of}
    if of in ("points", "balance") or (of != "tenure_months" and draw(st.booleans())):
        metric["currency"] = draw(st.sampled_from(currencies))
    if of in ("balance", "tenure_months"):
        return metric
    if window is None or draw(st.booleans()):
        metric["window"] = draw(WINDOWS)
    more = some(kinds=KINDS, rules=CODES, channels=CODES, locations=CODES, categories=CODES)
    return metric | draw(more)


@st.composite
def alternatives(draw: st.DrawFn, names: list[str], lower: list[Tables]) -> list[Tables]:
    """What a level asks for, above one that asks for something, or nothing."""
    asked = []
    for _ in range(draw(st.integers(1, 3))):
        base = draw(st.sampled_from(lower)) if lower else {}
        more = [name for name in names if name not in base]
        added = (
            draw(st.lists(st.sampled_from(more), min_size=not base, unique=True)) if more else []
        )
        raised = {name: draw(st.integers(least, 2**61)) for name, least in base.items()}
        asked.append(raised | {name: draw(THRESHOLDS) for name in added})
    return asked


@st.composite
def validities(draw: st.DrawFn, *, period: bool) -> Tables:
    span = draw(st.builds(lambda n: {"days": n}, DAYS) | st.builds(lambda n: {"months": n}, MONTHS))
    ends = ["none", "day", "month", "quarter", "year", *(["period"] if period else [])]
    return span | draw(some(round_up=st.sampled_from(ends)))


def has_a_period(ladder: Tables) -> bool:
    """Whether the ladder's window has periods, and metrics have these and no others."""
    with_periods = ("calendar_year", "anniversary", "cycle")
    own = ladder.get("window")
    adding = [
        of for of in ladder["metrics"].values() if of["of"] not in ("balance", "tenure_months")
    ]
    windows = [metric.get("window", own) for metric in adding]
    periods = [window for window in windows if window and window["model"] in with_periods]
    return bool(periods) and all(window == own for window in periods)


@st.composite
def ladders(draw: st.DrawFn, currencies: list[str]) -> Tables:
    ladder = draw(
        some(
            window=WINDOWS,
            upgrade=st.sampled_from(["at_run", "at_once"]),
            downgrade=st.sampled_from(["full", "one_level", "never"]),
        )
    )
    metric = metrics(currencies, window=ladder.get("window"))
    ladder["metrics"] = draw(st.dictionaries(texts(256), metric, max_size=3))
    names = draw(st.lists(texts(256), min_size=2, max_size=5, unique=True))
    levels, lower = [{"name": names[0]}], list[Tables]()
    for name in names[1:]:
        level: Tables = {"name": name}
        if not ladder["metrics"] or draw(st.integers(0, 4)) == 0:
            level["by_invitation"] = True
        else:
            lower = draw(alternatives(list(ladder["metrics"]), lower))
            level["when"] = lower[0] if len(lower) == 1 and draw(st.booleans()) else lower
        levels.append(level)
    if ladder.get("downgrade") != "never":
        validity = validities(period=has_a_period(ladder))
        kept = [each for each in (ladder, *levels[1:]) if draw(st.integers(0, 2)) == 0]
        for each in kept:
            each["validity"] = draw(validity)
        ladder |= draw(some(grace_days=st.integers(0, 100_000))) if kept else {}
    lifetime = st.fixed_dictionaries(
        {"level": st.sampled_from(names[1:]), "years": st.integers(1, 300)}
    )
    if not ladder["metrics"]:
        del ladder["metrics"]
    return ladder | draw(some(lifetime=lifetime)) | {"levels": levels}


@st.composite
def documents(draw: st.DrawFn) -> Tables:
    """Valid documents, as tables."""
    currencies = draw(st.dictionaries(texts(32), CURRENCIES, min_size=1, max_size=4))
    rules = draw(st.dictionaries(texts(256), RULES, max_size=5))
    names = draw(st.permutations(list(rules)))
    for at, name in enumerate(names):  # each may be based on one before
        base = draw(st.sampled_from([None, *names[:at]]))
        if base is not None:
            rules[name]["based_on"] = base
        if base is None or draw(st.booleans()):
            rules[name]["currency"] = draw(st.sampled_from(list(currencies)))
    climbed = draw(st.dictionaries(texts(256), ladders(list(currencies)), max_size=2))
    for currency in currencies:  # of which levels of one ladder may say when they expire
        owner = draw(st.sampled_from([None, *climbed.values()]))
        for level in owner["levels"] if owner else ():
            if draw(st.integers(0, 2)) == 0:
                level.setdefault("expiry", {})[currency] = draw(EXPIRIES)
    return {
        "name": draw(texts(256)),
        "time_zone": draw(st.sampled_from(["UTC", "Europe/Paris", "America/New_York"])),
        "currencies": currencies,
        "rules": rules,
        "ladders": climbed,
    }


def expiries_of_levels(tables: Tables) -> dict[tuple[str, str, str], Tables]:
    """What levels of a document say of expiry, by ladder, level and currency."""
    return {
        (name, level["name"], currency): expiry
        for name, ladder in tables["ladders"].items()
        for level in ladder["levels"]
        for currency, expiry in level.get("expiry", {}).items()
    }


def toml_of(tables: Tables) -> str:
    """Write tables as a document, a line for a key."""
    lines = [f"{key} = {inline(tables[key])}" for key in ("name", "time_zone")]

    def put(header: str, table: Tables) -> None:
        lines.extend(["", f"{header}  # such"])
        lines.extend(f"{key} = {inline(value)}" for key, value in table.items())

    for kind in ("currencies", "rules"):
        for name, table in tables[kind].items():
            put(f"[{key_text((kind, name))}]", table)
    for name, ladder in tables["ladders"].items():
        path = ("ladders", name)
        own = {key: value for key, value in ladder.items() if key not in ("metrics", "levels")}
        put(f"[{key_text(path)}]", own)
        for metric, table in ladder.get("metrics", {}).items():
            put(f"[{key_text((*path, 'metrics', metric))}]", table)
        for level in ladder["levels"]:
            put(f"[[{key_text((*path, 'levels'))}]]", level)
    text = "\n".join(lines) + "\n"
    assert tomllib.loads(text) == {key: value for key, value in tables.items() if value}
    return text

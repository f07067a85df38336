"""Random ladders and lives beside a slow model; threads and sizes of segments change nothing."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import loyalty

from .oracle.wall_time import Calendar
from .random_ladders import LEVELS, ladder_program, ladders
from .tier_shop import WHO
from .tiers_model import EVER, MINUTE, Earn, Gift, Member

ZONE = "Europe/Berlin"
START = 1_577_836_800_000_000  # 2020
DAY = 86_400_000_000
MEMBERS = 4
# Days with a time of day: some share a day, an end of a month, an end of a year.
TIMES = st.builds(
    lambda day, hour: START + day * DAY + hour * 3_600_000_000,
    st.one_of(st.integers(0, 1400), st.sampled_from((59, 60, 90, 91, 365, 366, 730, 731))),
    st.sampled_from((0, 8, 22, 23)),
)


EARNS = st.lists(
    st.tuples(
        st.integers(0, MEMBERS - 1),
        TIMES,
        st.integers(0, 150),
        st.integers(0, 1500),
        st.sampled_from(("store", "web")),
        st.one_of(st.none(), st.integers(0, 400)),  # undone so many days later
    ),
    max_size=30,
)
RUNS = st.lists(TIMES, min_size=1, max_size=6, unique=True).map(sorted)
GIFTS = st.lists(
    st.tuples(
        st.integers(0, MEMBERS - 1), st.integers(0, 5), st.integers(0, 2), st.integers(1, 400)
    ),
    max_size=3,
)


@settings(max_examples=60, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(ladder=ladders(), earns=EARNS, runs=RUNS, gifts=GIFTS)
def test_every_member_stands_where_the_model_says(
    ladder: str, earns: list[Any], runs: list[int], gifts: list[Any]
) -> None:
    program = ladder_program(ladder, ZONE)
    document = json.loads(program.to_json())["ladders"][0]
    opened = [START + member * 40 * DAY + member * MINUTE for member in range(MEMBERS)]
    members = [
        Member(document, Calendar(ZONE), opened[m], bought(earns, m)) for m in range(MEMBERS)
    ]
    with tempfile.TemporaryDirectory() as directory:
        one = loyalty.create(Path(directory) / "one", program=program)
        two = loyalty.create(Path(directory) / "two", program=program)
        two.close()
        two = loyalty.open(Path(directory) / "two", segment_entries=8)
        with one, two:
            for ledger in (one, two):
                post(ledger, opened, earns)
            for number, at in enumerate(runs):
                for who, before, level, days in gifts:
                    if before == number and members[who].standing.since <= at >= opened[who]:
                        gift = Gift(at, level, at + days * DAY)
                        members[who].give(gift)
                        give(one, who, gift)
                        give(two, who, gift)
                for member in members:
                    member.assess(at)
                runs_of = [
                    ledger.recompute_tiers(at, threads=threads)
                    for ledger, threads in ((one, 1), (two, 3))
                ]
                assert runs_of[0].changes.to_pylist() == runs_of[1].changes.to_pylist()
                for ledger in (one, two):
                    assert standings(ledger) == [told(member) for member in members]
                assert len(one.recompute_tiers(at).changes) == 0


def bought(earns: list[Any], who: int) -> list[Earn]:
    return [
        Earn(at, points, money, channel, EVER if undone is None else at + undone * DAY)
        for member, at, points, money, channel, undone in earns
        if member == who
    ]


def post(ledger: loyalty.Ledger, opened: list[int], earns: list[Any]) -> None:
    for member, at in enumerate(opened):
        ledger.open_member(member, effective_time=at)
    for number, (member, at, points, money, channel, undone) in enumerate(earns):
        ledger.earn(
            member, points, money=money, channel=channel, effective_time=at, id=f"earn {number}"
        )
        if undone is not None:
            reply = ledger.reverse(
                member, f"earn {number}", effective_time=at + undone * DAY, id=f"undo {number}"
            )
            assert reply.status == "posted", reply


def give(ledger: loyalty.Ledger, who: int, gift: Gift) -> None:
    reply = ledger.set_level(
        who, "test", LEVELS[gift.level], until=gift.until, effective_time=gift.at, **WHO
    )
    assert reply.status == "posted", reply


def standings(ledger: loyalty.Ledger) -> list[tuple[Any, ...]]:
    return [
        (row["level"], row["since"], row["until"], row["for_life"])
        for row in ledger.tiers().to_pylist()
    ]


def told(member: Member) -> tuple[Any, ...]:
    now = member.standing
    since = None if now.since < 0 else loyalty_time(now.since)
    until = None if now.until == EVER else loyalty_time(now.until)
    return (LEVELS[now.level], since, until, LEVELS[now.for_life] if now.for_life else None)


def loyalty_time(at_us: int) -> dt.datetime:
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=at_us)

"""Ladders that upgrade at once, beside a slow model; killed, they go on."""

from __future__ import annotations

import datetime as dt
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import loyalty

from .oracle.wall_time import Calendar
from .random_ladders import LEVELS, ladder_program, ladders
from .tiers_model import Earn, Member

ZONE = "Europe/Berlin"
DAY = 86_400_000_000
MEMBERS = 3
OPENED_DAYS_AGO = 800

LADDER = """
[ladders.status]
upgrade = "at_once"
window = { model = "trailing", months = 12 }
metrics.spent = { of = "money" }
[[ladders.status.levels]]
name = "blue"
[[ladders.status.levels]]
name = "silver"
when = { spent = 100 }
[[ladders.status.levels]]
name = "gold"
when = { spent = 300 }
"""

STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("earn"),
            st.integers(0, MEMBERS - 1),
            st.one_of(st.integers(1, OPENED_DAYS_AGO), st.integers(1, 95)),  # days ago
            st.integers(0, 150),  # points
            st.integers(0, 1500),  # money
            st.sampled_from(("store", "web")),
        ),
        st.tuples(st.just("undo"), st.integers(0, 20)),
    ),
    max_size=16,
)


def now_us() -> int:
    return time.time_ns() // 1000


def settle(ledger: loyalty.Ledger) -> None:
    """Wait until all that was posted has been heeded."""
    posted = ledger.info().sequence
    latest = time.monotonic() + 30
    while ledger.info().at_once_sequence < posted:
        assert time.monotonic() < latest, "nothing more is heeded"
        time.sleep(0.002)


def test_a_level_is_there_within_a_second_with_its_evidence(path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    with loyalty.create(path, program=ladder_program(LADDER, "UTC")) as ledger:
        ledger.open_member("ada", effective_time=now - dt.timedelta(days=500))
        ledger.earn("ada", 1, money=80, effective_time=now - dt.timedelta(days=300))
        settle(ledger)
        assert list(ledger.tiers(["ada"])["level"]) == ["blue"]
        ledger.earn("ada", 1, money=240)
        before = time.monotonic()
        settle(ledger)
        assert time.monotonic() - before < 1
        (progress,) = ledger.tier_progress("ada")
        assert progress.level == "gold"
        assert progress.evidence == {"spent": 320}
        kinds = Counter(ledger.changes()["kind"])
        assert kinds["change_level"] == 1
        assert kinds["run_started"] == 0
        assert len(ledger.recompute_tiers(dry_run=True).changes) == 0


@settings(max_examples=25, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(ladder=ladders(upgrade="at_once"), steps=STEPS)
def test_whoever_rises_by_the_model_rises(ladder: str, steps: list[Any]) -> None:
    program = ladder_program(ladder, ZONE)
    document = json.loads(program.to_json())["ladders"][0]
    start = now_us()
    opened = (start - OPENED_DAYS_AGO * DAY) // 60_000_000 * 60_000_000
    members = [Member(document, Calendar(ZONE), opened, []) for _ in range(MEMBERS)]
    with (
        tempfile.TemporaryDirectory() as directory,
        loyalty.create(Path(directory) / "ledger", program=program) as ledger,
    ):
        ledger.open_members(list(range(MEMBERS)), when(opened))
        follow(ledger, members, start)
        earned: list[int] = []  # whose
        for step in steps:
            before = now_us()
            if step[0] == "earn":
                _, who, days_ago, points, money, channel = step
                at = start - days_ago * DAY
                post_earn(ledger, len(earned), who, at, points, money, channel)
                members[who].earns.append(Earn(at, points, money, channel))
                earned.append(who)
            elif step[1] < len(earned):
                who = earned[step[1]]
                place = earned[: step[1]].count(who)
                if members[who].earns[place].undone > before:
                    ledger.reverse(who, f"earn {step[1]}", effective_time=when(before))
                    members[who].earns[place] = replace(members[who].earns[place], undone=before)
            follow(ledger, members, before)


def when(at_us: int) -> dt.datetime:
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=at_us)


def post_earn(
    ledger: loyalty.Ledger, number: int, who: int, at: int, points: int, money: int, channel: str
) -> None:
    reply = ledger.earn(
        who, points, money=money, channel=channel, effective_time=when(at), id=f"earn {number}"
    )
    assert reply.status == "posted", reply


def follow(ledger: loyalty.Ledger, members: list[Member], before: int) -> None:
    """Let the model rise as of the instants at which the ledger did; both must, or neither."""
    settle(ledger)
    for member, row in zip(members, ledger.tiers().to_pylist(), strict=True):
        risen = replace(member)
        risen.assess(now_us())
        if risen.standing.level > member.standing.level:
            since = round(row["since"].timestamp() * 1e6)
            assert before <= since <= now_us()
            member.assess(since)
        assert row["level"] == LEVELS[member.standing.level]


KILLED = """
import sys, loyalty
with loyalty.open(sys.argv[1]) as ledger:
    for member in range(2000):
        ledger.earn(member % 50, 1, money=5 + member % 50)
        print(member, flush=True)
"""


def test_who_was_due_when_the_process_was_killed_rises(path: Path) -> None:
    with loyalty.create(path, program=ladder_program(LADDER, "UTC")) as ledger:
        ledger.open_members(list(range(50)), when(now_us() - 500 * DAY))
    for posted in (480, 700):
        command = [sys.executable, "-c", KILLED, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(posted):
                assert process.stdout.readline() != ""
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
    with loyalty.open(path) as ledger:
        settle(ledger)
        spent: Counter[int] = Counter()
        for entry in ledger.changes(limit=100_000).to_pylist():
            if entry["kind"] == "earn":
                spent[entry["member"]] += entry["money"]
        table = ledger.tiers()
        levels = dict(zip(table["member"], table["level"], strict=True))
        assert levels == {
            member: "gold" if money >= 300 else "silver" if money >= 100 else "blue"
            for member, money in spent.items()
        }
        assert set(levels.values()) == {"silver", "gold"}
        assert ledger.verify().problems == ()

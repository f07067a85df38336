"""The ledger beside the oracle: `oracle.model`, which has the rules in plain Python.

First the oracle itself, against numbers worked out by hand; then what Hypothesis thinks of, then
many random postings.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

import loyalty
from loyalty import Posting

from .oracle.driver import COMMON_KINDS, drive
from .oracle.generator import CENTRE, DAY, MAKERS, Generator, RandomChooser
from .oracle.model import Line, Model
from .oracle.pair import Pair, same

T = TypeVar("T")

# Scenarios: postings in days from the centre, and what must come of them.


def day(number: float) -> int:
    return CENTRE + round(number * DAY)


def ask(kind: str, points: int = 0, at: float = 0, member: str = "ada", **fields: Any) -> Posting:
    """A posting, its times in days."""
    for name in ("expires", "activates", "deadline"):
        if name in fields:
            fields[f"{name}_time"] = day(fields.pop(name))
    if kind in ("adjust", "extend", "set_limits"):
        fields = {"actor": "ann", "reason": "why", **fields}
    return Posting(kind, member, points, "points", effective_time=day(at), **fields)


Step = tuple[Posting, str, tuple[int, ...]]  # what is asked, its status, the parts after it

SCENARIOS: dict[str, list[Step]] = {
    "rule 5: soonest expiry, then earliest effective, first": [
        (ask("earn", 10, id="never"), "posted", (10, 0, 0, 0)),
        (ask("earn", 10, 1, id="late", expires=8), "posted", (20, 0, 0, 0)),
        (ask("earn", 10, 0, id="early", expires=8), "posted", (30, 0, 0, 0)),
        (ask("earn", 10, 0, id="soon", expires=7), "posted", (40, 0, 0, 0)),
        (ask("redeem", 20, 2), "posted", (20, 0, 0, 0)),
        (ask("extend", 0, 2, related="soon", expires=9), "nothing_left", (20, 0, 0, 0)),
        (ask("extend", 0, 2, related="early", expires=9), "nothing_left", (20, 0, 0, 0)),
        (ask("extend", 0, 2, related="late", expires=9), "posted", (20, 0, 0, 0)),
        (ask("redeem", 1, 9), "posted", (9, 0, 0, 0)),
    ],
    "rule 6: a lot counts before the instant of its expiry": [
        (ask("earn", 10, expires=5), "posted", (10, 0, 0, 0)),
        (ask("redeem", 1, 5), "insufficient_points", (0, 0, 0, 0)),
        (ask("redeem", 1, 4.9), "posted", (9, 0, 0, 0)),
    ],
    "rule 8: pending until active": [
        (ask("earn", 10, activates=3, id="bonus"), "posted", (0, 10, 0, 0)),
        (ask("redeem", 1, 2.9), "insufficient_points", (0, 10, 0, 0)),
        (ask("confirm", 0, 2, related="bonus"), "related_not_pending", (0, 10, 0, 0)),
        (ask("redeem", 4, 3), "posted", (6, 0, 0, 0)),
        (ask("cancel", 0, 3, related="bonus"), "related_not_pending", (6, 0, 0, 0)),
        (ask("cancel", 0, 2, related="bonus"), "posted", (0, 0, 0, 0)),
    ],
    "rule 8: pending until confirmed, or lost": [
        (ask("earn", 10, deadline=3, expires=4, id="kept"), "posted", (0, 10, 0, 0)),
        (ask("earn", 7, deadline=3, id="lost"), "posted", (0, 17, 0, 0)),
        (ask("confirm", 0, 2, related="kept", expires=9), "posted", (10, 7, 0, 0)),
        (ask("confirm", 0, 3, related="lost"), "confirmation_too_late", (10, 0, 0, 0)),
        (ask("redeem", 1, 9), "insufficient_points", (0, 0, 0, 0)),
    ],
    "rule 10: a hold is captured in part, the rest comes back": [
        (ask("earn", 10, expires=5, id="first"), "posted", (10, 0, 0, 0)),
        (ask("earn", 10), "posted", (20, 0, 0, 0)),
        (ask("hold", 15, deadline=8, id="cart"), "posted", (5, 0, 15, 0)),
        (ask("redeem", 6, 1), "insufficient_points", (5, 0, 15, 0)),
        (ask("capture", 16, 1, related="cart"), "capture_exceeds_hold", (5, 0, 15, 0)),
        (ask("capture", 12, 1, related="cart"), "posted", (8, 0, 0, 0)),
        (ask("release", 0, 1, related="cart"), "hold_already_closed", (8, 0, 0, 0)),
        (ask("release", 0, 8, related="cart"), "hold_expired", (8, 0, 0, 0)),
    ],
    "rule 10: a hold ends by itself; what expired meanwhile is expired": [
        (ask("earn", 10, expires=5), "posted", (10, 0, 0, 0)),
        (ask("earn", 10), "posted", (20, 0, 0, 0)),
        (ask("hold", 15, deadline=8, id="cart"), "posted", (5, 0, 15, 0)),
        (ask("earn", 1, 8), "posted", (11, 0, 0, 0)),
        (ask("capture", 0, 8, related="cart"), "hold_expired", (11, 0, 0, 0)),
        (ask("capture", 0, 7, related="cart"), "hold_already_closed", (11, 0, 0, 0)),
    ],
    "rules 11 and 12: reversed in parts, what was taken last first": [
        (ask("earn", 10, expires=5), "posted", (10, 0, 0, 0)),
        (ask("earn", 10), "posted", (20, 0, 0, 0)),
        (ask("redeem", 15, id="buy"), "posted", (5, 0, 0, 0)),
        (ask("reverse", 5, 6, related="buy", id="back"), "posted", (10, 0, 0, 0)),
        (ask("reverse", 0, 6, related="buy"), "posted", (10, 0, 0, 0)),  # 10 that have expired
        (ask("reverse", 0, 6, related="buy"), "related_already_reversed", (10, 0, 0, 0)),
        (ask("reverse", 0, 6, related="back"), "related_not_reversible", (10, 0, 0, 0)),
        (ask("earn", 0, 4), "posted", (20, 0, 0, 0)),
    ],
    "rule 13: its own lot, the others, then debt": [
        (ask("earn", 10, id="own", expires=9), "posted", (10, 0, 0, 0)),
        (ask("earn", 3, id="other", expires=8), "posted", (13, 0, 0, 0)),
        (ask("redeem", 6), "posted", (7, 0, 0, 0)),
        (ask("reverse", 11, related="own"), "reversal_exceeds_original", (7, 0, 0, 0)),
        (ask("reverse", 6, related="own"), "posted", (1, 0, 0, 0)),
        (ask("reverse", 0, related="own"), "posted", (0, 0, 0, 3)),
    ],
    "rule 14: debt is repaid first": [
        (ask("set_limits", floor=-10), "posted", (0, 0, 0, 0)),
        (ask("redeem", 8, id="buy"), "posted", (0, 0, 0, 8)),
        (ask("earn", 4, activates=2), "posted", (0, 4, 0, 8)),
        (ask("earn", 5, 1), "posted", (0, 4, 0, 3)),
        (ask("reverse", 0, 1, related="buy"), "posted", (5, 4, 0, 0)),
    ],
    "rule 15: floor and ceiling": [
        (ask("set_limits", floor=5, ceiling=30), "posted", (0, 0, 0, 0)),
        (ask("earn", 31), "over_ceiling", (0, 0, 0, 0)),
        (ask("earn", 20, id="all"), "posted", (20, 0, 0, 0)),
        (ask("hold", 16, deadline=9), "insufficient_points", (20, 0, 0, 0)),
        (ask("hold", 10, deadline=9), "posted", (10, 0, 10, 0)),
        (ask("earn", 11, deadline=9), "over_ceiling", (10, 0, 10, 0)),
        (ask("adjust", -6), "insufficient_points", (10, 0, 10, 0)),
        (ask("adjust", -5), "posted", (5, 0, 10, 0)),
        (ask("reverse", related="all"), "posted", (0, 0, 10, 15)),
    ],
    "the same id": [
        (ask("earn", 10, id="a"), "posted", (10, 0, 0, 0)),
        (ask("redeem", 99, id="b"), "insufficient_points", (10, 0, 0, 0)),
        (ask("earn", 5), "posted", (15, 0, 0, 0)),
        (ask("earn", 10, id="a"), "already_exists", (10, 0, 0, 0)),
        (ask("earn", 9, 1, id="a"), "exists_with_different_points", (10, 0, 0, 0)),
        (ask("redeem", 1, id="b"), "id_already_failed", (10, 0, 0, 0)),
        (ask("redeem", 0, id="b"), "points_invalid", (0, 0, 0, 0)),
    ],
}


def opened() -> Model:
    model = Model(["points"])
    model.post_all([ask("open_member")])
    return model


@pytest.mark.parametrize("steps", SCENARIOS.values(), ids=SCENARIOS)
def test_the_model_gives_what_was_worked_out_by_hand(steps: list[Step]) -> None:
    model = opened()
    for number, (posting, status, parts) in enumerate(steps):
        (reply,) = model.post_all([posting])
        got = (reply.status, (reply.balance, reply.pending, reply.held, reply.arrears))
        assert got == (status, parts), f"step {number}: {posting}"


def test_a_run_of_the_model() -> None:
    model = opened()
    model.post_all(
        [
            ask("earn", 6),
            ask("hold", 6, deadline=6),
            ask("set_limits", floor=-5),
            ask("redeem", 5),
            ask("earn", 9, activates=2, expires=4),  # 4 of them, when 5 have repaid the debt
            ask("earn", 7, deadline=3),
        ]
    )
    november, december = dt.date(2001, 11, 1), dt.date(2001, 12, 1)
    lines = [
        Line("cancel", "points", november, 1, 7),
        Line("expire", "points", november, 1, 4),
        Line("time_out", "points", december, 1, 6),
        Line("activate", "points", november, 1, 9),
    ]
    before = len(model.journal)
    assert model.expire(day(6), dry_run=True) == lines
    assert len(model.journal) == before
    assert model.expire(day(6)) == lines
    kinds = [(entry.kind, entry.points, entry.repaid) for entry in model.journal[before:]]
    assert kinds == [
        ("run_started", 0, 0),
        ("activate", 0, 5),
        ("cancel", -7, 0),
        ("expire", -4, 0),
        ("time_out", 0, 0),
        ("run_finished", 0, 0),
    ]
    assert model.books["points"].totals == (6, -15, 5, 4, 0)
    assert model.expire(day(6)) == []


def test_what_expired_costs_nothing_when_its_credit_is_reversed() -> None:
    model = opened()
    model.post_all([ask("earn", 10, expires=5, id="own"), ask("redeem", 4), ask("earn", 9)])
    model.expire(day(5))
    (reply,) = model.post_all([ask("reverse", 0, 6, related="own")])
    assert (reply.points, reply.balance, model.journal[-1].revived) == (-4, 5, 6)
    assert model.books["points"].totals == (5, -9, 4, 0, 0)


# Random postings.


class Drawn:
    """A chooser that lets Hypothesis choose."""

    def __init__(self, data: st.DataObject) -> None:
        self._draw = data.draw

    def number(self, least: int, most: int) -> int:
        return self._draw(st.integers(least, most))

    def one(self, options: Sequence[T]) -> T:
        return self._draw(st.sampled_from(options))

    def chance(self, percent: int) -> bool:
        return self._draw(st.integers(0, 99)) >= 100 - percent  # what is usual is the simplest


MEMBERS = ("ada", "bob", "cyd")
CURRENCIES = ("points", "miles")
INSTANTS = [day(number) for number in (-3, 0, 2, 5)]
KINDS = tuple(MAKERS)


class LedgerMachine(RuleBasedStateMachine):
    """Lets Hypothesis post, run and reopen; compares the ledger with the model after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        members = ("ada", "ada", "ada", *MEMBERS)  # most of it happens to Ada
        currencies = ("points", "points", *CURRENCIES)
        self.generator = Generator(members, currencies, huge="miles", span=3, longest=5)
        options = {"segment_entries": 40, "checkpoint_entries": 90}
        self.pair = Pair(Path(self.directory.name) / "ledger", CURRENCIES, options)
        self.agreed = 0  # the entry up to which they did

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.post([self.generator.opening(member) for member in MEMBERS[:-1]])
        self.post([self.generator.posting(Drawn(data), "earn") for _ in range(5)])

    def post(self, postings: list[Posting]) -> None:
        """Post and compare; if all of it is refused, no balance has changed."""
        before, last = self.balances(), self.pair.model.sequence
        replies = self.pair.post(postings)
        refused = [p.id for p, reply in zip(postings, replies, strict=True) if not reply.ok]
        self.generator.forget(refused)
        new = self.pair.model.journal[last:]
        if all(entry.status != "posted" or entry.kind == "define_code" for entry in new):
            same("the balances after refusals", self.balances(), before)

    def balances(self) -> list[list[dict[str, Any]]]:
        ledger = self.pair.ledger
        return [
            ledger.balances(currency=currency, at=at).to_pylist()
            for currency in CURRENCIES
            for at in INSTANTS[1:3]
        ]

    def post_new(self, data: st.DataObject, kind: str) -> None:
        self.post([self.generator.posting(Drawn(data), kind)])

    @rule(data=st.data())
    def open_member(self, data: st.DataObject) -> None:
        self.post_new(data, "open_member")

    @rule(data=st.data())
    def earn(self, data: st.DataObject) -> None:
        self.post_new(data, "earn")

    @rule(data=st.data())
    def redeem(self, data: st.DataObject) -> None:
        self.post_new(data, "redeem")

    @rule(data=st.data())
    def adjust(self, data: st.DataObject) -> None:
        self.post_new(data, "adjust")

    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        self.post_new(data, "reverse")

    @rule(data=st.data())
    def hold(self, data: st.DataObject) -> None:
        self.post_new(data, "hold")

    @precondition(lambda self: self.generator.holds)
    @rule(data=st.data(), kind=st.sampled_from(["capture", "release"]))
    def end_hold(self, data: st.DataObject, kind: str) -> None:
        self.post_new(data, kind)

    @precondition(lambda self: self.generator.waiting)
    @rule(data=st.data(), kind=st.sampled_from(["confirm", "cancel"]))
    def end_wait(self, data: st.DataObject, kind: str) -> None:
        self.post_new(data, kind)

    @precondition(lambda self: self.generator.credits)
    @rule(data=st.data())
    def extend(self, data: st.DataObject) -> None:
        self.post_new(data, "extend")

    @rule(data=st.data())
    def set_limits(self, data: st.DataObject) -> None:
        self.post_new(data, "set_limits")

    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        self.post([self.generator.again(Drawn(data))])

    @rule(data=st.data(), kind=st.sampled_from(KINDS))
    def post_malformed(self, data: st.DataObject, kind: str) -> None:
        self.post([self.generator.malformed(Drawn(data), kind)])

    @rule(data=st.data(), kinds=st.lists(st.sampled_from(KINDS), min_size=2, max_size=12))
    def post_batch(self, data: st.DataObject, kinds: list[str]) -> None:
        self.post(self.generator.batch(Drawn(data), kinds))

    @rule(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 60))
    def post_many(self, seed: int, size: int) -> None:
        """Chosen at random, so that steps of Hypothesis's own meet accounts that have a past."""
        choose = RandomChooser(seed)
        self.post(self.generator.batch(choose, [choose.one(COMMON_KINDS) for _ in range(size)]))

    @rule(data=st.data(), dry_run=st.booleans())
    def run(self, data: st.DataObject, dry_run: bool) -> None:
        as_of = self.generator.time(Drawn(data))
        self.pair.expire(as_of, dry_run=dry_run)
        if not dry_run:
            same("a second run", self.pair.expire(as_of), [])

    @rule(how=st.sampled_from(["checkpoint", "reopen"]))
    def close(self, how: str) -> None:
        self.pair.ledger.checkpoint() if how == "checkpoint" else self.pair.reopen()

    @invariant()
    def all_agree(self) -> None:
        self.pair.compare_all(INSTANTS)
        for member in self.pair.model.members:
            self.pair.compare_one(member, "points", INSTANTS[:1])
        self.agreed = self.pair.model.sequence

    def teardown(self) -> None:
        try:
            if self.agreed == self.pair.model.sequence:
                self.pair.compare_statements()
                self.pair.verify()
        finally:
            self.pair.ledger.close()
            self.directory.cleanup()


LedgerMachine.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=50,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
TestLedgerMachine = LedgerMachine.TestCase


@pytest.mark.parametrize("seed", [0, 1])
def test_random_postings_agree(seed: int) -> None:
    drive(seed, 2_500)


@pytest.mark.soak
def test_random_postings_agree_for_a_long_time() -> None:
    operations = int(os.environ.get("LOYALTY_SOAK_OPERATIONS", "1_000_000"))
    first = random.randrange(2**32)
    log = logging.getLogger(__name__)
    life = 50_000
    for number, start in enumerate(range(0, operations, life)):
        log.warning("seed %d, %s operations done", first + number, f"{start:,}")
        drive(first + number, min(life, operations - start))


# What the oracle once found.


@pytest.fixture
def ada(ledger: loyalty.Ledger) -> loyalty.Ledger:
    ledger.post(ask("open_member"))
    return ledger


def post(ledger: loyalty.Ledger, *postings: Posting) -> list[str]:
    return [ledger.post(posting).status for posting in postings]


def test_what_an_ended_hold_gives_back_expires_next(ada: loyalty.Ledger) -> None:
    post(ada, ask("earn", 10, expires=9), ask("hold", 6, deadline=3))
    assert ada.balance("ada", at=day(3)).active == 10
    assert ada.balance("ada", at=day(3)).expiring_points == 10


def test_a_run_that_activates_changes_no_expiry(ada: loyalty.Ledger) -> None:
    post(
        ada,
        ask("earn", 25, activates=1, expires=5, id="earn"),
        ask("hold", 16, 2, deadline=4, id="hold"),
        ask("extend", 0, 2, related="earn", expires=8),
        ask("release", 0, 2, related="hold"),
    )
    assert ada.balance("ada", at=day(6)).active == 9
    ada.expire(day(2))
    assert ada.balance("ada", at=day(6)).active == 9


def test_an_earn_of_nothing_is_reversed_once(ada: loyalty.Ledger) -> None:
    post(ada, ask("earn", 0, id="visit"), ask("reverse", related="visit"))
    assert post(ada, ask("reverse", related="visit")) == ["related_already_reversed"]


def test_held_points_count_for_an_overflow(ada: loyalty.Ledger) -> None:
    post(  # Bob owes 5: so all members together have room for 5 more than Ada.
        ada,
        ask("open_member", member="bob"),
        ask("earn", 5, member="bob", id="earn"),
        ask("redeem", 5, member="bob"),
        ask("reverse", member="bob", related="earn"),
    )
    post(ada, ask("adjust", 2**63 - 4), ask("hold", 2**63 - 4, deadline=9))
    assert post(ada, ask("earn", 5)) == ["balance_would_overflow"]


def test_a_run_ends_when_a_sum_has_no_room(ada: loyalty.Ledger) -> None:
    post(ada, ask("earn", 1, expires=1))
    ada.expire(day(1))
    post(ada, ask("adjust", 2**63 - 1, 2, expires=3))
    ada.expire(day(3))
    assert ada.balance("ada", at=day(3)).active == 0
    assert ada.totals()["expired"].tolist() == [1]

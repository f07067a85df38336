"""The ledger beside the oracle: `oracle.model`, which has the rules in plain Python.

First what Hypothesis thinks of, then many random postings, processes killed and threads at once.
"""

from __future__ import annotations

import logging
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
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

from loyalty import Posting

from .oracle.asking import day
from .oracle.choosing import RandomChooser
from .oracle.driver import COMMON_KINDS, drive
from .oracle.erasing import Erased
from .oracle.generator import MAKERS, Generator
from .oracle.kills import drive_kills
from .oracle.pair import Pair, same
from .oracle.programs import ProgramGenerator
from .oracle.replay import drive_threads

T = TypeVar("T")


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
        self.programs = ProgramGenerator(CURRENCIES)
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
        if not any(entry.is_posted and entry.kind != "define_code" for entry in new):
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
    @rule(data=st.data(), kind=st.sampled_from(["extend", "reinstate"]))
    def let_live_on(self, data: st.DataObject, kind: str) -> None:
        self.post_new(data, kind)

    @rule(data=st.data())
    def set_limits(self, data: st.DataObject) -> None:
        self.post_new(data, "set_limits")

    @rule(data=st.data())
    def set_level(self, data: st.DataObject) -> None:
        self.post_new(data, "set_level")

    @rule(data=st.data())
    def transfer(self, data: st.DataObject) -> None:
        self.post_new(data, "transfer")

    @rule(data=st.data(), kind=st.sampled_from(["close_member", "reopen_member", "erase_member"]))
    def change_member(self, data: st.DataObject, kind: str) -> None:
        self.post_new(data, kind)

    @rule(data=st.data(), kind=st.sampled_from(["merge_members", "unmerge_members"]))
    def merge_or_unmerge(self, data: st.DataObject, kind: str) -> None:
        self.post_new(data, kind)

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

    @rule(data=st.data())
    def apply_program(self, data: st.DataObject) -> None:
        choose = Drawn(data)
        texts = (None, "ann", "new year")
        program = self.programs.program(choose)
        self.pair.apply_program(program, choose.one(texts), choose.one(texts))

    @rule(how=st.sampled_from(["checkpoint", "reopen"]))
    def close(self, how: str) -> None:
        self.pair.ledger.checkpoint() if how == "checkpoint" else self.pair.reopen()

    @invariant()
    def all_agree(self) -> None:
        self.pair.compare_all(INSTANTS)
        for member in self.pair.model.members:
            if isinstance(member, Erased):
                continue
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


def test_a_killed_ledger_has_what_it_acknowledged_and_the_rest_whole_or_not_at_all() -> None:
    drive_kills(seed=1, kills=5)


def test_the_journals_order_explains_what_threads_saw() -> None:
    drive_threads(seed=2, postings=3_000)


# The same for as many operations as LOYALTY_SOAK_OPERATIONS says; the seeds are shown on failure.

OPERATIONS = int(os.environ.get("LOYALTY_SOAK_OPERATIONS", "1_000_000"))


def lives(life: int) -> Iterator[tuple[int, int]]:
    """Seeds, and how many operations for each, until there are enough of them."""
    first = random.randrange(2**32)
    for number, start in enumerate(range(0, OPERATIONS, life)):
        done = f"{start:,} operations done"
        logging.getLogger(__name__).warning("seed %d, %s", first + number, done)
        yield first + number, min(life, OPERATIONS - start)


@pytest.mark.soak
def test_random_postings_agree_for_a_long_time() -> None:
    for seed, operations in lives(50_000):
        drive(seed, operations)


@pytest.mark.soak
def test_a_ledger_is_killed_many_times() -> None:
    for seed, operations in lives(250_000):
        drive_kills(seed, kills=operations // 5_000)


@pytest.mark.soak
def test_the_journals_order_explains_what_threads_saw_for_a_long_time() -> None:
    for seed, operations in lives(50_000):
        drive_threads(seed, operations // 5)

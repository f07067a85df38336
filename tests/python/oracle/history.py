"""What many threads do to a ledger at once, and what each of them sees.

`Recorder` lets threads post, run, change the programme and read; `replay.explain` finds out whether
what they saw fits the journal.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import loyalty
from loyalty import Posting, Reply

from .child import plain
from .choosing import RandomChooser
from .driver import COMMON_KINDS, Life
from .linked import chains
from .posting import MEMBERSHIP, MERGING

POSTERS = 8
READERS = 2
MEMBERS = 8
MERGEABLE = 3  # of them
BATCH_MOST = 4
# Whose key leads to another member now has fewer entries than were acknowledged.
KINDS = tuple(kind for kind in COMMON_KINDS if kind != "erase_member")
RUN_EACH_S = 0.005
CHANGE_EACH_S = 0.03

Address = tuple[int | str, str]  # of an account


@dataclass(frozen=True, slots=True)
class Read:
    """A balance that was read, and the account's last acknowledged entry before that."""

    account: Address
    at: int
    balance: loyalty.Balance
    acknowledged: int


@dataclass
class History:
    """What the callers saw, in no order."""

    # Of postings that are linked, or of one that stands alone.
    replies: list[tuple[list[Posting], list[Reply]]] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    # Members who may have been merged: what they lead to changes, and with it what is acknowledged.
    merged: set[int | str | None] = field(default_factory=set)


class Recorder:
    """Lets threads loose on a ledger; `run` returns what they saw.

    Parameters
    ----------
    life : Life
        Its ledger is used, its model is not.
    seed : int
        Of what the threads choose; how they meet is up to the machine.
    postings : int
        How many are posted.
    """

    def __init__(self, life: Life, seed: int, postings: int) -> None:
        self.ledger = life.pair.ledger
        self.life = life
        life.generator.mergeable = life.generator.members[-MERGEABLE:]
        self.seed = seed
        self.left = postings
        self.lock = threading.Lock()
        self.acknowledged: dict[Address, int] = defaultdict(int)
        self.history = History()
        self.over = threading.Event()

    def run(self) -> History:
        jobs: list[Callable[[RandomChooser], None]] = [self.post] * POSTERS
        beside = [self.read] * READERS + [self.expire, self.change]
        with ThreadPoolExecutor(len(jobs) + len(beside)) as pool:
            posting, others = (
                [pool.submit(job, RandomChooser(self.seed + n)) for n, job in enumerate(some)]
                for some in (jobs, beside)
            )
            try:
                for job in posting:
                    job.result()
            finally:
                self.over.set()
            for job in others:
                job.result()
        return self.history

    def post(self, choose: RandomChooser) -> None:
        while batch := self.take(choose.number(1, BATCH_MOST)):
            one = len(batch) == 1
            replies = [self.ledger.post(batch[0])] if one else plain(self.ledger.post(batch))
            with self.lock:
                for chain in chains(batch):
                    of_chain, replies = replies[: len(chain)], replies[len(chain) :]
                    self.history.replies.append((chain, of_chain))
                    for posting, reply in zip(chain, of_chain, strict=True):
                        self.note(posting, reply)

    def take(self, most: int) -> list[Posting]:
        life = self.life
        with self.lock:
            most = min(most, self.left)
            self.left -= most
            kinds = [life.choose.one(KINDS) for _ in range(most)]
            batch = life.generator.batch(life.choose, kinds)
            for posting in batch:
                if posting.kind in MERGING:
                    self.history.merged |= {posting.member, posting.other_member}
            return batch

    def note(self, posting: Posting, reply: Reply) -> None:
        if not reply.ok:
            self.life.generator.forget([posting.id])
        if reply.status not in ("posted", "posted_in_part") or posting.kind in MEMBERSHIP:
            return
        if posting.currency is not None:
            self.see((posting.member, posting.currency), reply.sequence)
            if posting.kind == "transfer" and posting.other_member is not None:
                self.see((posting.other_member, posting.currency), reply.sequence + 1)

    def see(self, account: Address, sequence: int) -> None:
        self.acknowledged[account] = max(self.acknowledged[account], sequence)

    def read(self, choose: RandomChooser) -> None:
        generator = self.life.generator
        while not self.over.is_set():
            account = (choose.one(generator.members), choose.one(self.ledger.currencies))
            at = generator.time(choose)
            with self.lock:
                acknowledged = self.acknowledged[account]
            try:
                balance = self.ledger.balance(*account, at=at)
            except loyalty.NotFoundError:
                continue  # not a member yet
            self.history.reads.append(Read(account, at, balance, acknowledged))

    def expire(self, choose: RandomChooser) -> None:
        while not self.over.wait(RUN_EACH_S):
            self.ledger.expire(self.life.generator.time(choose))

    def change(self, choose: RandomChooser) -> None:
        while not self.over.wait(CHANGE_EACH_S):
            with suppress(loyalty.InvalidInputError):  # it lacks a currency in use
                self.ledger.apply_program(self.life.programs.program(choose))

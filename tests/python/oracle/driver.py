"""A long random life of a ledger beside its model, the same for the same seed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .choosing import RandomChooser
from .generator import CENTRE, DAY, Generator
from .pair import Mismatch, Pair
from .programs import ProgramGenerator
from .variations import CODE_TEXTS

MEMBERS = 40
CURRENCIES = ("points", "miles", "gold")
HUGE = "gold"  # in some ledgers
OPTIONS = {"segment_entries": 5_000, "checkpoint_entries": 12_000}
BATCHES_MOST = (10, 100, 500)
LAST_LEAP = CENTRE + 15 * 365 * DAY  # not beyond today, which runs may not pass
EVERYTHING_EACH = 20  # batches after which all accounts are compared, not only those touched
WEIGHTS = {
    "open_member": 3,
    "earn": 24,
    "redeem": 16,
    "adjust": 8,
    "reverse": 14,
    "hold": 10,
    "capture": 7,
    "release": 3,
    "confirm": 5,
    "cancel": 3,
    "extend": 4,
    "reinstate": 5,
    "set_limits": 2,
    "set_level": 5,
    "transfer": 8,
    "join_pool": 3,
    "leave_pool": 1,
    "close_member": 1,
    "reopen_member": 4,
    "merge_members": 3,
    "unmerge_members": 2,
    "erase_member": 1,
}
COMMON_KINDS = tuple(kind for kind, weight in WEIGHTS.items() for _ in range(weight))


def drive(seed: int, operations: int, progress: Callable[[int], None] = lambda done: None) -> None:
    """Let a new ledger and its model live through that many operations, and compare them.

    Parameters
    ----------
    seed : int
        Of all that is random.
    operations : int
        Postings; there are runs and reopenings between them.
    progress : callable
        Is told how many operations were done, after each batch.

    Raises
    ------
    Mismatch
        They disagree. It says where, and how to repeat it.
    """
    with tempfile.TemporaryDirectory() as directory:
        life = Life(seed, Path(directory) / "ledger", huge=seed % 3 == 0)
        done = 0
        try:
            while done < operations:
                with noted(f"from operation {done:,} on of drive({seed}, {operations})"):
                    done += life.step(operations - done)
                progress(done)
            with noted(f"at the end of drive({seed}, {operations})"):
                life.finish()
        finally:
            life.pair.ledger.close()


@contextmanager
def noted(where: str) -> Iterator[None]:
    """Say where a mismatch was found."""
    try:
        yield
    except Mismatch as mismatch:
        mismatch.add_note(where)
        raise


class Life:
    """A ledger and its model, and what happens to them.

    Parameters
    ----------
    seed : int
        Of all that is random.
    path : Path
        Where to create the ledger.
    members : int
        How many.
    huge : bool
        Whether amounts may be as large as can be.
    """

    def __init__(
        self, seed: int, path: Path, *, members: int = MEMBERS, huge: bool = False
    ) -> None:
        self.choose = RandomChooser(seed)
        # Keys are integers in one ledger, and texts in the next.
        keys = [100 + n if seed % 2 else f"member {n}" for n in range(members)]
        self.programs = ProgramGenerator(CURRENCIES)
        program = self.programs.program(self.choose) if seed % 4 == 0 else None
        first = () if program else CURRENCIES
        self.pair = Pair(path, first, OPTIONS, program)
        currencies = self.pair.model.currencies  # and those that come
        self.generator = Generator(keys, currencies, huge=HUGE if huge else None)
        self.pair.post([self.generator.opening(member) for member in keys[:-2]])
        self.batches = 0

    def step(self, most: int) -> int:
        """Post a batch, compare, let time go on; return how many postings it were."""
        choose, pair = self.choose, self.pair
        size = min(most, choose.number(1, choose.one(BATCHES_MOST)))
        batch = self.generator.batch(choose, [choose.one(COMMON_KINDS) for _ in range(size)])
        replies = pair.post(batch)
        self.generator.forget(
            posting.id for posting, reply in zip(batch, replies, strict=True) if not reply.ok
        )
        pair.compare_accounts(
            {(posting.member, posting.currency) for posting in batch}, self.instants(3)
        )
        pair.compare_totals()
        if choose.chance(30):
            pair.expire(self.generator.time(choose), dry_run=choose.chance(30))
        if choose.chance(8):
            texts = (None, *CODE_TEXTS)
            program = self.programs.program(choose)
            pair.apply_program(program, choose.one(texts), choose.one(texts))
        if choose.chance(5):
            pair.reopen()
        if choose.chance(5):
            pair.ledger.checkpoint()
        self.batches += 1
        if self.batches % EVERYTHING_EACH == 0:
            pair.compare_all(self.instants(2))
            pair.remember()
        self.generator.centre += choose.number(0, 4) * DAY // 4
        if choose.chance(1) and self.generator.centre < LAST_LEAP:
            self.generator.centre += choose.number(20, 300) * DAY
        return size

    def finish(self) -> None:
        """Compare all there is."""
        self.pair.compare_all(self.instants(5))
        self.pair.compare_past()
        self.pair.compare_statements()
        self.pair.verify()

    def instants(self, count: int) -> list[int]:
        return [self.generator.time(self.choose) for _ in range(count)]

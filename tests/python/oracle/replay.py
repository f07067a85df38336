"""Whether one order explains what many threads saw: that of the journal (rules 21 to 27).

The model does what the journal says, entry by entry. Every caller must have had the very reply that
the model gives, and every balance read must be the model's at the sequence that it names.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from loyalty import Posting, Reply

from .account import Account, Scope
from .driver import Life, noted
from .history import MEMBERS, Address, History, Read, Recorder
from .linked import faults_in_chain
from .model import Model
from .pair import Mismatch, Pair, balance, rows_of, same
from .posting import MERGING, micros
from .report import RUN_KINDS

ROW = ("sequence", "kind", "member", "currency", "effective_time", "related_sequence", "text")
PARTS = (
    *("active", "pending", "held", "arrears", "expiring_points"),
    *("lifetime_earned", "lifetime_redeemed"),
)
NOTHING = Account()  # of a member whom the model does not know yet


def drive_threads(seed: int, postings: int) -> None:
    """Let threads post to few members of a new ledger, and explain what they saw.

    Raises
    ------
    Mismatch
        As of `explain`.
    """
    with tempfile.TemporaryDirectory() as directory:
        life = Life(seed, Path(directory) / "ledger", members=MEMBERS)
        try:
            history = Recorder(life, seed, postings).run()
            with noted(f"after drive_threads({seed}, {postings}), which goes otherwise each time"):
                explain(life.pair, history)
                life.finish()
        finally:
            life.pair.ledger.close()


def explain(pair: Pair, history: History) -> None:
    """Let the model catch up with the ledger, and compare all that callers saw.

    Raises
    ------
    Mismatch
        A reply, a read or an entry that the model would not give.
    """
    _Replay(pair, history).run()
    pair.compare_journal()


class _Replay:
    def __init__(self, pair: Pair, history: History) -> None:
        self.model: Model = pair.model
        self.rows = rows_of(pair.ledger.changes(self.model.sequence + 1, 10**7), ROW)
        self.first = self.model.sequence + 1
        self.journaled: dict[int, tuple[list[Posting], list[Reply]]] = {}  # by the first's sequence
        self.others: list[tuple[list[Posting], list[Reply]]] = []  # duplicates, and malformed ones
        for chain, replies in history.replies:
            if journaled := [reply.sequence for reply in replies if self.is_journaled(reply)]:
                self.journaled[journaled[0]] = (chain, replies)
            else:
                self.others.append((chain, replies))
        self.reads: dict[tuple[Address, int], list[Read]] = defaultdict(list)
        for read in history.reads:
            may_lack = read.account[0] in history.merged
            if read.balance.sequence < read.acknowledged and not may_lack:
                raise Mismatch(f"a read that lacks an acknowledged posting: {read}")
            self.reads[read.account, read.balance.sequence].append(read)
        self.run_as_of: int | None = None

    @staticmethod
    def is_journaled(reply: Reply) -> bool:
        known = ("already_exists", "id_already_failed")
        repeated = reply.status in known or reply.status.startswith("exists_with")
        return reply.sequence > 0 and not repeated

    def run(self) -> None:
        self.compare_reads_of_sequence(0)
        while (at := self.model.sequence + 1 - self.first) < len(self.rows):
            before = self.model.sequence
            self.step(self.rows[at])
            for sequence in range(before + 1, self.model.sequence + 1):
                self.compare_reads_of_sequence(sequence)
        same("the reads that nothing explains", dict(self.reads), {})
        same("the replies that nothing explains", self.journaled, {})
        for chain, replies in self.others:
            for place, reply in enumerate(replies):
                self.compare_other(chain, place, reply)

    def step(self, row: dict[str, Any]) -> None:
        """Let the model do what comes next in the journal."""
        model, kind = self.model, row["kind"]
        if row["sequence"] in self.journaled:
            chain, replies = self.journaled.pop(row["sequence"])
            same(f"the replies to {chain}", replies, model.post_chains(chain))
        elif kind == "define_code":
            model.intern([row["text"]])
        elif kind == "define_currency":
            model.add_currency(row["text"])
        elif kind == "define_program":
            model.put_in_force(row["text"])
        elif kind == "run_started":
            self.run_started = model.start_run(row["effective_time"])
        elif kind == "run_finished":
            model.finish_run(self.run_started)
        elif kind in RUN_KINDS:
            self.fall_due(row)
        else:
            raise Mismatch(f"nobody asked for this entry: {row}")

    def fall_due(self, row: dict[str, Any]) -> None:
        """What time does, in a run or before a posting: the first that is due, of what counts."""
        account = self.model.accounts[row["member"], row["currency"]]
        at, got = row["effective_time"], (row["related_sequence"] or 0, row["kind"])
        firsts = [due for scope in Scope if (due := account.due(at, scope))]
        found = next((due for due in firsts if (due.about, due.kind) == got), None)
        if found is None or found.instant != at:
            raise Mismatch(f"what falls due\n  the ledger: {row}\n  the model:  {firsts}")
        self.model.fall_due(found, row["member"], row["currency"])

    def compare_reads_of_sequence(self, sequence: int) -> None:
        for account in self.accounts_changed_at(sequence):
            last = self.model.account(*account).last_sequence if sequence else 0
            for read in self.reads.pop((account, last), ()):
                known = self.model.known(account[0])
                there = self.model.account(*account) if known is not None else NOTHING
                expected = balance(account[0], there, read.at)
                actual = {
                    "member": account[0],
                    **{name: getattr(read.balance, name) for name in PARTS},
                    "expiring_time": read.balance.expiring_time
                    and micros(read.balance.expiring_time),
                    "last_sequence": read.balance.sequence,
                }
                same(f"a balance read, {read}", actual, expected)

    def accounts_changed_at(self, sequence: int) -> list[Address]:
        if sequence == 0:
            return [account for account, at in self.reads if at == 0]
        model, entry = self.model, self.model.journal[sequence - 1]
        if entry.kind in MERGING:  # keys lead to other accounts, which need not have changed
            return [(member, currency) for member in model.members for currency in model.currencies]
        if entry.member is None or entry.currency is None:
            return []
        survivor = model.survivor(entry.member)
        leading = [member for member in model.members if model.survivor(member) == survivor]
        return [(member, entry.currency) for member in leading]

    def compare_other(self, chain: list[Posting], place: int, reply: Reply) -> None:
        """What was not journaled: a duplicate, or what some programme of then could not do."""
        posting = chain[place]
        earlier = self.model.by_id.get(posting.id)
        if reply.sequence and earlier:
            status = self.model.status_of_repeated(earlier, posting)
            same(f"the reply to the repeated {posting}", reply, earlier.reply(status))
            return
        known = [program.has(posting.currency) for program in self.model.programs]
        found = {next(faults_in_chain(chain, place, has), None) for has in known}
        found |= {program.fault(posting) for program in self.model.programs}
        found |= {"linked_posting_malformed"} if len(chain) > 1 else set()
        if reply.status not in found:
            raise Mismatch(f"the reply to {posting}: {reply}, which no programme gives")

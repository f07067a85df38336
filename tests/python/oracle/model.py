"""The ledger as docs/semantics.md has it, and as slow as you like.

`Model.post_all` decides postings and says what the ledger must reply; `Model.expire` is a run;
`Model.journal` is what `Ledger.changes` must show.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from loyalty import Posting, Reply

from .account import Account, Due
from .journal import Books, Entry
from .posting import CODES, amount, difference, faults, micros
from .rules import DECISIONS, SIDES, Case, Refused, cancel_rest, end_hold

RUN_KINDS = ("cancel", "expire", "time_out", "activate")  # in the order of a run's report


class Line(NamedTuple):
    """A line of what a run did: see `loyalty.Ledger.expire`."""

    kind: str
    currency: str
    month: dt.date
    entries: int
    points: int


class Model:
    """A ledger: members, their accounts, and the journal."""

    def __init__(self, currencies: Sequence[str]) -> None:
        self.currencies = tuple(currencies)
        self.books = {currency: Books() for currency in currencies}
        self.members: dict[int | str, None] = {}  # in the order of opening
        self.accounts: dict[tuple[int | str, str], Account] = {}
        self.journal: list[Entry] = []
        self.by_id: dict[object, Entry] = {}
        self.texts: set[str] = set()
        for _ in currencies:
            self._add(Entry(0, "define_currency"))

    @property
    def sequence(self) -> int:
        """The number of the last entry."""
        return len(self.journal)

    # Postings.

    def post_all(self, postings: Iterable[Posting]) -> list[Reply]:
        """Post a batch: each posting stands alone (rule 20)."""
        postings = list(postings)
        self._intern(postings)
        return [self._post(posting) for posting in postings]

    def _intern(self, postings: Sequence[Posting]) -> None:
        """Journal the text of a code when it is used for the first time (rule 3)."""
        for name in CODES:
            for posting in postings:
                text = getattr(posting, name)
                if text and text not in self.texts:
                    self.texts.add(text)
                    self._add(Entry(0, "define_code"))

    def _post(self, posting: Posting) -> Reply:
        if fault := next(faults(posting), None):  # rule 19
            return Reply(fault, 0, 0)
        if earlier := self.by_id.get(posting.id):
            return earlier.reply(_status_of_repeated(earlier, posting))
        if posting.kind == "open_member":
            entry = self._open_member(posting)
        elif posting.member not in self.members:
            entry = self._entry(posting)
            _refuse(entry, "member_not_found")
        else:
            entry = self._decide(posting)
        self.by_id[posting.id] = entry
        return entry.reply(entry.status)

    def _open_member(self, posting: Posting) -> Entry:
        taken = posting.member in self.members
        self.members[posting.member] = None
        entry = self._entry(posting)
        if taken:
            _refuse(entry, "member_already_open")
        else:
            for currency in self.currencies:
                self.accounts[posting.member, currency] = Account()
        return entry

    def _decide(self, posting: Posting) -> Entry:
        assert posting.currency is not None
        account = self.accounts[posting.member, posting.currency]
        at = micros(posting.effective_time)
        for hold in sorted(account.holds, key=lambda hold: (hold.deadline, hold.sequence)):
            if hold.deadline <= at:  # rule 10
                due = Due(hold.deadline, 1, hold.sequence, "time_out")
                ended = self._happen(due, posting.member, posting.currency, account)
                self._record(ended, account)
        original = self.by_id.get(posting.related)
        entry = self._entry(posting)
        entry.related = original.sequence if original else None
        case = Case(posting, at, entry, account, self.books[posting.currency], original)
        try:
            DECISIONS[posting.kind](case)
        except Refused as refusal:
            _refuse(entry, refusal.status, refusal.limit)
        else:
            account.forget_terms()
            account.last_sequence = entry.sequence
            self.books[posting.currency] = case.books
        entry.parts = account.parts(at)
        return entry

    def _entry(self, posting: Posting) -> Entry:
        entry = Entry(0, posting.kind, micros(posting.effective_time), posting=posting)
        entry.member = posting.member if posting.member in self.members else None
        entry.currency = None if posting.kind == "open_member" else posting.currency
        return self._add(entry)

    def _add(self, entry: Entry) -> Entry:
        self.journal.append(entry)
        entry.sequence = len(self.journal)
        return entry

    # Runs.

    def expire(self, as_of: int, *, dry_run: bool = False) -> list[Line]:
        """Journal what fell due by an instant (rules 6, 8, 9 and 10); return what a run says."""
        happened = []
        if not dry_run:
            started = self._add(Entry(0, "run_started", as_of))
        for currency in self.currencies:
            for member in self.members:
                account = self.accounts[member, currency]
                account = account.copy() if dry_run else account
                while due := account.due(as_of):
                    entry = self._happen(due, member, currency, account)
                    happened.append(entry)
                    if not dry_run:
                        self._record(entry, account)
        if not dry_run:
            self._add(Entry(0, "run_finished", as_of, related=started.sequence))
        return self._lines(happened)

    def _happen(self, due: Due, member: int | str, currency: str, account: Account) -> Entry:
        """Let what is due happen to an account; return the entry, which is not journaled yet."""
        entry = Entry(0, due.kind, due.instant, member, currency, related=due.about or None)
        if due.kind == "time_out":
            (hold,) = (hold for hold in account.holds if hold.sequence == due.about)
            end_hold(account, entry, hold, hold.taken)
            entry.size = hold.points
        elif due.kind == "activate":
            entry.size = account.points_of(due.about)
            entry.repaid = account.activate(due.about, None)
        elif due.kind == "cancel":
            entry.size = cancel_rest(account, self.journal[due.about - 1])
            entry.points = -entry.size
        else:
            entry.size = account.expire(due.instant)
            entry.points = -entry.size
        account.forget_terms()
        entry.parts = account.parts(due.instant)
        return entry

    def _record(self, entry: Entry, account: Account) -> None:
        """Journal what happened by itself."""
        account.last_sequence = self._add(entry).sequence
        assert entry.currency is not None
        side = "expired"
        if entry.kind == "cancel" and entry.related is not None:
            original = self.journal[entry.related - 1]
            original.undone += entry.size
            side = SIDES[original.kind]
        self.books[entry.currency] = self.books[entry.currency].move(side, entry.points)

    def _lines(self, happened: Iterable[Entry]) -> list[Line]:
        entries: Counter[tuple[str, str, dt.date]] = Counter()
        points: Counter[tuple[str, str, dt.date]] = Counter()
        for entry in happened:
            assert entry.currency is not None
            assert entry.effective is not None
            month = dt.datetime.fromtimestamp(entry.effective // 10**6, dt.UTC).date()
            group = (entry.kind, entry.currency, month.replace(day=1))
            entries[group] += 1
            points[group] += entry.size
        ordered = sorted(
            entries,
            key=lambda group: (
                RUN_KINDS.index(group[0]),
                self.currencies.index(group[1]),
                group[2],
            ),
        )
        return [Line(*group, entries[group], points[group]) for group in ordered]


def _refuse(entry: Entry, status: str, limit: int = 0) -> None:
    """Note that a posting is refused, and what it asked for."""
    assert entry.posting is not None
    entry.status, entry.limit = status, limit
    if entry.kind in ("earn", "adjust"):
        entry.points = amount(entry.posting)
    elif entry.kind == "redeem":
        entry.points = -amount(entry.posting)
    elif entry.kind == "hold":
        entry.held_change = amount(entry.posting)


def _status_of_repeated(earlier: Entry, again: Posting) -> str:
    """What the same id gets once more (rules 18 and 19)."""
    assert earlier.posting is not None
    if earlier.status != "posted":
        return "id_already_failed"
    different = difference(earlier.posting, again)
    return f"exists_with_different_{different}" if different else "already_exists"

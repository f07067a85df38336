"""The ledger as docs/semantics.md has it, and as slow as you like.

`Model.post_all` decides postings and says what the ledger must reply; `Model.expire` is a run;
`Model.apply_program` puts a programme in force; `Model.journal` is what `Ledger.changes` must show.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from loyalty import Posting, Reply

from .account import Account, Due, Scope, Undone
from .case import SIDES, Case, Refused
from .erasing import erase
from .journal import Books, Entry
from .levels import Given, set_level
from .linked import chains, faults_in_chain, post_chain
from .merging import Merges, merge_members, unmerge_members
from .posting import CODES, LEVEL, MEMBERSHIP, MERGING, difference, micros
from .program import Levels, Program
from .report import Line, report
from .rules import DECISIONS, cancel_rest, end_hold
from .transfer import receive

NEW_BUSINESS = (  # rule 17
    *("earn", "redeem", "adjust", "hold", "transfer", "join_pool", "set_limits"),
)
GIVING = ("transfer", "leave_pool")  # to the other member
CURRENCIES_MOST = 16  # in all versions


class CannotFollow(Exception):  # noqa: N818 - as Refused
    """A programme cannot follow the one in force."""


class Model:
    """A ledger: members, their accounts, and the journal."""

    def __init__(self, currencies: Sequence[str] = (), program: str | None = None) -> None:
        """Begin with currencies, or with a programme and its currencies."""
        self.programs = [Program()]  # by version
        self.currencies: list[str] = []
        self.books: dict[str, Books] = {}
        self.members: dict[int | str, None] = {}  # in the order of opening
        self.closed: set[int | str] = set()
        self.levels: dict[int | str, dict[str, Given]] = defaultdict(dict)  # by member, ladder
        self.merges = Merges()
        self.fates: dict[int, list[Entry]] = defaultdict(list)  # see `Case`
        self.accounts: dict[tuple[int | str, str], Account] = {}
        self.journal: list[Entry] = []
        self.by_id: dict[object, Entry] = {}
        self.texts: set[str] = set()
        for currency in currencies:
            self.add_currency(currency)
        if program:
            self.put_in_force(program)

    @property
    def sequence(self) -> int:
        """The number of the last entry."""
        return len(self.journal)

    # Postings.

    def post_all(self, postings: Iterable[Posting]) -> list[Reply]:
        """Post a batch: each posting stands alone, or with those that it is linked to (rule 23)."""
        postings = list(postings)
        self.intern_codes(postings)
        return self.post_chains(postings)

    def intern_codes(self, postings: Sequence[Posting]) -> None:
        """Journal the texts of a batch's codes that are new."""
        self.intern(getattr(posting, name) for name in (*CODES, *LEVEL) for posting in postings)

    def intern(self, texts: Iterable[str | None]) -> None:
        """Journal the text of a code when it is used for the first time (rule 3)."""
        for text in texts:
            if text and text not in self.texts:
                self.texts.add(text)
                self.add(Entry(0, "define_code", text=text))

    def post_chains(self, postings: Iterable[Posting]) -> list[Reply]:
        """Post a batch whose codes are journaled."""
        replies = []
        for chain in chains(postings):
            replies += post_chain(self, chain) if len(chain) > 1 else [self.post(*chain)]
        return replies

    def post(self, posting: Posting) -> Reply:
        """Post one that stands alone."""
        if answer := self.answer([posting], 0):
            return answer
        entry = self.journal_posting(posting)
        return entry.reply(entry.status)

    def answer(self, chain: Sequence[Posting], place: int) -> Reply | None:
        """What a posting gets that is not journaled, or was before (rules 21 and 22)."""
        posting = chain[place]
        if fault := next(faults_in_chain(chain, place, self.program.has(posting.currency)), None):
            return Reply(fault, 0, 0)
        if earlier := self.by_id.get(posting.id):
            return earlier.reply(self.status_of_repeated(earlier, posting))
        fault = self.program.fault(posting)
        return Reply(fault, 0, 0) if fault else None

    def status_of_repeated(self, earlier: Entry, again: Posting) -> str:
        """What the same id gets once more (rules 21 and 22)."""
        assert earlier.posting is not None
        if not earlier.is_posted:
            return "id_already_failed"
        before = earlier.sequence - 1
        different = difference(
            *(self._led(posting, before) for posting in (earlier.posting, again))
        )
        return f"exists_with_different_{different}" if different else "already_exists"

    def _led(self, posting: Posting, through: int) -> Posting:
        """The same with the members that its keys led to as of a sequence."""
        other = posting.other_member
        return replace(
            posting,
            member=self.survivor(posting.member, through),
            other_member=other if other is None else self.survivor(other, through),
        )

    def journal_posting(self, posting: Posting) -> Entry:
        """Post one that is well-formed and new."""
        if posting.kind == "open_member":
            entry = self._open_member(posting)
        elif posting.member not in self.members:
            entry = self.entry(posting)
            entry.refuse("member_not_found")
        elif posting.kind in MERGING:
            doing = merge_members if posting.kind == "merge_members" else unmerge_members
            entry = doing(self, posting)
        elif posting.kind == "set_level":
            entry = self.entry(posting)
            set_level(self, entry)
        elif posting.kind in MEMBERSHIP:
            entry = self._change_member(posting)
        else:
            entry = self._decide(posting)
        self.by_id[posting.id] = entry
        return entry

    def journal_refused(self, posting: Posting, refused: Entry | None) -> Entry:
        """Journal that a posting of a chain is refused: if `refused` is its entry, as that says."""
        if refused is not None and refused.posting is posting:
            entry = self.add(refused)
            if entry.related is not None:  # which may be of the chain, and have another place now
                entry.related = self.by_id[posting.related].sequence
        else:
            entry = self.entry(posting)
            entry.refuse("linked_posting_failed")
        if entry.member is not None and posting.currency is not None:
            account = self.accounts[entry.member, posting.currency]
            entry.parts = account.parts(micros(posting.effective_time))
        self.by_id[posting.id] = entry
        return entry

    def _open_member(self, posting: Posting) -> Entry:
        taken = posting.member in self.members
        self.members[posting.member] = None
        entry = self.entry(posting)
        if taken:
            entry.refuse("member_already_open")
        else:
            for currency in self.currencies:
                self.accounts[posting.member, currency] = Account()
        return entry

    # The programme.

    @property
    def program(self) -> Program:
        """The one in force."""
        return self.programs[-1]

    def apply_program(self, text: str, actor: str | None = None, reason: str | None = None) -> int:
        """Put a programme in force (docs/programme.md, "Changing it"); return its version.

        Raises
        ------
        CannotFollow
            For what is in use, or because there are too many currencies.
        """
        self.intern([actor, reason])
        if text != self.program.text:
            self._check_change(Program(text))
            self.put_in_force(text, actor, reason)
        return self.program.version

    def _check_change(self, new: Program) -> None:
        for name in self.currencies:
            if not any(a.last_sequence for (_, of), a in self.accounts.items() if of == name):
                continue
            if name not in new.currencies:
                raise CannotFollow(f"currencies lacks '{name}'")
            decimals = self.program.currency(name)["decimals"]
            if new.currency(name)["decimals"] != decimals:
                raise CannotFollow(f"currencies.{name}.decimals must stay {decimals}")
        if len({*self.currencies, *new.currencies}) > CURRENCIES_MOST:
            raise CannotFollow(f"a ledger has at most {CURRENCIES_MOST} currencies")

    def put_in_force(self, text: str, actor: str | None = None, reason: str | None = None) -> None:
        program = Program(text, self.program.version + 1)
        self.intern(program.names)
        for currency in program.currencies:
            if currency not in self.currencies:
                self.add_currency(currency)
        entry = self.add(Entry(0, "define_program", text=text))
        entry.posting = Posting("define_program", 0, actor=actor, reason=reason)
        self.programs.append(program)

    def add_currency(self, name: str) -> None:
        self.currencies.append(name)
        self.books[name] = Books()
        for member in self.members:
            self.accounts[member, name] = Account()
        self.add(Entry(0, "define_currency", text=name))

    def _change_member(self, posting: Posting) -> Entry:
        """Close a member, or undo that, or erase him (rule 17)."""
        entry = self.entry(posting)
        member = self.survivor(posting.member)
        if posting.kind == "erase_member":
            erase(self, entry)
            return entry
        is_closed, closes = member in self.closed, posting.kind == "close_member"
        if is_closed == closes:
            entry.refuse("member_closed" if closes else "member_not_closed")
        elif closes:
            self.closed.add(member)
        else:
            self.closed.remove(member)
        return entry

    def _decide(self, posting: Posting) -> Entry:
        assert posting.currency is not None
        member = self.survivor(posting.member)
        account = self.accounts[member, posting.currency]
        at = micros(posting.effective_time)
        self._let_fall_due_before(posting, at)
        original = self.by_id.get(posting.related)
        entry = self.entry(posting)
        entry.related = original.sequence if original else None
        then = self.programs[original.version if original else 0]
        books = self.books[posting.currency]
        case = Case(posting, at, entry, account, books, original, self.program, then)
        case.journal, case.fates, case.members = self.journal, self.fates, self.members
        case.merges, case.undone = self.merges, self._undone(original, posting.currency)
        case.levels = self.levels_of(member)
        if entry.other is not None:
            case.other = self.accounts[entry.other, posting.currency]
            case.other_closed = entry.other in self.closed
        try:
            if posting.kind in NEW_BUSINESS and member in self.closed:
                raise Refused("member_closed")
            if entry.other == member:
                raise Refused("same_member")
            DECISIONS[posting.kind](case)
        except Refused as refusal:
            entry.refuse(refusal.status, refusal.limit)
        else:
            account.forget_terms()
            account.put_off(case.filled.active_until)
            account.last_sequence = entry.sequence
            self.books[posting.currency] = case.books
            if original and (entry.revived or entry.kind == "reinstate"):
                self.fates[original.sequence].append(entry)
        entry.parts = account.parts(at)
        if entry.kind in GIVING and entry.is_posted and entry.points:
            self._give(entry)
        return entry

    def _let_fall_due_before(self, posting: Posting, at: int) -> None:
        """Journal what has happened by itself to the accounts of a posting (rules 7 and 10)."""
        assert posting.currency is not None
        filled = self.program.fill(posting, self.levels_of(posting.member))
        active = filled.active_until is not None or posting.kind == "confirm"
        scope = Scope.BEFORE_ACTIVITY if active else Scope.ENDED_HOLDS
        scope = Scope.ALL if posting.kind == "reinstate" else scope
        self.let_fall_due(self.survivor(posting.member), posting.currency, at, scope)
        if posting.kind in GIVING and posting.other_member in self.members:
            assert posting.other_member is not None
            receiver = self.survivor(posting.other_member)
            other = self.accounts[receiver, posting.currency]
            if other.inactive_from is not None and other.inactive_from <= at:
                scope = Scope.BEFORE_ACTIVITY
                self.let_fall_due(receiver, posting.currency, at, scope)

    def let_fall_due(self, member: int | str, currency: str, by: int, scope: Scope) -> None:
        while due := self.accounts[member, currency].due(by, scope):
            if not self.fall_due(due, member, currency).is_posted:
                return

    def _give(self, first: Entry) -> None:
        """Journal the entry that gives the other member what the first took (rule 16)."""
        posting = first.posting
        assert posting is not None
        assert first.other is not None
        assert posting.currency is not None
        codes = {name: getattr(posting, name) for name in CODES}
        receiver = self.survivor(first.other)
        asked = Posting(
            *(first.kind, receiver, posting.points, posting.currency),
            effective_time=posting.effective_time,
            other_member=posting.member,
            **codes,
        )
        account = self.accounts[receiver, posting.currency]
        second = self.entry(asked)
        second.related, second.points = first.sequence, -first.points
        assert first.member is not None
        giver = self.accounts[first.member, posting.currency]
        levels = self.levels_of(receiver)
        receive(account, second, first.taken, giver, self.program, levels)
        account.last_sequence = second.sequence
        second.parts = account.parts(micros(posting.effective_time))

    def entry(self, posting: Posting) -> Entry:
        entry = Entry(0, posting.kind, micros(posting.effective_time), posting=posting)
        entry.member = self.known(posting.member)
        entry.currency = None if posting.kind in MEMBERSHIP else posting.currency
        entry.other = self.known(posting.other_member)
        entry.filled = self.program.fill(posting, self.levels_of(posting.member))
        return self.add(entry)

    def levels_of(self, member: int | str) -> Levels:
        """The levels of whom a key leads to."""
        if member not in self.members:
            return None
        given = self.levels.get(self.survivor(member), {})
        return {ladder: of.level for ladder, of in given.items()}

    def survivor(self, member: int | str, through: int | None = None) -> int | str:
        """Whom a member leads to, who was merged perhaps (rule 18)."""
        return self.merges.survivor(member, through)

    @property
    def survivors(self) -> list[int | str]:
        """All members, but for those who were merged into others."""
        return [member for member in self.members if self.survivor(member) == member]

    def account(self, member: int | str, currency: str) -> Account:
        """The account that a key leads to."""
        return self.accounts[self.survivor(member), currency]

    def known(self, member: int | str | None) -> int | str | None:
        """Whom the key leads to; None: nobody."""
        return self.survivor(member) if member is not None and member in self.members else None

    def _undone(self, original: Entry | None, currency: str) -> Undone | None:
        """How much of a posting was reversed, with whomever its member was ever merged into."""
        if original is None or original.member is None:
            return None
        accounts = [self.accounts[m, currency] for m in self.merges.ever_with(original.member)]
        parts = [of.undone[original.sequence] for of in accounts if original.sequence in of.undone]
        if not parts:
            return None
        return Undone(sum(part.points for part in parts), sum(part.money for part in parts))

    def add(self, entry: Entry) -> Entry:
        entry.version = self.program.version
        self.journal.append(entry)
        entry.sequence = len(self.journal)
        return entry

    # Runs.

    def expire(self, as_of: int, *, dry_run: bool = False) -> list[Line]:
        """Journal what fell due by an instant (rules 6, 8, 9 and 10); return what a run says."""
        if dry_run:
            happened = list(self._all_due(as_of, dry_run=True))
        else:
            started = self.start_run(as_of)
            happened = self.journal_due(as_of)
            self.finish_run(started)
        return report(happened, self.currencies, self.program.calendar)

    # The blocks of a run.

    def start_run(self, as_of: int) -> Entry:
        return self.add(Entry(0, "run_started", as_of))

    def journal_due(self, as_of: int) -> list[Entry]:
        return list(self._all_due(as_of))

    def finish_run(self, started: Entry) -> None:
        self.add(Entry(0, "run_finished", started.effective, related=started.sequence))

    def _all_due(self, as_of: int, *, dry_run: bool = False) -> Iterator[Entry]:
        for currency in self.currencies:
            for member in self.members:
                account = self.accounts[member, currency]
                account = account.copy() if dry_run else account
                while due := account.due(as_of):
                    if dry_run:
                        yield self._happen(due, member, currency, account)
                    else:
                        yield self.fall_due(due, member, currency)

    def fall_due(self, due: Due, member: int | str, currency: str) -> Entry:
        """Let what is due on an account happen, and journal it."""
        account = self.accounts[member, currency]
        if due.kind == "expire":
            points = sum(account.lots[key] for key in account.expiring_at(due.instant))
            if not self.books[currency].move("expired", -points).fit:  # it stays due
                refused = Entry(0, "expire", due.instant, member, currency, points=-points)
                refused.status, refused.parts = "balance_would_overflow", account.parts(due.instant)
                return self.add(refused)
        entry = self._happen(due, member, currency, account)
        self._record(entry, account)
        return entry

    def _happen(self, due: Due, member: int | str, currency: str, account: Account) -> Entry:
        """Let what is due happen to an account; return the entry, which is not journaled yet."""
        entry = Entry(0, due.kind, due.instant, member, currency, related=due.about or None)
        if due.kind == "time_out":
            (hold,) = (hold for hold in account.holds if hold.sequence == due.about)
            end_hold(account, entry, hold, hold.taken)
            entry.size = hold.points
        elif due.kind == "activate":
            entry.size = account.points_of(due.about)
            entry.repaid = account.activate(due.about, due.instant, None)
        elif due.kind == "cancel":
            entry.size = cancel_rest(account, self.journal[due.about - 1])
            entry.points = -entry.size
        else:
            entry.expired = account.expire(due.instant)
            entry.size = entry.expired.total()
            entry.points = -entry.size
        account.forget_terms()
        entry.parts = account.parts(due.instant)
        return entry

    def _record(self, entry: Entry, account: Account) -> None:
        """Journal what happened by itself."""
        account.last_sequence = self.add(entry).sequence
        for source in entry.expired:
            self.fates[source].append(entry)
        assert entry.currency is not None
        side = "expired"
        if entry.kind == "cancel" and entry.related is not None:
            original = self.journal[entry.related - 1]
            account.undo(original.sequence, entry.size)
            side = SIDES[original.kind]
        self.books[entry.currency] = self.books[entry.currency].move(side, entry.points)

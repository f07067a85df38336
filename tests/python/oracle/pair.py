"""A ledger and its model: whatever is done is done to both, and what they say is compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

import loyalty
from loyalty import Posting, Program, Reply

from .account import NEVER, Account
from .child import plain
from .erasing import Erased, shown_key
from .journal import MOST, Entry
from .model import CannotFollow, Model
from .posting import CODES, LEVEL, micros, shown
from .report import Line

RECORD = (
    *("sequence", "kind", "status", "member", "currency", "effective_time", "points"),
    *("held_change", "repaid", "revived", "limit", "related_sequence"),
    *("balance", "pending", "held", "arrears"),
    *("expires_time", "activates_time", "deadline_time", "money", "tag", "asked"),
    *("other_member", "floor", "ceiling"),
    *CODES,
    *("ladder", "from_level", "level"),
)
PARTIAL = ("reverse", "capture", "reinstate")  # of another posting
DEFINITION = ("sequence", "kind", "status", "text", "actor", "reason")  # what counts of one
BALANCE = (
    *("member", "active", "pending", "held", "arrears", "expiring_points", "expiring_time"),
    *("lifetime_earned", "lifetime_redeemed", "last_sequence"),
)


class Mismatch(AssertionError):  # noqa: N818
    """The ledger and the model disagree."""


def same(what: str, actual: object, expected: object) -> None:
    if actual != expected:
        raise Mismatch(f"{what}\n  the ledger: {actual}\n  the model:  {expected}")


class Pair:
    """A ledger in a directory, which is new, and the model of it.

    Parameters
    ----------
    path : Path
        Where to create the ledger.
    currencies : Sequence[str]
        What to create it with.
    options : dict, optional
        How to open it: see `loyalty.open`.
    program : Program, optional
        What to create it with, instead of currencies.
    """

    def __init__(
        self,
        path: Path,
        currencies: Sequence[str] = (),
        options: dict[str, Any] | None = None,
        program: Program | None = None,
    ) -> None:
        self.model = Model(currencies, program.to_json() if program else None)
        self.options = options or {}
        self.path = path
        loyalty.create(path, currencies, program=program).close()
        self.open()
        self.compared = 0  # the last entry of the journal that was compared
        self.remembered: list[tuple[int, str, list[dict[str, Any]]]] = []

    def post(self, postings: Sequence[Posting]) -> list[Reply]:
        """Post to both, and compare replies and entries. One posting goes the way of its own."""
        expected = self.model.post_all(postings)
        if len(postings) == 1:
            actual = [self.ledger.post(postings[0])]
        else:
            actual = plain(self.ledger.post(postings))
        for row, posting in enumerate(postings):
            same(f"the reply to row {row}, {posting}", actual[row], expected[row])
        self.compare_journal()
        return actual

    def expire(self, as_of: int, *, dry_run: bool = False) -> list[Line]:
        """Run both, and compare what they say and journal; not where a run ends early, for sums."""
        if has_no_room(self.model, as_of):
            return []
        expected = self.model.expire(as_of, dry_run=dry_run)
        table = self.ledger.expire(as_of, dry_run=dry_run)
        actual = [Line(**row) for row in table.to_pylist()]
        same(f"the run as of {as_of}", actual, expected)
        if not dry_run:
            same("its last entry", table.metadata["finished_sequence"], self.model.sequence)
        self.compare_journal()
        return actual

    def apply_program(
        self, program: Program, actor: str | None = None, reason: str | None = None
    ) -> None:
        """Put a programme in force in both, or see both refuse it."""
        outcomes: list[int | str] = []
        try:
            outcomes.append(self.ledger.apply_program(program, actor=actor, reason=reason))
        except loyalty.InvalidInputError as error:
            outcomes.append(str(error))
        try:
            outcomes.append(self.model.apply_program(program.to_json(), actor, reason))
        except CannotFollow as error:
            outcomes.append(str(error))
        actual, expected = outcomes
        if isinstance(actual, str) and isinstance(expected, str):
            same("why the programme cannot follow", expected in actual, True)
        else:
            same(f"the version of {program.to_json()}", actual, expected)
        same("the currencies", self.ledger.currencies, tuple(self.model.currencies))
        self.compare_journal()

    def reopen(self) -> None:
        self.ledger.close()
        self.open()

    def open(self) -> None:
        self.ledger = loyalty.open(self.path, **self.options)

    def compare_journal(self) -> None:
        """Compare the entries since the last time."""
        expected = self.model.journal[self.compared :]
        table = self.ledger.changes(self.compared + 1, len(expected) + 10)
        actual = rows_of(table, (*RECORD, "text"))
        same("the journal's length", self.compared + len(actual), self.model.sequence)
        for row, entry in zip(actual, expected, strict=True):
            whole = record(entry)
            names = DEFINITION if entry.text else RECORD
            of_both = ({name: of[name] for name in names} for of in (row, whole))
            same(f"entry {entry.sequence}, {entry.posting}", *of_both)
        self.compared += len(actual)

    def compare_pools(self) -> None:
        """Compare what members of pools may spend, and have."""
        for (member, currency), account in self.model.accounts.items():
            if account.pool and not isinstance(member, Erased):
                rows = self.ledger.pool(member, currency).to_pylist()
                actual = [(row["member"], row["limit"], row["spent"]) for row in rows]
                expected = [
                    (shown_key(other), shown(limit.most, NEVER), limit.spent)
                    for other in self.model.members
                    if (limit := account.pool.get(other))
                ]
                same(f"the pool {member} of {currency}", actual, expected)

    def compare_accounts(
        self, accounts: Iterable[tuple[int | str, str | None]], instants: Iterable[int]
    ) -> None:
        """Compare all that can be read of some accounts, at some instants."""
        members: dict[str, list[int | str]] = {}
        for member, currency in accounts:
            if currency and (member, currency) in self.model.accounts:
                members.setdefault(currency, []).append(member)
        for at in instants:
            for currency, keys in members.items():
                table = self.ledger.balances(keys, currency, at=at)
                self._compare_balances(table, currency, at, keys)

    def compare_one(self, member: int | str, currency: str, instants: Iterable[int]) -> None:
        """Compare what `loyalty.Ledger.balance` says."""
        for at in instants:
            actual = self.ledger.balance(member, currency, at=at)
            expected = balance(member, self.model.account(member, currency), at)
            expires = expected.pop("expiring_time")
            got = actual.expiring_time and micros(actual.expiring_time)
            names = ("sequence" if name == "last_sequence" else name for name in expected)
            row = (member, *(getattr(actual, name) for name in names if name != "member"), got)
            same(f"the balance at {at}", row, (*expected.values(), expires))

    def compare_all(self, instants: Iterable[int]) -> None:
        """Compare all accounts at some instants, and the totals."""
        for at in instants:
            for currency in self.model.currencies:
                table = self.ledger.balances(currency=currency, at=at)
                same("the sequence of all balances", table.metadata["sequence"], self.compared)
                members = self.model.survivors
                same("the members", table["member"].tolist(), [shown_key(key) for key in members])
                self._compare_balances(table, currency, at, members)
        self.compare_totals()
        self.compare_pools()
        self.compare_levels()

    def compare_levels(self) -> None:
        """Compare where members stand on ladders."""
        program, expected = self.model.program, []
        for member in self.model.survivors:
            for ladder, levels in program.ladders.items():
                given = self.model.levels[member].get(ladder)
                level = levels[program.place(ladder, given and given.level)]["name"]
                expected.append((shown_key(member), ladder, level, given and given.since))
        rows = rows_of(self.ledger.tiers(), ("member", "ladder", "level", "since"))
        same("the levels", [tuple(row.values()) for row in rows], expected)

    def _compare_balances(
        self, table: loyalty.Table, currency: str, at: int, members: Sequence[int | str]
    ) -> None:
        for row, member in zip(rows_of(table, BALANCE), members, strict=True):
            expected = balance(member, self.model.account(member, currency), at)
            same(f"the balance of {currency} at {at}", row, expected)

    def remember(self) -> None:
        """Keep what the model says now, for `compare_past`."""
        sequence = self.model.sequence
        (recorded,) = rows_of(self.ledger.changes(sequence, 1), ["recorded_time"])
        for currency in self.model.currencies:
            rows = [
                balance(member, self.model.accounts[member, currency], recorded["recorded_time"])
                | {"member": place}
                for place, member in enumerate(self.model.members)
                if self.model.survivor(member) == member
            ]
            self.remembered.append((sequence, currency, rows))

    def compare_past(self) -> None:
        """Compare what the ledger says of the past with what the model said then."""
        for sequence, currency, expected in self.remembered:
            members = list(self.model.members)
            rows = [  # whose members may have been erased since
                row | {"member": shown_key(members[row["member"]])} for row in expected
            ]
            table = self.ledger.balances(currency=currency, as_of=loyalty.AsOf(sequence=sequence))
            same(f"the balances as of {sequence}", rows_of(table, BALANCE), rows)

    def compare_statements(self) -> None:
        """Compare all members' statements: their entries, by effective time, then sequence."""
        entries: dict[int | str, list[Entry]] = {member: [] for member in self.model.members}
        for entry in self.model.journal:
            if entry.member is not None and entry.currency is not None:
                survivor = self.model.survivor(entry.member)
                entries[survivor].append(entry)
        for member in self.model.members:
            of_member = entries[self.model.survivor(member)]
            if isinstance(member, Erased):
                continue
            table = self.ledger.statement(member)
            rows = rows_of(table, ("sequence", "currency", "running_balance"))
            running: Counter[str | None] = Counter()
            actual = [row for row in rows if row["currency"] is not None]
            of_member.sort(key=lambda entry: (entry.effective, entry.sequence))
            for row, entry in zip(actual, of_member, strict=True):
                running[entry.currency] += entry.points if entry.is_posted else 0
                total = running[entry.currency]
                # In an order of its own, this sum may pass 64 bits, which nothing else does.
                if abs(total) <= MOST:
                    expected = (entry.sequence, entry.currency, total)
                    same(f"the statement of {member}", tuple(row.values()), expected)

    def compare_totals(self) -> None:
        rows = self.ledger.totals().to_pylist()
        actual = {row.pop("currency"): tuple(row.values()) for row in rows}
        expected = {currency: books.totals for currency, books in self.model.books.items()}
        same("the totals", actual, expected)
        same("their sums", {sum(totals) for totals in actual.values()}, {0})

    def verify(self) -> None:
        same("what verify finds", self.ledger.verify().problems, ())


def rows_of(table: loyalty.Table, names: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a table, with instants as microseconds."""
    arrow = table.to_arrow()
    columns = []
    for name in names:
        column = arrow[name]
        timed = pa.types.is_timestamp(column.type)
        columns.append((column.cast(pa.int64()) if timed else column).to_pylist())
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def record(entry: Entry) -> dict[str, Any]:
    """What a row of `loyalty.Ledger.changes` must be."""
    posting, filled = entry.posting, entry.filled
    asked = posting.points if posting and posting.kind in PARTIAL else None
    return {
        "sequence": entry.sequence,
        "kind": entry.kind,
        "status": entry.status,
        "member": shown_key(entry.member),
        "currency": entry.currency,
        "effective_time": entry.effective,
        "points": entry.points,
        "held_change": entry.held_change,
        "repaid": entry.repaid,
        "revived": entry.revived,
        "limit": entry.limit or None,
        "related_sequence": entry.related,
        "balance": entry.parts.active,
        "pending": entry.parts.pending,
        "held": entry.parts.held,
        "arrears": entry.parts.arrears,
        "asked": entry.asked or asked or None,
        "money": posting.money if posting else 0,
        "tag": posting.tag if posting else 0,
        "expires_time": filled and shown(filled.expires, NEVER),
        "activates_time": filled and filled.activates,
        "deadline_time": filled and filled.deadline,
        "other_member": shown_key(entry.other),
        "floor": posting and posting.floor,
        "ceiling": posting and posting.ceiling,
        "text": entry.text,
        "from_level": entry.from_level,
        **{name: (posting and getattr(posting, name)) or None for name in (*CODES, *LEVEL)},
    }


def balance(member: int | str, account: Account, at: int) -> dict[str, Any]:
    """What a row of `loyalty.Ledger.balances` must be."""
    points, expires = account.expiring(at)
    return {
        "member": shown_key(member),
        **account.parts(at)._asdict(),
        "expiring_points": points,
        "expiring_time": expires,
        "lifetime_earned": account.lifetime_earned,
        "lifetime_redeemed": account.lifetime_redeemed,
        "last_sequence": account.last_sequence,
    }


def has_no_room(model: Model, as_of: int) -> bool:
    """Whether a run leaves points due because the sum of what expired has no room for them."""
    for currency in model.currencies:
        expired = abs(model.books[currency].expired)
        for member in model.members:
            account = model.accounts[member, currency]
            expired += sum(
                points
                for key, points in account.lots_at(as_of)
                if account.state(key, as_of) in ("expired", "lost")
            )
        if expired > MOST:
            return True
    return False

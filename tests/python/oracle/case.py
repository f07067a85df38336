"""A posting on its way to a decision: what all kinds ask, check and enter in the books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from loyalty import Posting

from .account import NEVER, Account, Undone
from .journal import MOST, Books, Entry, Filled
from .merging import Merges
from .program import Levels, Program

SIDES = {"earn": "issued", "adjust": "adjusted", "redeem": "redeemed", "capture": "redeemed"}


class Refused(Exception):  # noqa: N818 - no error, an answer
    """A posting is refused for the state that it found (rule 22)."""

    def __init__(self, status: str, limit: int = 0) -> None:
        super().__init__(status)
        self.status = status
        self.limit = limit


@dataclass
class Case:
    """A posting that is being decided. What the decision changes: entry, account, books."""

    posting: Posting
    at: int  # its effective time
    entry: Entry
    account: Account
    books: Books
    original: Entry | None  # the entry of the posting that it is about
    program: Program  # in force
    then: Program  # in force when the original was posted
    other: Account | None = None  # the other member's; None: there is no such member
    other_closed: bool = False
    journal: Sequence[Entry] = ()
    # Entries that let points of a credit expire, or not have expired, by the credit's sequence.
    fates: Mapping[int, Sequence[Entry]] = field(default_factory=dict)
    merges: Merges = field(default_factory=Merges)
    members: Collection[int | str] = ()  # in the order of opening
    undone: Undone | None = None  # of the original, so far; None: nothing was
    levels: Levels = None  # of the member

    @property
    def filled(self) -> Filled:
        assert self.entry.filled is not None
        return self.entry.filled

    @property
    def asked(self) -> int:
        return self.filled.points

    @property
    def currency(self) -> str:
        assert self.posting.currency is not None
        return self.posting.currency

    @property
    def floor(self) -> int:
        own = self.account.floor
        return self.program.currency(self.currency)["floor"] if own is None else own

    def room(self, account: Account) -> int:
        """How many points may come without passing the ceiling (rule 15)."""
        ceiling = account.ceiling
        if ceiling is None:
            ceiling = self.program.currency(self.currency)["ceiling"]
        if ceiling in (None, NEVER):
            return NEVER
        return max(0, ceiling - account.parts(self.at).sum)

    def brought(self, source: int, member: int | str) -> bool:
        """Whether a lot came from a member: his own credit, or what he gave (rule 16)."""
        credit, leads = self.journal[source - 1], self.merges.survivor
        givers = [credit.member, *([credit.other] if credit.kind == "transfer" else [])]
        return leads(member) in [leads(giver) for giver in givers if giver is not None]

    def expired(self, credit: Entry) -> Counter[int]:
        """What of a credit is expired, by instant (rules 7 and 13).

        With its member, and all whom he was ever merged into. Reversals and reinstatements took
        what had expired last first.
        """
        assert credit.member is not None
        members = self.merges.ever_with(credit.member)
        expired: Counter[int] = Counter()
        for entry in self.fates.get(credit.sequence, ()):
            if entry.member not in members:
                continue
            if entry.kind == "expire":
                assert entry.effective is not None
                expired[entry.effective] += entry.expired[credit.sequence]
                continue
            left = entry.points if entry.kind == "reinstate" else entry.revived
            for instant in sorted(expired, reverse=True):
                part = min(left, expired[instant])
                expired[instant] -= part
                left -= part
        return expired

    def about(self, status: str, *kinds: str, lots: bool = False) -> Entry:
        """The original: it must be there, posted, of these kinds, and this member's.

        With `lots` it must have made one, too.
        """
        original = self.original
        if original is None:
            raise Refused("related_not_found")
        if (
            not original.is_posted
            or original.kind not in kinds
            or original.currency != self.entry.currency
            or (lots and original.points <= 0)
        ):
            raise Refused(status)
        if original.member is None or self.merges.survivor(original.member) != self.entry.member:
            raise Refused("related_of_other_member")
        return original

    def credit(self, status: str) -> Entry:
        return self.about(status, "earn", "adjust", lots=True)

    def let_expire(self, original: Posting) -> Filled:
        """The posting with points that expire as the original's would that began to count now."""
        expiry = self.then.expiry(original, self.levels)
        return self.then.let_expire(self.filled, expiry, self.at)

    def spendable(self, floor: int) -> int:
        """How many points a debit may take (rule 15)."""
        parts = self.account.parts(self.at)
        return max(0, parts.active - parts.arrears - floor)

    def enter(self, side: str, *, gained: int = 0, lost: int = 0, revived: int = 0) -> None:
        """Enter what the member gains or loses in the books, if all sums have room (rule 1).

        Of what is lost, a part may have expired before, and is revived.
        """
        account, kind = self.account, self.posting.kind
        self.entry.points = gained + revived - lost
        books = self.books.revive(side, revived).move(side, self.entry.points)
        sums = (
            account.journaled_points() + gained,
            account.lifetime_earned + (gained if kind == "earn" else 0),
            account.lifetime_redeemed + (lost if kind in ("redeem", "capture") else 0),
        )
        if not books.fit or max(sums) > MOST:
            raise Refused("balance_would_overflow")
        self.books = books
        self.entry.revived = revived

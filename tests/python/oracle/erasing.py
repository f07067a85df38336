"""Erasing members: in the model, who was erased gets a name that nobody can ask for (rule 17)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loyalty import Posting

from .journal import Entry

if TYPE_CHECKING:
    from .model import Model


class Erased(str):
    """The name of a member who was erased."""

    __slots__ = ()


def shown_key(member: int | str | None) -> int | str | None:
    """What the ledger shows of a member."""
    return None if isinstance(member, Erased) else member


def erase(model: Model, entry: Entry) -> None:
    """Erase a member, and all who are merged into him, each by an entry (rule 17)."""
    assert entry.member is not None
    erased = entry.member
    others = [m for m in model.members if m != erased and model.survivor(m) == erased]
    _rename(model, erased, entry.sequence)
    for other in others:
        one = Entry(0, "erase_member", entry.effective, other, related=entry.sequence)
        _rename(model, other, model.add(one).sequence)


def _rename(model: Model, member: int | str, sequence: int) -> None:
    """Put another name in the place of a member's key, everywhere."""
    name = Erased(f"erased by entry {sequence}")

    def renamed(key: Any) -> Any:
        return name if key == member else key

    model.members = {renamed(key): None for key in model.members}
    model.levels = defaultdict(dict, {renamed(key): of for key, of in model.levels.items()})
    model.closed = {renamed(key) for key in model.closed}
    model.accounts = {(renamed(key), of): account for (key, of), account in model.accounts.items()}
    for account in model.accounts.values():
        account.pool = {renamed(key): limit for key, limit in account.pool.items()}
        for hold in account.holds:
            hold.spender = renamed(hold.spender)
    model.merges.rename(renamed)
    for entry in model.journal:
        entry.member, entry.other = renamed(entry.member), renamed(entry.other)
        if isinstance(entry.posting, Posting):
            named = (entry.posting.member, entry.posting.other_member)
            if member in named:
                key, other = map(renamed, named)
                entry.posting = replace(entry.posting, member=key, other_member=other)

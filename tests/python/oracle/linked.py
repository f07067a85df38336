"""Linked postings: all or none (rule 23)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from loyalty import Posting, Reply

from .posting import MEMBERSHIP, faults

if TYPE_CHECKING:
    from .journal import Entry
    from .model import Model


def chains(postings: Iterable[Posting]) -> Iterator[list[Posting]]:
    """Cut a batch after each posting that is not linked to the next."""
    chain: list[Posting] = []
    for posting in postings:
        chain.append(posting)
        if not posting.linked:
            yield chain
            chain = []
    if chain:
        yield chain


def faults_in_chain(chain: Sequence[Posting], place: int, has_currency: bool) -> Iterator[str]:
    """Yield what makes a posting of a chain malformed, in the order of docs/statuses.md."""
    posting = chain[place]
    yield from faults(posting, has_currency)
    if posting.linked and posting is chain[-1]:
        yield "linked_chain_open"
    if len(chain) > 1 and posting.kind in MEMBERSHIP:
        yield "linked_not_allowed"


class Before:
    """What a chain may change, as it was before."""

    def __init__(self, model: Model, chain: Sequence[Posting]) -> None:
        keys = {
            (model.known(member), posting.currency)
            for posting in chain
            for member in (posting.member, posting.other_member)
        }
        self.model = model
        self.accounts = {key: of.copy() for key, of in model.accounts.items() if key in keys}
        self.books = dict(model.books)
        self.sequence = model.sequence
        self.ids = {posting.id for posting in chain} - model.by_id.keys()

    def restore(self) -> None:
        self.model.accounts.update(self.accounts)
        self.model.books = self.books
        del self.model.journal[self.sequence :]
        for fates in self.model.fates.values():
            while fates and fates[-1].sequence > self.sequence:
                fates.pop()
        for new in self.ids:
            self.model.by_id.pop(new, None)


def post_chain(model: Model, chain: Sequence[Posting]) -> list[Reply]:
    """Post linked postings one after the other, each seeing those before it; or none of them."""
    answers = [model.answer(chain, place) for place in range(len(chain))]
    if any(answer is not None and answer.sequence == 0 for answer in answers):
        return [answer or Reply("linked_posting_malformed", 0, 0) for answer in answers]
    before = Before(model, chain)
    replies: list[Reply] = []
    known = 0
    for place, posting in enumerate(chain):
        if answer := model.answer(chain, place):
            known += 1
            replies.append(answer)
            continue
        entry = model.journal_posting(posting)
        if not entry.is_posted:
            before.restore()
            return _fail(model, chain, entry)
        replies.append(entry.reply(entry.status))
    if known in (0, len(chain)):
        return replies
    before.restore()
    return _fail(model, chain)


def _fail(model: Model, chain: Sequence[Posting], refused: Entry | None = None) -> list[Reply]:
    """Journal that all of a chain is refused: one of them for itself, the others for that."""
    replies = []
    for place, posting in enumerate(chain):
        reply = model.answer(chain, place)
        if reply is None:
            entry = model.journal_refused(posting, refused)
            reply = entry.reply(entry.status)
        replies.append(reply)
    return replies

"""Postings about a member as such: his membership, his key, his level."""

from __future__ import annotations

from typing import Any

from loyalty._frame import read_column
from loyalty._ids import IdLike, new_ids
from loyalty._result import PostResult, Reply
from loyalty._times import TimeLike, now_us, time_us
from loyalty._writing import LedgerWriter, posting_of


class MembershipWriter(LedgerWriter):
    """The part of `loyalty.Ledger` that is about members, not about their points."""

    def open_member(self, member: int | str, **fields: Any) -> Reply:
        """Open a member, whose first posting this must be; else as `earn`."""
        return self._post_one(posting_of("open_member", member, 0, None, fields))

    def open_members(self, members: object, effective_time: TimeLike | None = None) -> PostResult:
        """Open many members.

        Opening a member that is open answers ``member_already_open`` and changes nothing, so
        calling this again for the same members is safe.

        Parameters
        ----------
        members : sequence or array of int or str
            Their keys.
        effective_time : datetime, date, numpy.datetime64 or int, optional
            Now, by default.
        """
        keys = read_column("member", members)
        at_us = now_us() if effective_time is None else time_us(effective_time, "effective_time")
        frame = {
            "id": new_ids(len(keys)),
            "kind": "open_member",
            "member": keys,
            "effective_time": at_us,
        }
        return self.post(frame)

    def close_member(self, member: int | str, *, actor: str, reason: str, **fields: Any) -> Reply:
        """Let a member take part in no new business, saying who and why; else as `earn`."""
        fields |= {"actor": actor, "reason": reason}
        return self._post_one(posting_of("close_member", member, 0, None, fields))

    def reopen_member(self, member: int | str, *, actor: str, reason: str, **fields: Any) -> Reply:
        """Undo `close_member`."""
        fields |= {"actor": actor, "reason": reason}
        return self._post_one(posting_of("reopen_member", member, 0, None, fields))

    def merge_members(
        self,
        member: int | str,
        other_member: int | str,
        *,
        actor: str,
        reason: str,
        **fields: Any,
    ) -> Reply:
        """Make one member of two, saying who and why; else as `earn`.

        All that `other_member` has goes to `member`: points with their expiry, pending ones, holds,
        what he owes, and what he has earned and redeemed in his life. Both keys lead to him from
        then on, also for what is about earlier postings of either.
        """
        fields |= {"other_member": other_member, "actor": actor, "reason": reason}
        return self._post_one(posting_of("merge_members", member, 0, None, fields))

    def unmerge_members(
        self, member: int | str, related: IdLike, *, actor: str, reason: str, **fields: Any
    ) -> Reply:
        """Undo the ``merge_members`` whose id is `related`, saying who and why.

        The other member gets back what he had, but for what has expired since. What was posted
        since stays with the survivor: what he spent of the other's points, he owes.
        """
        fields |= {"related": related, "actor": actor, "reason": reason}
        return self._post_one(posting_of("unmerge_members", member, 0, None, fields))

    def erase_member(self, member: int | str, *, actor: str, reason: str, **fields: Any) -> Reply:
        """Erase a member's key, saying who and why; else as `earn`.

        From then on the key leads nowhere, as if it had never been opened, and may be opened again:
        as another member. All entries, balances and totals stay, and frames show his key as null.
        `checkpoint` and `close` return when no file of the ledger has it any more; it is rid of in
        the background, too. Copies of the ledger, and codes, references and tags that tell of a
        person, are the caller's.
        """
        fields |= {"actor": actor, "reason": reason}
        return self._post_one(posting_of("erase_member", member, 0, None, fields))

    def set_level(
        self,
        member: int | str,
        ladder: str,
        level: str,
        *,
        until: TimeLike | None = None,
        actor: str,
        reason: str,
        **fields: Any,
    ) -> Reply:
        """Give a member a level, higher or lower, saying who and why; else as `earn`.

        Nothing takes him below it before `until` (None: ever). The way to levels by invitation.
        Refused is what would be effective before his last change on the ladder.
        """
        fields |= {"ladder": ladder, "level": level, "actor": actor, "reason": reason}
        fields |= {"expires_time": until}
        return self._post_one(posting_of("set_level", member, 0, None, fields))

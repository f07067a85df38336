"""Levels that somebody gives (rule 42). Runs of tiers have a model of their own: `tiers_model`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .journal import Entry

if TYPE_CHECKING:
    from .model import Model


class Given(NamedTuple):
    """A member's level on a ladder, which was given to him; None: since his opening."""

    level: str
    since: int | None


def set_level(model: Model, entry: Entry) -> None:
    """Give a member a level."""
    posting = entry.posting
    assert posting is not None
    assert posting.ladder is not None
    assert posting.level is not None
    assert entry.member is not None
    assert entry.effective is not None
    if entry.member in model.closed:
        entry.refuse("member_closed")
        return
    levels = model.levels[entry.member]
    before = levels.get(posting.ladder)
    since = before.since if before else None
    if since is not None and since > entry.effective:
        entry.refuse("level_changed_since")
        return
    program, ladder = model.program, posting.ladder
    places = [program.place(ladder, before and before.level), program.place(ladder, posting.level)]
    entry.from_level = program.ladders[ladder][places[0]]["name"]
    moved = places[0] != places[1]
    levels[ladder] = Given(posting.level, entry.effective if moved else since)

"""The oracle itself, against numbers worked out by hand."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest

import loyalty
from loyalty import Posting

from .oracle.asking import ask, day, shop
from .oracle.model import Model
from .oracle.posting import micros
from .oracle.program import Program
from .oracle.report import Line

# Scenarios: postings in days from the centre, and what must come of them.

Step = tuple[Posting, str, tuple[int, ...]]  # what is asked, its status, the parts after it

SCENARIOS: dict[str, list[Step]] = {
    "rule 5: soonest expiry, then earliest effective, first": [
        (ask("earn", 10, id="never"), "posted", (10, 0, 0, 0)),
        (ask("earn", 10, 1, id="late", expires=8), "posted", (20, 0, 0, 0)),
        (ask("earn", 10, 0, id="early", expires=8), "posted", (30, 0, 0, 0)),
        (ask("earn", 10, 0, id="soon", expires=7), "posted", (40, 0, 0, 0)),
        (ask("redeem", 20, 2), "posted", (20, 0, 0, 0)),
        (ask("extend", 0, 2, related="soon", expires=9), "nothing_left", (20, 0, 0, 0)),
        (ask("extend", 0, 2, related="early", expires=9), "nothing_left", (20, 0, 0, 0)),
        (ask("extend", 0, 2, related="late", expires=9), "posted", (20, 0, 0, 0)),
        (ask("redeem", 1, 9), "posted", (9, 0, 0, 0)),
    ],
    "rule 6: a lot counts before the instant of its expiry": [
        (ask("earn", 10, expires=5), "posted", (10, 0, 0, 0)),
        (ask("redeem", 1, 5), "insufficient_points", (0, 0, 0, 0)),
        (ask("redeem", 1, 4.9), "posted", (9, 0, 0, 0)),
    ],
    "rule 8: pending until active": [
        (ask("earn", 10, activates=3, id="bonus"), "posted", (0, 10, 0, 0)),
        (ask("redeem", 1, 2.9), "insufficient_points", (0, 10, 0, 0)),
        (ask("confirm", 0, 2, related="bonus"), "related_not_pending", (0, 10, 0, 0)),
        (ask("redeem", 4, 3), "posted", (6, 0, 0, 0)),
        (ask("cancel", 0, 3, related="bonus"), "related_not_pending", (6, 0, 0, 0)),
        (ask("cancel", 0, 2, related="bonus"), "posted", (0, 0, 0, 0)),
    ],
    "rule 8: pending until confirmed, or lost": [
        (ask("earn", 10, deadline=3, expires=4, id="kept"), "posted", (0, 10, 0, 0)),
        (ask("earn", 7, deadline=3, id="lost"), "posted", (0, 17, 0, 0)),
        (ask("confirm", 0, 2, related="kept", expires=9), "posted", (10, 7, 0, 0)),
        (ask("confirm", 0, 3, related="lost"), "confirmation_too_late", (10, 0, 0, 0)),
        (ask("redeem", 1, 9), "insufficient_points", (0, 0, 0, 0)),
    ],
    "rule 10: a hold is captured in part, the rest comes back": [
        (ask("earn", 10, expires=5, id="first"), "posted", (10, 0, 0, 0)),
        (ask("earn", 10), "posted", (20, 0, 0, 0)),
        (ask("hold", 15, deadline=8, id="cart"), "posted", (5, 0, 15, 0)),
        (ask("redeem", 6, 1), "insufficient_points", (5, 0, 15, 0)),
        (ask("capture", 16, 1, related="cart"), "capture_exceeds_hold", (5, 0, 15, 0)),
        (ask("capture", 12, 1, related="cart"), "posted", (8, 0, 0, 0)),
        (ask("release", 0, 1, related="cart"), "hold_already_closed", (8, 0, 0, 0)),
        (ask("release", 0, 8, related="cart"), "hold_expired", (8, 0, 0, 0)),
    ],
    "rule 10: a hold ends by itself; what expired meanwhile is expired": [
        (ask("earn", 10, expires=5), "posted", (10, 0, 0, 0)),
        (ask("earn", 10), "posted", (20, 0, 0, 0)),
        (ask("hold", 15, deadline=8, id="cart"), "posted", (5, 0, 15, 0)),
        (ask("earn", 1, 8), "posted", (11, 0, 0, 0)),
        (ask("capture", 0, 8, related="cart"), "hold_expired", (11, 0, 0, 0)),
        (ask("capture", 0, 7, related="cart"), "hold_already_closed", (11, 0, 0, 0)),
    ],
    "rules 11 and 12: reversed in parts, what was taken last first": [
        (ask("earn", 10, expires=5), "posted", (10, 0, 0, 0)),
        (ask("earn", 10), "posted", (20, 0, 0, 0)),
        (ask("redeem", 15, id="buy"), "posted", (5, 0, 0, 0)),
        (ask("reverse", 5, 6, related="buy", id="back"), "posted", (10, 0, 0, 0)),
        (ask("reverse", 0, 6, related="buy"), "posted", (10, 0, 0, 0)),  # 10 that have expired
        (ask("reverse", 0, 6, related="buy"), "related_already_reversed", (10, 0, 0, 0)),
        (ask("reverse", 0, 6, related="back"), "related_not_reversible", (10, 0, 0, 0)),
        (ask("earn", 0, 4), "posted", (20, 0, 0, 0)),
    ],
    "rule 13: its own lot, the others, then debt": [
        (ask("earn", 10, id="own", expires=9), "posted", (10, 0, 0, 0)),
        (ask("earn", 3, id="other", expires=8), "posted", (13, 0, 0, 0)),
        (ask("redeem", 6), "posted", (7, 0, 0, 0)),
        (ask("reverse", 11, related="own"), "reversal_exceeds_original", (7, 0, 0, 0)),
        (ask("reverse", 6, related="own"), "posted", (1, 0, 0, 0)),
        (ask("reverse", 0, related="own"), "posted", (0, 0, 0, 3)),
    ],
    "rule 14: debt is repaid first": [
        (ask("set_limits", floor=-10), "posted", (0, 0, 0, 0)),
        (ask("redeem", 8, id="buy"), "posted", (0, 0, 0, 8)),
        (ask("earn", 4, activates=2), "posted", (0, 4, 0, 8)),
        (ask("earn", 5, 1), "posted", (0, 4, 0, 3)),
        (ask("reverse", 0, 1, related="buy"), "posted", (5, 4, 0, 0)),
    ],
    "rule 15: floor and ceiling": [
        (ask("set_limits", floor=5, ceiling=30), "posted", (0, 0, 0, 0)),
        (ask("earn", 31), "over_ceiling", (0, 0, 0, 0)),
        (ask("earn", 20, id="all"), "posted", (20, 0, 0, 0)),
        (ask("hold", 16, deadline=9), "insufficient_points", (20, 0, 0, 0)),
        (ask("hold", 10, deadline=9), "posted", (10, 0, 10, 0)),
        (ask("earn", 11, deadline=9), "over_ceiling", (10, 0, 10, 0)),
        (ask("adjust", -6), "insufficient_points", (10, 0, 10, 0)),
        (ask("adjust", -5), "posted", (5, 0, 10, 0)),
        (ask("reverse", related="all"), "posted", (0, 0, 10, 15)),
    ],
    "rule 16: lots move with their expiry, and repay what is owed first": [
        (ask("open_member", member="bob"), "posted", (0, 0, 0, 0)),
        (ask("earn", 9, member="bob", id="owed"), "posted", (9, 0, 0, 0)),
        (ask("redeem", 9, member="bob"), "posted", (0, 0, 0, 0)),
        (ask("reverse", 4, member="bob", related="owed"), "posted", (0, 0, 0, 4)),
        (ask("earn", 10), "posted", (10, 0, 0, 0)),
        (ask("earn", 10, expires=5), "posted", (20, 0, 0, 0)),
        (ask("transfer", 21, other_member="bob"), "insufficient_points", (20, 0, 0, 0)),
        (ask("transfer", 9, other_member="eve"), "other_member_not_found", (20, 0, 0, 0)),
        (ask("transfer", 12, other_member="bob"), "posted", (8, 0, 0, 0)),
        (ask("redeem", 9, 4, member="bob"), "insufficient_points", (8, 0, 0, 0)),
        (ask("redeem", 3, 5, member="bob"), "insufficient_points", (2, 0, 0, 0)),
        (ask("set_limits", member="bob", ceiling=3), "posted", (8, 0, 0, 0)),
        (ask("transfer", 2, 5, other_member="bob"), "over_ceiling", (8, 0, 0, 0)),
        (ask("transfer", 1, 5, other_member="bob"), "posted", (7, 0, 0, 0)),
    ],
    "rules 18 and 19: two members are one, until that is undone": [
        (ask("open_member", member="bob"), "posted", (0, 0, 0, 0)),
        (ask("earn", 10, id="hers"), "posted", (10, 0, 0, 0)),
        (ask("earn", 8, member="bob", expires=3, id="his"), "posted", (8, 0, 0, 0)),
        (ask("hold", 2, member="bob", deadline=9, id="cart"), "posted", (6, 0, 2, 0)),
        (ask("merge_members", other_member="bob", id="merge"), "posted", (0, 0, 0, 0)),
        (ask("merge_members", member="bob", other_member="ada"), "same_member", (0, 0, 0, 0)),
        (ask("transfer", 1, other_member="bob"), "same_member", (16, 0, 2, 0)),
        (ask("reverse", 1, member="ada", related="his"), "posted", (15, 0, 2, 0)),
        (ask("redeem", 4, 1, member="bob"), "posted", (11, 0, 2, 0)),
        (ask("unmerge_members", at=2, related="merge"), "posted", (0, 0, 0, 0)),
        (ask("redeem", 99, 2), "insufficient_points", (5, 0, 0, 0)),
        (ask("redeem", 99, 2, member="bob"), "insufficient_points", (6, 0, 2, 0)),
        (ask("capture", at=2, member="bob", related="cart"), "posted", (6, 0, 0, 0)),
        (ask("reverse", at=2, member="bob", related="his"), "posted", (0, 0, 0, 1)),
        (ask("unmerge_members", at=2, related="merge"), "related_already_reversed", (0, 0, 0, 0)),
    ],
    "rule 17: no new business with a closed member": [
        (ask("earn", 10, id="own"), "posted", (10, 0, 0, 0)),
        (ask("hold", 4, deadline=9, id="cart"), "posted", (6, 0, 4, 0)),
        (ask("reopen_member"), "member_not_closed", (0, 0, 0, 0)),
        (ask("close_member"), "posted", (0, 0, 0, 0)),
        (ask("close_member"), "member_closed", (0, 0, 0, 0)),
        (ask("earn", 1), "member_closed", (6, 0, 4, 0)),
        (ask("open_member", member="bob"), "posted", (0, 0, 0, 0)),
        (ask("earn", 5, member="bob"), "posted", (5, 0, 0, 0)),
        (ask("transfer", 5, member="bob", other_member="ada"), "other_member_closed", (5, 0, 0, 0)),
        (ask("capture", 3, related="cart"), "posted", (7, 0, 0, 0)),
        (ask("reverse", related="own"), "posted", (0, 0, 0, 3)),
        (ask("reopen_member"), "posted", (0, 0, 0, 0)),
        (ask("redeem", 1), "insufficient_points", (0, 0, 0, 3)),
    ],
    "the same id": [
        (ask("earn", 10, id="a"), "posted", (10, 0, 0, 0)),
        (ask("redeem", 99, id="b"), "insufficient_points", (10, 0, 0, 0)),
        (ask("earn", 5), "posted", (15, 0, 0, 0)),
        (ask("earn", 10, id="a"), "already_exists", (10, 0, 0, 0)),
        (ask("earn", 9, 1, id="a"), "exists_with_different_points", (10, 0, 0, 0)),
        (ask("redeem", 1, id="b"), "id_already_failed", (10, 0, 0, 0)),
        (ask("redeem", 0, id="b"), "points_invalid", (0, 0, 0, 0)),
    ],
}


def opened() -> Model:
    model = Model(["points"])
    model.post_all([ask("open_member")])
    return model


@pytest.mark.parametrize("steps", SCENARIOS.values(), ids=SCENARIOS)
def test_the_model_gives_what_was_worked_out_by_hand(steps: list[Step]) -> None:
    check(opened(), steps)


def check(model: Model, steps: list[Step]) -> None:
    for number, (posting, status, parts) in enumerate(steps):
        (reply,) = model.post_all([posting])
        got = (reply.status, (reply.balance, reply.pending, reply.held, reply.arrears))
        assert got == (status, parts), f"step {number}: {posting}"


LIFETIMES: dict[str, list[Step]] = {  # a month after the last activity: day 30 is 26 December
    "rule 7: expired points are reinstated within ten days": [
        (ask("earn", 10, id="gone", expires=5), "posted", (10, 0, 0, 0)),
        (ask("reinstate", 0, 4, related="gone"), "nothing_expired", (10, 0, 0, 0)),
        (ask("reinstate", 11, 6, related="gone"), "reinstatement_exceeds_expired", (0, 0, 0, 0)),
        (ask("reinstate", 4, 6, related="gone", expires=9), "posted", (4, 0, 0, 0)),
        (ask("redeem", 1, 8), "posted", (3, 0, 0, 0)),
        (ask("reinstate", 0, 16, related="gone"), "posted", (3, 0, 0, 0)),  # until 12 January
        (ask("reinstate", 0, 16, related="gone"), "reinstatement_too_late", (3, 0, 0, 0)),
        (ask("reinstate", 0, 15, related="gone"), "posted", (9, 0, 0, 0)),
        (ask("reinstate", 0, 15, related="gone"), "nothing_expired", (9, 0, 0, 0)),
        (ask("redeem", 9, 46), "posted", (0, 0, 0, 0)),
    ],
    "rule 7: an activity puts off the expiry of all": [
        (ask("earn", 10), "posted", (10, 0, 0, 0)),
        (ask("redeem", 1, 29), "posted", (9, 0, 0, 0)),  # until 25 January
        (ask("earn", 5, 20, expires=25), "posted", (14, 0, 0, 0)),  # puts nothing back
        (ask("hold", 2, 59, deadline=99), "posted", (7, 0, 2, 0)),
        (ask("hold", 1, 60, deadline=99), "insufficient_points", (0, 0, 2, 0)),
    ],
    "rule 7: what has expired is journaled before the next activity": [
        (ask("earn", 10, id="gone"), "posted", (10, 0, 0, 0)),
        (ask("extend", 0, 31, related="gone", expires=90), "nothing_left", (0, 0, 0, 0)),
        (ask("earn", 5, 31), "posted", (5, 0, 0, 0)),
        (ask("redeem", 6, 29), "insufficient_points", (5, 0, 0, 0)),
    ],
    "rules 5 and 7: between what expires at a date and what never does": [
        (ask("earn", 1, expires_time=loyalty.NEVER), "posted", (1, 0, 0, 0)),
        (ask("earn", 2), "posted", (3, 0, 0, 0)),
        (ask("earn", 4, expires=200), "posted", (7, 0, 0, 0)),
        (ask("redeem", 5, 1), "posted", (2, 0, 0, 0)),  # until 27 December
        (ask("hold", 2, 31, deadline=32), "insufficient_points", (1, 0, 0, 0)),
    ],
    "rules 7 and 16: given points live as long as with the giver": [
        (ask("open_member", member="bob"), "posted", (0, 0, 0, 0)),
        (ask("earn", 4, member="bob"), "posted", (4, 0, 0, 0)),
        (ask("earn", 10, 9), "posted", (10, 0, 0, 0)),
        (ask("transfer", 10, 10, other_member="bob"), "posted", (0, 0, 0, 0)),
        (ask("redeem", 1, 38, member="bob"), "posted", (13, 0, 0, 0)),
    ],
}


@pytest.mark.parametrize("steps", LIFETIMES.values(), ids=LIFETIMES)
def test_the_model_gives_what_was_worked_out_by_hand_of_lifetimes(steps: list[Step]) -> None:
    model = opened()
    policy = 'expiry = { model = "inactivity", months = 1 }\nreinstate_within_days = 10'
    model.apply_program(shop(policy).to_json())
    check(model, steps)


def instant(text: str) -> int:
    return micros(dt.datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("expiry", "start", "end"),
    [  # in New York: five hours behind UTC in winter, four in summer
        ({"months": 1}, "2001-01-31T17:00Z", "2001-02-28T17:00Z"),
        ({"months": 3}, "2001-01-31T17:00Z", "2001-04-30T16:00Z"),
        ({"days": 1}, "2001-04-01T06:30Z", "2001-04-02T05:30Z"),
        ({"days": 1}, "2001-03-31T07:30Z", "2001-04-01T07:00Z"),  # half past two is left out
        ({"days": 1}, "2001-10-27T05:30Z", "2001-10-28T05:30Z"),  # half past one comes twice
        ({"days": 1, "round_up": "day"}, "2001-03-01T05:00Z", "2001-03-02T05:00Z"),
        ({"days": 1, "round_up": "month"}, "2001-03-30T17:00Z", "2001-04-01T05:00Z"),
        ({"months": 1, "round_up": "quarter"}, "2001-03-30T17:00Z", "2001-07-01T04:00Z"),
        ({"months": 1, "round_up": "year"}, "2001-03-30T17:00Z", "2002-01-01T05:00Z"),
        ({"dates": ["02-29", "06-30"]}, "2001-01-01T17:00Z", "2001-03-01T05:00Z"),
        ({"dates": ["12-31"]}, "2002-01-01T04:59Z", "2002-01-01T05:00Z"),
        ({"dates": ["12-31"]}, "2002-01-01T05:00Z", "2003-01-01T05:00Z"),
    ],
)
def test_expiries_worked_out_by_hand(expiry: dict[str, Any], start: str, end: str) -> None:
    rolling = {"model": "rolling", "days": 0, "months": 0, "round_up": "none", **expiry}
    form = {"model": "dates", **expiry} if "dates" in expiry else rolling
    nothing = '"currencies": [], "rules": [], "ladders": []'
    program = Program(f'{{"time_zone": "America/New_York", {nothing}}}')
    assert program.expiry_from(form, instant(start)) == instant(end)


@pytest.mark.parametrize(
    ("rounding", "points"), [("floor", [0, 1, 2]), ("half_even", [0, 2, 2]), ("ceil", [1, 2, 3])]
)
def test_points_of_money_worked_out_by_hand(rounding: str, points: list[int]) -> None:
    program = Program(shop("", f'rounding = "{rounding}"').to_json())
    earns = (dataclasses.replace(ask("earn", rule="base"), points=None) for _ in range(3))
    filled = [
        program.fill(dataclasses.replace(earn, money=money), {})
        for earn, money in zip(earns, (5, 15, 25), strict=True)
    ]
    assert [of.points for of in filled] == points


def statuses(model: Model, *postings: Posting) -> list[str]:
    """What the model says to postings that are all linked to the next, but for the last."""
    chain = [dataclasses.replace(posting, linked=True) for posting in postings[:-1]]
    return [reply.status for reply in model.post_all([*chain, postings[-1]])]


def test_linked_postings_of_the_model() -> None:
    model = opened()
    failed, malformed = "linked_posting_failed", "linked_posting_malformed"
    earn, spend = ask("earn", 10, id="earn"), ask("redeem", 4, id="spend")
    assert statuses(model, earn, ask("redeem", -1)) == [malformed, "points_invalid"]
    assert statuses(model, earn, ask("close_member")) == [malformed, "linked_not_allowed"]
    linked = dataclasses.replace(spend, linked=True)
    assert statuses(model, earn, linked) == [malformed, "linked_chain_open"]
    assert statuses(model, earn, spend) == ["posted", "posted"]
    assert statuses(model, earn, spend) == ["already_exists", "already_exists"]
    undo = ask("reverse", related="spend", id="undo")
    refused = ask("redeem", 11, id="too much")
    assert statuses(model, undo, refused, earn) == [failed, "insufficient_points", "already_exists"]
    assert model.journal[-1].limit == 10  # with the 4 that would have come back
    assert statuses(model, undo, refused) == ["id_already_failed", "id_already_failed"]
    again = ask("reverse", related="spend", id="again")
    assert statuses(model, spend, again) == ["already_exists", failed]
    assert statuses(model, ask("reverse", related="spend")) == ["posted"]
    assert model.books["points"].totals == (10, -10, 0, 0, 0)


def test_a_run_of_the_model() -> None:
    model = opened()
    model.post_all(
        [
            ask("earn", 6),
            ask("hold", 6, deadline=6),
            ask("set_limits", floor=-5),
            ask("redeem", 5),
            ask("earn", 9, activates=2, expires=4),  # 4 of them, when 5 have repaid the debt
            ask("earn", 7, deadline=3),
        ]
    )
    november, december = dt.date(2001, 11, 1), dt.date(2001, 12, 1)
    lines = [
        Line("cancel", "points", november, 1, 7),
        Line("expire", "points", november, 1, 4),
        Line("time_out", "points", december, 1, 6),
        Line("activate", "points", november, 1, 9),
    ]
    before = len(model.journal)
    assert model.expire(day(6), dry_run=True) == lines
    assert len(model.journal) == before
    assert model.expire(day(6)) == lines
    kinds = [(entry.kind, entry.points, entry.repaid) for entry in model.journal[before:]]
    assert kinds == [
        ("run_started", 0, 0),
        ("activate", 0, 5),
        ("cancel", -7, 0),
        ("expire", -4, 0),
        ("time_out", 0, 0),
        ("run_finished", 0, 0),
    ]
    assert model.books["points"].totals == (6, -15, 5, 4, 0)
    assert model.expire(day(6)) == []


def test_what_expired_costs_nothing_when_its_credit_is_reversed() -> None:
    model = opened()
    model.post_all([ask("earn", 10, expires=5, id="own"), ask("redeem", 4), ask("earn", 9)])
    model.expire(day(5))
    (reply,) = model.post_all([ask("reverse", 0, 6, related="own")])
    assert (reply.points, reply.balance, model.journal[-1].revived) == (-4, 5, 6)
    assert model.books["points"].totals == (5, -9, 4, 0, 0)

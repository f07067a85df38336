"""What the oracle once found in the ledger."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

import loyalty
from loyalty import Posting

from .oracle.asking import ask, day, shop


@pytest.fixture
def ada(ledger: loyalty.Ledger) -> loyalty.Ledger:
    ledger.post(ask("open_member"))
    return ledger


def post(ledger: loyalty.Ledger, *postings: Posting) -> list[str]:
    return [ledger.post(posting).status for posting in postings]


def test_what_an_ended_hold_gives_back_expires_next(ada: loyalty.Ledger) -> None:
    post(ada, ask("earn", 10, expires=9), ask("hold", 6, deadline=3))
    assert ada.balance("ada", at=day(3)).active == 10
    assert ada.balance("ada", at=day(3)).expiring_points == 10


def test_a_run_that_activates_changes_no_expiry(ada: loyalty.Ledger) -> None:
    post(
        ada,
        ask("earn", 25, activates=1, expires=5, id="earn"),
        ask("hold", 16, 2, deadline=4, id="hold"),
        ask("extend", 0, 2, related="earn", expires=8),
        ask("release", 0, 2, related="hold"),
    )
    assert ada.balance("ada", at=day(6)).active == 9
    ada.expire(day(2))
    assert ada.balance("ada", at=day(6)).active == 9


def test_an_earn_of_nothing_is_reversed_once(ada: loyalty.Ledger) -> None:
    post(ada, ask("earn", 0, id="visit"), ask("reverse", related="visit"))
    assert post(ada, ask("reverse", related="visit")) == ["related_already_reversed"]


def test_held_points_count_for_an_overflow(ada: loyalty.Ledger) -> None:
    post(  # Bob owes 5: so all members together have room for 5 more than Ada.
        ada,
        ask("open_member", member="bob"),
        ask("earn", 5, member="bob", id="earn"),
        ask("redeem", 5, member="bob"),
        ask("reverse", member="bob", related="earn"),
    )
    post(ada, ask("adjust", 2**63 - 4), ask("hold", 2**63 - 4, deadline=9))
    assert post(ada, ask("earn", 5)) == ["balance_would_overflow"]


def test_a_run_ends_when_a_sum_has_no_room(ada: loyalty.Ledger) -> None:
    post(ada, ask("earn", 1, expires=1))
    ada.expire(day(1))
    post(ada, ask("adjust", 2**63 - 1, 2, expires=3))
    ada.expire(day(3))
    assert ada.balance("ada", at=day(3)).active == 0
    assert ada.totals()["expired"].tolist() == [1]


def test_a_ceiling_has_room_for_what_is_owed(ada: loyalty.Ledger) -> None:
    post(ada, ask("earn", 2**63 - 1, id="earn"), ask("redeem", 2**63 - 1))
    post(ada, ask("set_limits", ceiling=9), ask("reverse", related="earn"))
    assert post(ada, ask("earn", 5)) == ["posted"]


def test_a_transfer_leaves_all_sums_alone(ada: loyalty.Ledger) -> None:
    post(ada, ask("open_member", member="bob"), ask("adjust", 2**63 - 1))
    assert post(ada, ask("transfer", 5, other_member="bob")) == ["posted"]
    assert ada.totals().to_pylist()[0]["members"] == 2**63 - 1


# What programmes add.


def test_a_reversal_in_part_of_all_that_is_left_is_repeated(ada: loyalty.Ledger) -> None:
    ada.apply_program(shop('reversal = "stop_at_zero"'))
    back = ask("reverse", related="earn")
    statuses = post(ada, ask("earn", 10, id="earn"), ask("redeem", 7), back, back)
    assert statuses[2:] == ["posted_in_part", "already_exists"]
    assert post(ada, dataclasses.replace(back, points=10)) == ["exists_with_different_points"]


def test_a_confirmation_may_take_the_expiry_away(ada: loyalty.Ledger) -> None:
    post(ada, ask("earn", 10, id="earn", deadline=3, expires=5))
    post(ada, ask("confirm", related="earn", expires_time=loyalty.NEVER))
    assert ada.balance("ada", at=day(9)).active == 10


def test_what_has_expired_cannot_be_confirmed_and_repays_nothing(ada: loyalty.Ledger) -> None:
    ada.apply_program(shop("pending = { confirm_within_days = 9 }"))
    post(ada, ask("earn", 8, id="owed", activates=0), ask("redeem", 8))
    post(ada, ask("reverse", related="owed"), ask("earn", 8, id="late", expires=2))
    assert post(ada, ask("confirm", 0, 3, related="late")) == ["confirmation_too_late"]
    assert ada.balance("ada", "points", at=day(3)).arrears == 8


def test_an_adjustment_says_its_points(ada: loyalty.Ledger) -> None:
    assert post(ada, ask("adjust", 0)) == ["points_invalid"]
    with pytest.raises(loyalty.InvalidInputError, match="points: a posting of kind 'adjust'"):
        ada.post(dataclasses.replace(ask("adjust", 1), points=None))


def test_a_rule_is_of_one_currency_whatever_the_earn_says(ada: loyalty.Ledger) -> None:
    ada.apply_program(shop())
    said = ask("earn", 5, rule="base", expires=9, activates=0)
    miles = dataclasses.replace(said, id="other", currency="miles")
    assert post(ada, said, miles) == ["posted", "rule_of_other_currency"]


def test_a_repeated_earn_outlives_its_rule(ada: loyalty.Ledger) -> None:
    ada.apply_program(shop())
    earn = dataclasses.replace(ask("earn", rule="base", money=99), points=None)
    other = dataclasses.replace(earn, id="other")
    assert post(ada, earn) == ["posted"]
    ada.apply_program(loyalty.Program.simple(["points"]))
    assert post(ada, earn, other) == ["already_exists", "no_points_by_rule"]
    ada.checkpoint()
    assert post(ada, earn, other) == ["already_exists", "no_points_by_rule"]


def test_a_time_of_day_that_is_left_out_is_when_the_clocks_change(ada: loyalty.Ledger) -> None:
    ada.apply_program(shop('expiry = { model = "rolling", days = 1 }', zone="Europe/Paris"))
    skipped = dt.datetime(2001, 3, 24, 1, 30, 0, 500, dt.UTC)  # half past two
    change = dt.datetime(2001, 3, 25, 1, tzinfo=dt.UTC)
    post(ada, dataclasses.replace(ask("earn", 5), effective_time=skipped))
    assert ada.balance("ada", "points", at=skipped).expiring_time == change


def test_a_refusal_says_what_was_asked_for(ada: loyalty.Ledger) -> None:
    ada.apply_program(shop('ceiling = 10\nover_ceiling = "clip"'))
    post(ada, ask("open_member", member="bob"))
    post(ada, ask("set_limits", member="bob", ceiling=loyalty.NO_CEILING))
    post(ada, ask("adjust", 2**63 - 5, member="bob"))
    reply = ada.post(ask("earn", 20))
    assert (reply.status, reply.limit) == ("balance_would_overflow", 0)
    assert ada.changes(reply.sequence).to_pylist()[0]["points"] == 20


def test_a_refused_capture_changes_nothing_held(ada: loyalty.Ledger) -> None:
    post(ada, ask("earn", 2**63 - 1), ask("redeem", 2**63 - 1), ask("adjust", 9))
    post(ada, ask("hold", 9, deadline=5, id="cart"))
    reply = ada.post(ask("capture", related="cart"))
    assert (reply.status, reply.held) == ("balance_would_overflow", 9)
    assert ada.changes(reply.sequence).to_pylist()[0]["held_change"] == 0


def test_a_repeated_transfer_that_names_a_level_differs_in_that(ada: loyalty.Ledger) -> None:
    gift = ask("transfer", 5, other_member="bob", id="gift")
    post(ada, ask("open_member", member="bob"), ask("earn", 9))
    assert post(ada, gift) == ["posted"]
    other = dataclasses.replace(gift, ladder="status", level="gold")
    assert post(ada, other) == ["exists_with_different_level"]

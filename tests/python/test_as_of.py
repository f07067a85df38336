"""Balances, statements and totals as of a time: the interface. tests/cpp has the rules."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import loyalty
from loyalty import AsOf
from loyalty.cli import app

MAY = [dt.datetime(2024, 5, day, 12, tzinfo=dt.UTC) for day in range(1, 31)]


@pytest.fixture
def shop(ledger: loyalty.Ledger) -> loyalty.Ledger:
    """Ada earns 500 on the 2nd and spends 100 on the 4th; her 50 points of the 3rd come last."""
    ledger.open_member("ada", effective_time=MAY[0])
    ledger.earn("ada", 500, effective_time=MAY[1])
    ledger.redeem("ada", 100, effective_time=MAY[3])
    ledger.open_member("bob", effective_time=MAY[9])
    ledger.earn("ada", 50, effective_time=MAY[2])
    return ledger


def recorded(ledger: loyalty.Ledger, sequence: int) -> np.datetime64:
    (time,) = ledger.changes(sequence, 1)["recorded_time"]
    assert isinstance(time, np.datetime64)
    return time


def test_a_plain_time_is_an_effective_time(shop: loyalty.Ledger) -> None:
    assert shop.balance("ada", as_of=MAY[1]).active == 500
    assert shop.balance("ada", as_of=MAY[2]).active == 550
    assert shop.balance("ada", as_of=AsOf(MAY[3])).active == 450
    assert shop.balance("ada", as_of=dt.date(2024, 5, 3)).lifetime_earned == 500


def test_what_was_known_then(shop: loyalty.Ledger) -> None:
    last = shop.info().sequence
    assert shop.balance("ada", as_of=AsOf(sequence=last - 1)).active == 400
    assert shop.balance("ada", as_of=AsOf(recorded_time=recorded(shop, last - 1))).active == 400
    assert shop.balance("ada", as_of=AsOf(MAY[2], sequence=last - 1)).active == 500
    assert shop.balance("ada", as_of=AsOf(sequence=last)).sequence == last


def test_balances_of_some_and_of_all(shop: loyalty.Ledger) -> None:
    some = shop.balances(["bob", "eve", "ada", "ada"], as_of=MAY[2])
    assert some["found"].tolist() == [False, False, True, True]
    assert some["active"].tolist() == [0, 0, 550, 550]
    everybody = shop.balances(as_of=AsOf(MAY[2], sequence=shop.info().sequence - 1))
    assert everybody["member"].tolist() == ["ada"]
    assert everybody["active"].tolist() == [500]
    assert everybody.metadata["sequence"] == shop.info().sequence - 1
    assert shop.balances(as_of=MAY[20])["member"].tolist() == ["ada", "bob"]


def test_statements_and_totals(shop: loyalty.Ledger) -> None:
    last = shop.info().sequence
    table = shop.statement("ada", as_of=AsOf(sequence=last - 1))
    assert table["points"].tolist() == [0, 500, -100]
    assert table["running_balance"].tolist() == [0, 500, 400]
    assert shop.statement("ada", MAY[1], as_of=MAY[2])["points"].tolist() == [500, 50]
    (then,) = shop.totals(as_of=MAY[2]).to_pylist()
    assert then == {
        "currency": "points",
        "members": 550,
        "issued": -550,
        "redeemed": 0,
        "expired": 0,
        "adjusted": 0,
    }
    assert shop.totals(as_of=MAY[20]).to_pylist() == shop.totals().to_pylist()


def test_a_member_who_was_not_there_yet(shop: loyalty.Ledger) -> None:
    complaint = r"^there is no member 'bob' as of then: opened later, or never$"
    with pytest.raises(loyalty.MemberNotFoundError, match=complaint):
        shop.balance("bob", as_of=MAY[2])
    with pytest.raises(loyalty.MemberNotFoundError, match=complaint):
        shop.statement("bob", as_of=MAY[2])


def test_questions_that_have_no_answer(shop: loyalty.Ledger) -> None:
    last = shop.info().sequence
    with pytest.raises(loyalty.InvalidInputError, match="give either at or as_of, not both"):
        shop.balance("ada", at=MAY[0], as_of=MAY[0])
    with pytest.raises(loyalty.InvalidInputError, match=f"sequence {last + 1} is not between 1"):
        shop.totals(as_of=AsOf(sequence=last + 1))
    with pytest.raises(loyalty.InvalidInputError, match="sequence: 0 is not within 1"):
        AsOf(sequence=0)
    with pytest.raises(loyalty.InvalidInputError, match="recorded time is in the future"):
        shop.balances(as_of=AsOf(recorded_time=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)))
    with pytest.raises(loyalty.InvalidInputError, match="AsOf needs an effective_time, a recorded"):
        AsOf()
    with pytest.raises(loyalty.InvalidInputError, match="as_of must be a datetime"):
        shop.balance("ada", as_of="yesterday")  # type: ignore[arg-type]


def test_commands(shop: loyalty.Ledger, path: Path) -> None:
    last = shop.info().sequence
    shop.close()

    def answer(*arguments: str) -> object:
        result = CliRunner().invoke(app, [*arguments, "--json"])
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    ledger, before = str(path), ("--as-of-sequence", str(last - 1))
    balance = answer("balance", ledger, "ada", "--as-of", "2024-05-03", *before)
    assert balance["balances"]["points"]["active"] == 500  # type: ignore[index]
    entries = answer("history", ledger, "ada", *before)["entries"]  # type: ignore[index]
    assert [entry["points"] for entry in entries] == [0, 500, -100]
    totals = answer("totals", ledger, "--as-of", "2024-05-03T12:00Z")
    assert totals["totals"][0]["members"] == 550  # type: ignore[index]
    assert "550" in CliRunner().invoke(app, ["totals", ledger, "--as-of", "2024-05-03T12"]).stdout
    for arguments, complaint in [
        (("balance", ledger, "bob", "--as-of", "2024-05-02"), "no member 'bob' as of then"),
        (("totals", ledger, "--as-of-sequence", "99"), "sequence 99 is not between 1 and"),
        (("totals", ledger, "--as-of-recorded", "2199-01-01"), "recorded time is in the future"),
    ]:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == 2
        assert complaint in result.stderr

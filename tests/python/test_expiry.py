"""Points in time, as Python and the command line show them; the rules themselves are C++ tests."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import loyalty
from loyalty.cli import app

MAY = [dt.datetime(2024, 5, day, tzinfo=dt.UTC) for day in range(1, 31)]


@pytest.fixture
def shop(ledger: loyalty.Ledger) -> loyalty.Ledger:
    """Ada has 100 until 10 May, 50 for ever, 30 from 8 May on; and a hold of 20 until 5 May."""
    ledger.open_member("ada", effective_time=MAY[0])
    ledger.earn("ada", 100, effective_time=MAY[0], expires_time=MAY[9])
    ledger.earn("ada", 50, effective_time=MAY[0])
    ledger.earn("ada", 30, effective_time=MAY[0], activates_time=MAY[7])
    ledger.hold("ada", 20, MAY[4], effective_time=MAY[1], id="checkout")
    return ledger


def parts(balance: loyalty.Balance) -> tuple[int, int, int]:
    return balance.active, balance.pending, balance.held


def test_balances_at_instants(shop: loyalty.Ledger) -> None:
    assert parts(shop.balance("ada", at=MAY[3])) == (130, 30, 20)
    assert parts(shop.balance("ada", at=MAY[4])) == (150, 30, 0)
    assert parts(shop.balance("ada", at=MAY[7])) == (180, 0, 0)
    assert parts(shop.balance("ada", at=MAY[9])) == (80, 0, 0)
    next_expiry = shop.balance("ada", at=MAY[3])
    assert (next_expiry.expiring_points, next_expiry.expiring_time) == (80, MAY[9])
    (row,) = shop.balances(at=MAY[3]).to_pylist()
    assert (row["active"], row["expiring_time"]) == (130, MAY[9])
    assert shop.balances(["ada"], at=MAY[3])["held"].tolist() == [20]
    assert shop.balance("ada").expiring_time is None


def test_a_run_is_recorded_and_says_by_month_what_it_did(shop: loyalty.Ledger) -> None:
    dry = shop.expire(MAY[20], dry_run=True)
    assert shop.totals()["expired"].tolist() == [0]
    done = shop.expire(MAY[20])
    assert done.to_pylist() == dry.to_pylist()
    assert done.to_pylist() == [
        {
            "kind": kind,
            "currency": "points",
            "month": dt.date(2024, 5, 1),
            "entries": 1,
            "points": n,
        }
        for kind, n in (("expire", 100), ("time_out", 20), ("activate", 30))
    ]
    entries = shop.changes(done.metadata["started_sequence"]).to_pylist()
    assert [entry["kind"] for entry in entries] == [
        "run_started",
        "time_out",
        "activate",
        "expire",
        "run_finished",
    ]
    assert [entry["effective_time"] for entry in entries[1:4]] == [MAY[4], MAY[7], MAY[9]]
    assert entries[-1]["text"] == "expire"
    assert shop.totals()["expired"].tolist() == [100]
    assert len(shop.expire(MAY[20])) == 0
    assert shop.verify().ok


def test_holds_confirmations_and_limits_by_name(shop: loyalty.Ledger) -> None:
    shop.earn("ada", 9, id="waits", effective_time=MAY[1], deadline_time=MAY[9])
    assert shop.confirm("ada", "waits", effective_time=MAY[2]).balance == 139
    shop.earn("ada", 9, id="returned", effective_time=MAY[1], deadline_time=MAY[9])
    assert shop.cancel("ada", "returned", effective_time=MAY[2]).points == -9
    assert shop.capture("ada", "checkout", points=15, effective_time=MAY[2]).points == -15
    assert shop.release("ada", "checkout", effective_time=MAY[2]).status == "hold_already_closed"
    who: dict[str, Any] = {"actor": "clerk", "reason": "goodwill", "effective_time": MAY[2]}
    assert shop.extend("ada", "waits", MAY[9], **who).status == "expiry_not_later"
    assert shop.set_limits("ada", floor=100, ceiling=200, **who).ok
    refused = shop.redeem("ada", 45, effective_time=MAY[2])
    assert (refused.status, refused.limit) == ("insufficient_points", 44)
    assert shop.earn("ada", 500, effective_time=MAY[2]).status == "over_ceiling"
    assert shop.changes().to_pylist()[-3]["ceiling"] == 200


def test_what_cannot_be_run(shop: loyalty.Ledger) -> None:
    with pytest.raises(loyalty.InvalidInputError, match="a time from 1900 on that has passed"):
        shop.expire(dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
    with pytest.raises(loyalty.StoppedError, match="run it again, and it goes on"):
        shop.expire(MAY[20], progress=lambda done, total: False)


def test_the_command(shop: loyalty.Ledger) -> None:
    path = Path(shop.path)
    shop.close()

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["expire", str(path), *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert "Would be journaled" in run("--dry-run", "--as-of", "2024-05-21")
    report = json.loads(run("--as-of", "2024-05-21", "--json"))
    assert [line["points"] for line in report["lines"]] == [100, 20, 30]
    assert "Nothing fell due by 2024-05-21T00:00:00Z." in run("--as-of", "2024-05-21")


def test_what_has_expired_is_reinstated_within_the_programmes_window(path: Path) -> None:
    program = loyalty.Program.from_toml(
        """
        name = "Shop"
        time_zone = "UTC"
        [currencies.points]
        reinstate_within_days = 10
        """
    )
    with loyalty.create(path, program=program) as ledger:
        ledger.open_member("ada", effective_time=MAY[0])
        ledger.earn("ada", 100, effective_time=MAY[0], expires_time=MAY[9], id="gift")
        who: dict[str, Any] = {"actor": "ann", "reason": "sorry"}
        early = ledger.reinstate("ada", "gift", effective_time=MAY[8], **who)
        assert early.status == "nothing_expired"
        part = ledger.reinstate("ada", "gift", points=60, effective_time=MAY[14], **who)
        assert (part.status, part.points, part.balance) == ("posted", 60, 60)
        assert ledger.totals()["expired"].tolist() == [40]
        late = ledger.reinstate("ada", "gift", effective_time=MAY[20], **who)
        assert late.status == "reinstatement_too_late"

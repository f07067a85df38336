"""Clients in other languages do what the examples show, and all the same, with a real loyaltyd."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from uuid import UUID

import pytest

import loyalty

from .interop_examples import LANGUAGES, run_example
from .pki import Pki
from .rpc_server import IDL, serve
from .tier_shop import make_shop

TOKEN = "t" * 64
CLIENTS = f"""
[clients.shop]
token_sha256 = "{hashlib.sha256(TOKEN.encode()).hexdigest()}"
roles = ["read", "post", "operate", "administer"]
"""
NOON = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
HUGE = 2**53 + 1


def run_on_new_ledger(
    language: str, directory: Path, pki: Pki | None = None
) -> tuple[dict[str, str], set[str]]:
    """What the example reports, and the calls that the server took from it; over TLS, if `pki`."""
    make_shop(directory / "ledger").close()
    clients = directory / "clients.toml"
    clients.write_text(CLIENTS)
    options = ["--clients", str(clients), "--log-level", "debug"]
    if pki:
        options += ["--tls-certificate", str(pki.issue("127.0.0.1"))]
    with serve(directory / "ledger", *options) as server:
        report = run_example(language, server.port, TOKEN, pki.ca_file if pki else None)
    events = server.events_left()
    return report, {event["call"] for event in events if event["event"] == "call"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_makes_every_call_and_reports_what_is_there(language: str, tmp_path: Path) -> None:
    report, calls = run_on_new_ledger(language, tmp_path)
    # Calls of `health` are not logged; the example fails if the answer is not READY.
    assert calls | {"health"} == set(IDL.Ledger.thrift_services)
    with loyalty.open(tmp_path / "ledger") as ledger:
        assert report["digest"] == ledger.digest
        assert int(report["sequence"]) == ledger.changes()["sequence"][-1]
        assert report["program_version"] == "2"
        assert ledger.program.name == "Läden 店 🛒"
        balances = [ledger.balance(key).active for key in ("Zoë Müller", "山田 太郎", HUGE)]
        assert balances == [HUGE, 0, HUGE]
        assert report["balances"] == f"{HUGE} 0 {HUGE} 0"
        issued = ledger.totals()["issued"][0]
        assert issued < -2 * HUGE
        _, earned, redeemed = ledger.statement("Zoë Müller", end=NOON + MINUTE).to_pylist()
        refused = ledger.statement("山田 太郎").to_pylist()[-1]
    assert report["earned_sequence"] == report["retried_sequence"] == str(earned["sequence"])
    assert (earned["kind"], earned["points"], earned["money"]) == ("earn", HUGE + 2, HUGE + 4)
    assert (earned["location"], earned["category"]) == ("大阪", "Süßes")
    assert earned["actor"] == "shop"
    assert report["took_from_sequence"] == str(earned["sequence"])
    assert report["redeemed_sequence"] == str(redeemed["sequence"])
    assert redeemed["id"] == UUID("018f33f0-a800-7000-8000-00000000002a").bytes
    assert report["running_points"] == f"0 {HUGE + 2} {HUGE}"
    assert (refused["kind"], refused["status"]) == ("redeem", "insufficient_points")
    assert report["opened"] == f"ada, ben, eve, 7, Zoë Müller, 山田 太郎, 🛒, {HUGE}"
    assert report["issued_points"] == str(issued)
    assert report["spender_limit"] == str(HUGE)
    assert "Zoë Müller silver" in report["changes"]
    assert report["levels"] == "status silver, badge collector"
    assert report["metrics"] == f"spent {HUGE + 4}, visits 1, points {HUGE + 2}"


def test_all_post_the_same_and_read_the_same_over_tls(tmp_path: Path) -> None:
    pki = Pki(tmp_path, "ours")
    seen = []
    for language in LANGUAGES:
        directory = tmp_path / language
        directory.mkdir()
        report, _ = run_on_new_ledger(language, directory, pki)
        with loyalty.open(directory / "ledger") as ledger:
            journal = ledger.changes().to_arrow().drop_columns(["recorded_time"]).to_pylist()
        posted = [entry for entry in journal if entry["actor"] == "shop"]
        assert len(posted) == 9
        del report["digest"]  # it stands for the recorded times, too
        seen.append((report, posted))
    assert seen[1:] == seen[:1] * 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_none_asks_a_server_with_the_certificate_of_another(language: str, path: Path) -> None:
    pki = Pki(path.parent, "ours")
    loyalty.create(path).close()
    certificate = str(pki.issue("ledger.example"))
    with (
        serve(path, "--tls-certificate", certificate) as server,
        pytest.raises(pytest.fail.Exception, match=r"(?i)certificate"),
    ):
        run_example(language, server.port, TOKEN, pki.ca_file)

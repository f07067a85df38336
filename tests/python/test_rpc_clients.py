"""Who may ask what of loyaltyd: tokens, roles, limits."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .rpc_server import IDL, member, post, posting, serve

POSTED, ALREADY_EXISTS = 1, 30
NOON_US = 1_714_564_800_000_000
TOKENS = {"checkout": "a" * 64, "report": "b" * 64, "batch": "c" * 64, "owner": "d" * 64}
CLIENTS = """
[clients.checkout]
token_sha256 = ["{checkout}", "{other}"]
roles = ["read", "post"]
points_per_posting = 1_000
points_per_day = 1_500

[clients.report]
token_sha256 = "{report}"
roles = "read"
calls_per_s = 5

[clients.batch]
token_sha256 = "{batch}"
roles = ["post", "operate"]
postings_per_s = 10

[clients.owner]
token_sha256 = "{owner}"
roles = ["read", "administer"]
"""


@pytest.fixture
def clients_file(tmp_path: Path) -> Path:
    hashes = {name: hashlib.sha256(token.encode()).hexdigest() for name, token in TOKENS.items()}
    file = tmp_path / "clients.toml"
    file.write_text(CLIENTS.format(**hashes, other="0" * 64))
    return file


@pytest.fixture
def guarded(ledger_path: Path, clients_file: Path) -> Iterator[Any]:
    with serve(ledger_path, "--clients", str(clients_file)) as server, server.client() as client:
        yield client


def head(name: str | None) -> Any:
    return IDL.RequestHead(token=TOKENS[name] if name else None)


def earn(points: int = 1, **fields: Any) -> Any:
    return posting("EARN", "ada", points=points, **{"effective_us": NOON_US} | fields)


@pytest.mark.parametrize("token", [None, "", "e" * 64, TOKENS["report"][:-1]])
def test_without_a_token_nothing_but_health(guarded: Any, token: str | None) -> None:
    with pytest.raises(IDL.Unauthenticated):
        guarded.digest(IDL.DigestRequest(head=IDL.RequestHead(token=token)))
    assert guarded.health(IDL.HealthRequest()).health == IDL.Health.READY


def test_each_role_may_do_its_own(guarded: Any) -> None:
    calls: dict[str, Callable[[Any], Any]] = {
        "read": lambda head: guarded.digest(IDL.DigestRequest(head=head)),
        "post": lambda head: guarded.post(IDL.PostRequest(head=head, postings=[])),
        "operate": lambda head: guarded.start_run(
            IDL.StartRunRequest(head=head, kind=IDL.RunKind.EXPIRY, dry_run=True)
        ),
        "administer": lambda head: guarded.apply_program(
            IDL.ApplyProgramRequest(head=head, json="{}")
        ),
    }
    allowed = {
        "checkout": {"read", "post"},
        "report": {"read"},
        "batch": {"post", "operate"},
        "owner": {"read", "administer"},
    }
    for name, roles in allowed.items():
        for role, call in calls.items():
            faults = set()
            try:
                call(head(name))
            except (IDL.Forbidden, IDL.InvalidRequest) as fault:
                faults.add(fault.message)
            refusal = f"{name} does not have the role {role}"
            assert (refusal in faults) == (role not in roles)


def test_the_log_says_who_was_refused(ledger_path: Path, clients_file: Path) -> None:
    with serve(ledger_path, "--clients", str(clients_file)) as server, server.client() as client:
        with pytest.raises(IDL.Forbidden):
            post(client, earn(), token=TOKENS["report"])
        event = server.event("call")
        assert (event["call"], event["client"]) == ("post", "report")
        assert event["outcome"].startswith("forbidden")
        unknown = IDL.StatementRequest(head=head("owner"), member=member("secret key"))
        with pytest.raises(IDL.InvalidRequest, match="secret key"):
            client.statement(unknown)
        assert "secret" not in server.event("call")["outcome"]


def test_the_journal_says_which_client_it_was(guarded: Any) -> None:
    token = TOKENS["checkout"]
    post(guarded, earn(), earn(codes=IDL.Codes(actor="mia")), token=token)
    records = guarded.changes(
        IDL.ChangesRequest(head=IDL.RequestHead(token=token), from_sequence=1)
    ).records
    actors = [record.codes.actor for record in records if record.kind == IDL.Kind.EARN]
    assert actors == ["checkout", "checkout/mia"]


def test_points_a_posting(guarded: Any) -> None:
    token = TOKENS["checkout"]
    with pytest.raises(IDL.Forbidden, match=r"postings\[1\].points: checkout may move up to 1000"):
        post(guarded, earn(), earn(1_001), token=token)
    first = earn(900)
    assert post(guarded, first, token=token)[0].status == POSTED
    undo = posting("REVERSE", "ada", effective_us=NOON_US, related=first.id)
    with pytest.raises(IDL.Forbidden, match="must say how many"):
        post(guarded, undo, token=token)


def test_points_a_day(guarded: Any) -> None:
    token = TOKENS["checkout"]
    with pytest.raises(IDL.Forbidden, match="1500 points a day; the request asks for 2000"):
        post(guarded, earn(1_000), earn(1_000), token=token)
    first = earn(1_000)
    assert post(guarded, first, token=token)[0].status == POSTED
    hold = posting(
        "HOLD", "ada", points=400, effective_us=NOON_US, deadline_us=NOON_US + 3_600_000_000
    )
    assert post(guarded, hold, token=token)[0].status == POSTED
    with pytest.raises(IDL.Unavailable, match="00:00 UTC") as fault:
        post(guarded, earn(101), token=token)
    assert 0 < fault.value.retry_after_ms <= 86_400_000
    assert post(guarded, earn(100), token=token)[0].status == POSTED


def test_what_is_refused_counts_for_no_day(guarded: Any) -> None:
    token = TOKENS["checkout"]
    for _ in range(3):
        refused = posting("REDEEM", "ada", points=1_000, effective_us=NOON_US)
        assert post(guarded, refused, token=token)[0].status != POSTED
    first = earn(700)
    for status in (POSTED, ALREADY_EXISTS, ALREADY_EXISTS):
        assert post(guarded, first, token=token)[0].status == status
    assert post(guarded, earn(800), token=token)[0].status == POSTED


@pytest.mark.parametrize("kind", ["ADJUST", "ERASE_MEMBER", "SET_LIMITS", "CLOSE_MEMBER"])
def test_what_a_clerk_decides_needs_operate(guarded: Any, kind: str) -> None:
    fields = {"points": 5} if kind == "ADJUST" else {}
    asked = posting(
        kind, "bob", effective_us=NOON_US, codes=IDL.Codes(actor="mia", reason="why"), **fields
    )
    with pytest.raises(IDL.Forbidden, match=r"postings\[1\].kind: checkout needs the role operate"):
        post(guarded, earn(), asked, token=TOKENS["checkout"])
    assert post(guarded, asked, token=TOKENS["batch"])[0].status != 0


def test_calls_and_postings_a_second(guarded: Any) -> None:
    def ask() -> None:
        guarded.digest(IDL.DigestRequest(head=head("report")))

    def ask_often() -> None:
        for _ in range(50):
            ask()

    with pytest.raises(IDL.Unavailable) as fault:
        ask_often()
    assert 0 < fault.value.retry_after_ms <= 200
    time.sleep(fault.value.retry_after_ms / 1000)
    ask()

    post(guarded, *[earn() for _ in range(20)], token=TOKENS["batch"])
    with pytest.raises(IDL.Unavailable) as fault:
        post(guarded, earn(), token=TOKENS["batch"])
    assert 0 < fault.value.retry_after_ms <= 1200

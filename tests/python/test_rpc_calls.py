"""Every call of loyaltyd, over a real socket, beside what the ledger itself says."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import loyalty
from loyalty._core import StatusCode

from .rpc_server import IDL, Server, member, post, posting, serve
from .tier_shop import make_shop

POSTED, ALREADY_EXISTS, INSUFFICIENT, NOT_FOUND = 1, 30, 66, 60
NEVER_US = 2**63 - 1
NOON_US = int(dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC).timestamp()) * 1_000_000
HOUR_US = 3_600_000_000


@pytest.fixture
def server(path: Path) -> Iterator[Server]:
    loyalty.create(path, currencies=["points", "status"]).close()
    with serve(path) as server:
        yield server


@pytest.fixture(params=["binary", "compact"])
def client(server: Server, request: pytest.FixtureRequest) -> Iterator[Any]:
    with server.client(request.param) as client:
        yield client


@pytest.fixture
def shop(path: Path) -> Iterator[Any]:
    """A client of a shop with ladders."""
    make_shop(path).close()
    with serve(path) as server, server.client() as client:
        yield client


def earn(who: int | str, points: int, **fields: Any) -> Any:
    return posting("EARN", who, points=points, **{"effective_us": NOON_US} | fields)


def open_member(who: int | str) -> Any:
    return posting("OPEN_MEMBER", who, effective_us=NOON_US - HOUR_US)


def balance_of(client: Any, *who: int | str, **fields: Any) -> list[Any]:
    request = IDL.BalancesRequest(members=[member(key) for key in who], **fields)
    balances: list[Any] = client.balances(request).balances
    return balances


def changes(client: Any, from_sequence: int, **fields: Any) -> Any:
    return client.changes(IDL.ChangesRequest(from_sequence=from_sequence, **fields))


def test_post_and_ask(client: Any) -> None:
    huge = 2**53 + 1
    replies = post(client, open_member(7), open_member("Zoë 🛒"), earn(7, huge), earn("Zoë 🛒", 5))
    assert [reply.status for reply in replies] == [POSTED] * 4
    assert replies[2].points == huge
    assert replies[2].balance.active == huge
    seven, zoe, nobody = balance_of(client, 7, "Zoë 🛒", "7")
    assert (seven.found, seven.parts.active, seven.lifetime_earned) == (True, huge, huge)
    assert zoe.parts.active == 5
    assert not nobody.found


def test_outcomes_are_statuses(client: Any) -> None:
    post(client, open_member(7))
    first = earn(7, 10)
    refused = posting("REDEEM", 7, points=11, effective_us=NOON_US)
    unknown = earn("nobody", 1)
    malformed = posting("REDEEM", 7, points=-1, effective_us=NOON_US)
    replies = post(client, first, refused, unknown, malformed, first)
    assert [reply.status for reply in replies] == [
        POSTED,
        INSUFFICIENT,
        NOT_FOUND,
        14,
        ALREADY_EXISTS,
    ]
    assert replies[1].limit == 10
    assert replies[4].sequence == replies[0].sequence


def test_a_reference_is_an_id(client: Any) -> None:
    post(client, open_member(7))
    by_text = earn(7, 10, id=IDL.PostingId(reference="receipt 4711"))
    by_bytes = earn(7, 10, id=IDL.PostingId(id=hashlib.sha256(b"receipt 4711").digest()[:16]))
    assert [post(client, p)[0].status for p in (by_text, by_bytes)] == [POSTED, ALREADY_EXISTS]


def test_hold_capture_and_what_a_posting_may_say(client: Any) -> None:
    post(client, open_member("ada"), earn("ada", 100))
    hold = posting(
        "HOLD",
        "ada",
        points=60,
        effective_us=NOON_US,
        deadline_us=NOON_US + HOUR_US,
        codes=IDL.Codes(channel="web", location="till 4", category="food", actor="mia"),
        tag=2**40,
    )
    capture = posting("CAPTURE", "ada", points=45, effective_us=NOON_US + 1, related=hold.id)
    replies = post(client, hold, capture)
    assert [reply.status for reply in replies] == [POSTED, POSTED]
    assert (replies[0].balance.active, replies[0].balance.held) == (40, 60)
    assert replies[1].points == -45
    *_, held, captured = changes(client, 1).records
    assert (held.kind, held.held, held.tag) == (IDL.Kind.HOLD, 60, 2**40)
    assert (held.codes.channel, held.codes.actor, held.codes.rule) == ("web", "mia", None)
    assert held.deadline_us == NOON_US + HOUR_US
    assert captured.related_sequence == held.sequence
    assert captured.currency == "points"


def test_chains_and_members_beside_members(client: Any) -> None:
    post(client, open_member("ada"), open_member("bob"), earn("ada", 100))
    transfer = posting(
        "TRANSFER", "ada", points=30, effective_us=NOON_US, other=member("bob"), linked=True
    )
    too_much = posting("REDEEM", "bob", points=1000, effective_us=NOON_US)
    assert [reply.status for reply in post(client, transfer, too_much)] == [84, INSUFFICIENT]
    why = IDL.Codes(actor="mia", reason="the same person")
    merge = posting("MERGE_MEMBERS", "ada", effective_us=NOON_US, other=member("bob"), codes=why)
    assert post(client, merge)[0].status == POSTED
    assert balance_of(client, "bob")[0].parts.active == 100


def test_balances_by_currency_to_come_and_past(client: Any) -> None:
    post(client, open_member("ada"), open_member("bob"))
    post(
        client,
        earn("ada", 10, expires_us=NOON_US + HOUR_US),
        earn("ada", 20, currency="status", expires_us=NEVER_US),
        earn("bob", 3, effective_us=NOON_US + 2 * HOUR_US, expires_us=NEVER_US),
    )
    now = {"at_us": NOON_US, "expiring": True}
    both = balance_of(client, "ada", "bob", currencies=["status", "points"], **now)
    assert [balance.parts.active for balance in both] == [20, 0, 10, 3]
    assert (both[2].expiring_points, both[2].expiring_us) == (10, NOON_US + HOUR_US)
    later = balance_of(client, "ada", at_us=NOON_US + HOUR_US)
    assert later[0].parts.active == 0
    past = balance_of(client, "ada", "bob", as_of=IDL.AsOf(effective_us=NOON_US))
    assert [(balance.found, balance.parts.active) for balance in past] == [(True, 10), (True, 0)]


def test_a_statement_page_by_page(client: Any) -> None:
    post(
        client, open_member("ada"), *[earn("ada", n, effective_us=NOON_US + n) for n in range(1, 6)]
    )
    points, running, cursor = [], [], None
    for _ in range(4):
        page = client.statement(
            IDL.StatementRequest(member=member("ada"), from_us=NOON_US + 2, limit=2, cursor=cursor)
        )
        points += [record.points for record in page.records]
        running += page.running_points
        cursor = page.next_cursor
        if cursor is None:
            break
    assert points == [2, 3, 4, 5]
    assert running == [3, 6, 10, 15]
    as_of = client.statement(
        IDL.StatementRequest(member=member("ada"), as_of=IDL.AsOf(effective_us=NOON_US + 2))
    )
    assert [record.points for record in as_of.records] == [0, 1, 2]


def test_explain_by_id_and_by_sequence(client: Any) -> None:
    post(client, open_member("ada"))
    earned = earn("ada", 10, expires_us=NEVER_US)
    spent = posting("REDEEM", "ada", points=4, effective_us=NOON_US + 1)
    first, second = post(client, earned, spent)
    took = client.explain(IDL.ExplainRequest(posting=spent.id))
    assert took.sequence == second.sequence
    assert [(lot.sequence, lot.points) for lot in took.took] == [(first.sequence, -4)]
    used = client.explain(IDL.ExplainRequest(sequence=first.sequence))
    assert [(lot.sequence, lot.points) for lot in used.used] == [(second.sequence, -4)]
    assert [(lot.member.text, lot.state, lot.points) for lot in used.left] == [
        ("ada", IDL.LotState.ACTIVE, 6)
    ]
    assert {record.sequence for record in used.records} == {first.sequence, second.sequence}


def test_changes_go_on_where_they_were(client: Any) -> None:
    begin = changes(client, 1)
    post(client, open_member("ada"), earn("ada", 1), earn("ada", 2))
    page = changes(client, begin.next_sequence, limit=2)
    assert [record.kind for record in page.records] == [IDL.Kind.OPEN_MEMBER, IDL.Kind.EARN]
    assert page.durable_sequence == page.next_sequence
    rest = changes(client, page.next_sequence)
    assert [record.points for record in rest.records] == [2]
    none = changes(client, rest.next_sequence, wait_ms=50)
    assert (none.records, none.next_sequence) == ([], rest.next_sequence)


def test_changes_wait_for_what_comes(server: Server) -> None:
    with server.client() as follower, server.client() as poster:
        start = changes(follower, 1).next_sequence
        seen: list[Any] = []
        waiting = threading.Thread(
            target=lambda: seen.append(changes(follower, start, wait_ms=10_000))
        )
        waiting.start()
        post(poster, open_member("ada"))
        waiting.join(timeout=5)
        assert [record.member.text for record in seen[0].records] == ["ada"]


def test_levels(shop: Any) -> None:
    run = finished(shop, kind=IDL.RunKind.TIERS, at_us=NOON_US)
    moved = {(m.ladder, m.from_level, m.to_level): m.members for m in run.moves}
    assert moved["status", "blue", "gold"] == 1
    assert run.assessed == 4
    assert run.finished_sequence > run.started_sequence
    ada, nobody = shop.tiers(IDL.TiersRequest(members=[member("ada"), member("nobody")])).members
    assert {s.ladder: s.level for s in ada.standings} == {"status": "silver", "badge": "none"}
    assert not nobody.found
    assert nobody.standings == []
    progress = shop.tier_progress(
        IDL.TierProgressRequest(members=[member("nobody"), member("ada")])
    ).members
    assert not progress[0].found
    status = progress[1].ladders[0]
    assert (status.now.level, status.next_level) == ("silver", "gold")
    assert status.evidence.to_level == "silver"
    assert dict(zip(status.evidence_metrics, status.evidence.values, strict=True)) == {
        "spent": 150,
        "visits": 1,
    }
    needs = {need.metric: (need.value, need.least) for need in status.to_next[0]}
    assert set(needs) == {"spent", "visits"}
    assert needs["spent"][1] == 500


def finished(client: Any, **request: Any) -> Any:
    run_id = client.start_run(IDL.StartRunRequest(**request)).run_id
    run = client.follow_run(IDL.FollowRunRequest(run_id=run_id, wait_ms=10_000)).run
    assert run.state == IDL.RunState.FINISHED, run.message
    return run


def test_expiry_runs(client: Any) -> None:
    post(client, open_member("ada"), earn("ada", 10, expires_us=NOON_US + HOUR_US))
    dry = finished(client, kind=IDL.RunKind.EXPIRY, dry_run=True)
    assert [
        (line.kind, line.currency, line.year, line.month, line.points) for line in dry.expired
    ] == [(IDL.Kind.EXPIRE, "points", 2024, 5, 10)]
    assert dry.started_sequence is None
    done = finished(client, kind=IDL.RunKind.EXPIRY)
    assert done.expired == dry.expired
    assert done.started_sequence > 0
    assert finished(client, kind=IDL.RunKind.EXPIRY, dry_run=True).expired == []


def test_a_run_that_fails_says_why(client: Any) -> None:
    run_id = client.start_run(IDL.StartRunRequest(kind=IDL.RunKind.TIERS)).run_id
    run = client.follow_run(IDL.FollowRunRequest(run_id=run_id, wait_ms=10_000)).run
    assert run.state == IDL.RunState.FAILED
    assert run.code == StatusCode.INVALID_ARGUMENT
    assert "ladder" in run.message
    assert client.stop_run(IDL.StopRunRequest(run_id=run_id)).run.state == IDL.RunState.FAILED


def test_a_run_of_the_same_id_is_not_started_again(client: Any) -> None:
    mine = IDL.StartRunRequest(kind=IDL.RunKind.EXPIRY, run_id="night")
    assert client.start_run(mine).run_id == "night"
    first = client.follow_run(IDL.FollowRunRequest(run_id="night", wait_ms=10_000)).run
    assert client.start_run(mine).run_id == "night"
    assert client.follow_run(IDL.FollowRunRequest(run_id="night")).run == first
    with pytest.raises(IDL.InvalidRequest, match="is another run"):
        client.start_run(IDL.StartRunRequest(kind=IDL.RunKind.TIERS, run_id="night"))
    with pytest.raises(IDL.InvalidRequest, match="run_id has 65 bytes"):
        client.start_run(IDL.StartRunRequest(kind=IDL.RunKind.TIERS, run_id="x" * 65))


def test_changes_of_a_run_come_in_pages(shop: Any) -> None:
    names = ["ada", "bob", "eve"]
    post(shop, *(open_member(name) for name in names))
    post(shop, *(earn(name, 200, money=200_00, expires_us=NEVER_US) for name in names))
    run = finished(shop, kind=IDL.RunKind.TIERS, dry_run=True, keep_changes=True)

    def page(offset: int) -> Any:
        return shop.run_changes(IDL.RunChangesRequest(run_id=run.run_id, offset=offset, limit=2))

    first, last = page(0), page(2)
    assert (first.total, len(first.changes), last.total) == (len(last.changes) + 2, 2, first.total)
    changes = first.changes + last.changes
    assert {change.member.text for change in changes} == set(names)
    ladder = next(known for known in run.ladders if known.name == changes[0].ladder)
    assert changes[0].to_level in ladder.levels[1:]
    assert len(changes[0].values) == len(ladder.metrics)
    assert page(first.total).changes == []
    later = finished(shop, kind=IDL.RunKind.TIERS)
    with pytest.raises(IDL.InvalidRequest, match="keep_changes"):
        shop.run_changes(IDL.RunChangesRequest(run_id=later.run_id))


def test_who_spends_from_a_pool(client: Any) -> None:
    post(client, open_member("club"), open_member("ada"))
    post(client, posting("JOIN_POOL", "club", effective_us=NOON_US, other=member("ada"), ceiling=5))
    request = IDL.SpendersRequest(pool=member("club"), currency="points")
    [spender] = client.spenders(request).spenders
    assert (spender.member, spender.limit, spender.spent) == (member("ada"), 5, 0)


def test_programmes(shop: Any, path: Path) -> None:
    first = shop.program(IDL.ProgramRequest())
    assert (first.version, first.version_in_force) == (1, 1)
    changed = first.json.replace('"Shop"', '"Larger shop"')
    assert changed != first.json
    applied = shop.apply_program(IDL.ApplyProgramRequest(json=changed, actor="mia", reason="grown"))
    assert applied.version == 2
    assert shop.program(IDL.ProgramRequest(version=1)).json == first.json
    assert shop.program(IDL.ProgramRequest()).json == changed


def test_the_ledger_and_the_server(client: Any, path: Path) -> None:
    post(client, open_member("ada"), earn("ada", 10, expires_us=NEVER_US))
    info = client.server_info(IDL.ServerInfoRequest())
    assert info.currencies == ["points", "status"]
    assert info.version
    assert info.first_member == member("ada")
    digest = client.digest(IDL.DigestRequest())
    size = client.ledger_info(IDL.LedgerInfoRequest())
    assert (size.members, size.sequence, size.digest) == (1, digest.sequence, digest.digest)
    assert size.disk_bytes > 0
    totals = client.totals(IDL.TotalsRequest()).totals
    assert [(t.currency, t.members, t.issued) for t in totals] == [
        ("points", 10, -10),
        ("status", 0, 0),
    ]
    assert client.health(IDL.HealthRequest()).health == IDL.Health.READY
    with loyalty.open(path, read_only=True) as beside:
        assert beside.digest == digest.digest.hex()


def test_what_was_posted_is_there_after_a_kill(path: Path) -> None:
    loyalty.create(path).close()
    server = Server(path)
    ids = [os.urandom(16) for _ in range(3)]
    with server.client() as client:
        post(client, open_member("ada"))
        for number in range(2):
            post(client, earn("ada", 10, id=IDL.PostingId(id=ids[number])))
    server.kill()
    with serve(path) as again, again.client() as client:
        replies = [
            post(client, earn("ada", 10, id=IDL.PostingId(id=each)))[0].status for each in ids
        ]
        assert replies == [ALREADY_EXISTS, ALREADY_EXISTS, POSTED]
        assert balance_of(client, "ada")[0].parts.active == 30

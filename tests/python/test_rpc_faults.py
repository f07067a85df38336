"""What loyaltyd refuses, and that it goes on all the same."""

from __future__ import annotations

import hashlib
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from thriftpy2.transport import TTransportException

import loyalty

from .rpc_server import IDL, LOYALTYD, Server, member, post, posting, serve

POSTED, ID_MISSING, MEMBER_KEY_INVALID = 1, 10, 12
NOON_US = 1_714_564_800_000_000


@pytest.fixture
def server(ledger_path: Path) -> Iterator[Server]:
    with serve(ledger_path, "--transfer-timeout-s", "1", "--max-connections", "8") as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    with server.client() as client:
        yield client


@pytest.fixture
def clients_file(tmp_path: Path) -> Path:
    file = tmp_path / "clients.toml"
    file.write_text(f'[clients.till]\nroles = "read"\ntoken_sha256 = "{"0" * 64}"\n')
    return file


def earn(points: int = 1, **fields: Any) -> Any:
    return posting("EARN", "ada", points=points, **{"effective_us": NOON_US} | fields)


def is_well(server: Server) -> bool:
    with server.client() as client:
        return bool(client.health(IDL.HealthRequest()).health == IDL.Health.READY)


# ---- Requests that cannot be understood


@pytest.mark.parametrize(
    ("call", "request_", "names"),
    [
        (
            "post",
            lambda: IDL.PostRequest(postings=[earn(), earn(effective_us=None)]),
            "postings[1].effective_us is missing",
        ),
        (
            "post",
            lambda: IDL.PostRequest(postings=[earn(id=IDL.PostingId(id=b"short"))]),
            "postings[0].id has 5 bytes",
        ),
        (
            "post",
            lambda: IDL.PostRequest(postings=[IDL.Posting(effective_us=1)]),
            "postings[0].member is missing",
        ),
        (
            "post",
            lambda: IDL.PostRequest(postings=[earn(codes=IDL.Codes(rule="x" * 257))]),
            "postings[0].codes.rule has 257 bytes",
        ),
        (
            "post",
            lambda: IDL.PostRequest(postings=[earn() for _ in range(4097)]),
            "postings has 4097 elements",
        ),
        (
            "balances",
            lambda: IDL.BalancesRequest(members=[IDL.MemberKey()]),
            "members[0] is missing",
        ),
        (
            "balances",
            lambda: IDL.BalancesRequest(currencies=["points", "miles"]),
            'currencies[1]: there is no currency "miles"',
        ),
        (
            "balances",
            lambda: IDL.BalancesRequest(currencies=["points", "points"]),
            'currencies[1]: "points" is there twice',
        ),
        (
            "balances",
            lambda: IDL.BalancesRequest(at_us=1, as_of=IDL.AsOf(sequence=1)),
            "at_us and as_of",
        ),
        (
            "balances",
            lambda: IDL.BalancesRequest(members=[member(1)], as_of=IDL.AsOf(sequence=-1)),
            "as_of.sequence",
        ),
        ("statement", lambda: IDL.StatementRequest(), "member is missing"),
        ("statement", lambda: IDL.StatementRequest(member=member("nobody")), "nobody"),
        ("statement", lambda: IDL.StatementRequest(member=member("ada"), cursor="1.2"), "cursor"),
        ("statement", lambda: IDL.StatementRequest(member=member("ada"), limit=0), "limit"),
        ("changes", lambda: IDL.ChangesRequest(), "from_sequence is missing"),
        ("explain", lambda: IDL.ExplainRequest(), "posting is missing"),
        ("explain", lambda: IDL.ExplainRequest(posting=IDL.PostingId()), "posting is missing"),
        ("explain", lambda: IDL.ExplainRequest(sequence=2**40), str(2**40)),
        ("tiers", lambda: IDL.TiersRequest(members=[IDL.MemberKey()]), "members[0] is missing"),
        ("start_run", lambda: IDL.StartRunRequest(), "kind"),
        ("follow_run", lambda: IDL.FollowRunRequest(run_id="x"), 'no run "x"'),
        ("program", lambda: IDL.ProgramRequest(version=9), "9"),
        ("apply_program", lambda: IDL.ApplyProgramRequest(), "json is missing"),
        ("apply_program", lambda: IDL.ApplyProgramRequest(json="{"), "programme"),
        (
            "digest",
            lambda: IDL.DigestRequest(head=IDL.RequestHead(request_id="x" * 65)),
            "head.request_id",
        ),
        (
            "digest",
            lambda: IDL.DigestRequest(head=IDL.RequestHead(timeout_ms=-1)),
            "head.timeout_ms",
        ),
        (
            "post",
            lambda: IDL.PostRequest(postings=[earn(id=IDL.PostingId(reference=""))]),
            "postings[0].id.reference is empty",
        ),
        (
            "post",
            lambda: IDL.PostRequest(postings=[earn(id=IDL.PostingId(id=b"x" * 16, reference="x"))]),
            "postings[0].id is both",
        ),
        (
            "balances",
            lambda: IDL.BalancesRequest(members=[IDL.MemberKey(number=7, text="ada")]),
            "members[0] is both",
        ),
        (
            "explain",
            lambda: IDL.ExplainRequest(sequence=1, posting=IDL.PostingId(reference="x")),
            "posting and sequence",
        ),
        ("post", lambda: IDL.PostRequest(postings=[earn(-(2**63))]), "postings[0].points is -2^63"),
        (
            "balances",
            lambda: IDL.BalancesRequest(members=[member("ada")], at_us=2**63 - 1),
            "at_us",
        ),
        ("changes", lambda: IDL.ChangesRequest(from_sequence=1_000), "the ledger ends at"),
    ],
)
def test_a_bad_request_is_told_what_and_where(
    client: Any, call: str, request_: Callable[[], Any], names: str
) -> None:
    before = client.digest(IDL.DigestRequest()).sequence
    with pytest.raises(IDL.InvalidRequest) as fault:
        getattr(client, call)(request_())
    assert names in fault.value.message
    assert client.digest(IDL.DigestRequest()).sequence == before


def test_what_is_no_text_is_not_journaled(client: Any, server: Server) -> None:
    """Told in bytes, as thriftpy2 sends only what is."""
    before = client.digest(IDL.DigestRequest()).sequence
    codes = IDL.Codes(reason="\x00")
    with pytest.raises(IDL.InvalidRequest, match=r"postings\[0\]\.codes\.reason is not UTF-8"):
        post(client, earn(codes=codes))
    [reply] = post(client, posting("OPEN_MEMBER", "a\x00b", effective_us=NOON_US))
    assert reply.status == MEMBER_KEY_INVALID
    [reply] = post(client, earn(id=None, codes=IDL.Codes(rule="new")))
    assert reply.status == ID_MISSING
    assert client.digest(IDL.DigestRequest()).sequence == before


def test_what_is_no_text_is_not_sent_back(client: Any) -> None:
    with pytest.raises(IDL.InvalidRequest, match=r'no currency "a\?b"'):
        client.balances(IDL.BalancesRequest(currencies=["a\x00b"]))


def test_what_callers_send_is_cut_in_messages_and_no_key_is_logged(client: Any) -> None:
    with pytest.raises(IDL.InvalidRequest) as fault:
        client.statement(IDL.StatementRequest(member=member("ä" * 100_000)))
    assert len(fault.value.message) < 600


def test_erased_members_are_left_out(client: Any) -> None:
    post(client, earn())
    why = IDL.Codes(actor="mia", reason="asked for")
    post(client, posting("ERASE_MEMBER", "ada", effective_us=NOON_US, codes=why))
    records = client.changes(IDL.ChangesRequest(from_sequence=1)).records
    earned = [record for record in records if record.kind == IDL.Kind.EARN]
    assert [record.member for record in earned] == [None]


def test_balances_of_one_asked_often_are_all_there(client: Any) -> None:
    post(client, earn(5))
    asked = [member(name) for name in ("ada", "bob", "ada", "nobody", "ada")]
    request = IDL.BalancesRequest(members=asked, expiring=True)
    told = [balance.parts.active for balance in client.balances(request).balances]
    assert told == [5, 0, 5, 0, 5]


# ---- Time and size


def test_past_its_time_a_posting_is_not_begun(client: Any) -> None:
    with pytest.raises(IDL.Unavailable) as fault:
        post(client, earn(), timeout_ms=0)
    assert fault.value.retry_after_ms is not None
    assert post(client, earn(), timeout_ms=5_000)[0].balance.active == 1


def frame(payload: bytes, size: int | None = None) -> bytes:
    return struct.pack(">i", len(payload) if size is None else size) + payload


def message(call: bytes, body: bytes) -> bytes:
    return struct.pack(">Ii", 0x80010001, len(call)) + call + struct.pack(">i", 1) + body


DEEP = b"\x0c\x00\x63" * 100 + b"\x00" * 100  # a struct in field 99 of a struct in ...
LONG_LIST = b"\x0c\x00\x01\x0f\x00\x02\x0c" + struct.pack(">i", 2**31 - 1)
LONG_TEXT = b"\x0c\x00\x01\x0b\x00\x02" + struct.pack(">i", 2**31 - 1)


@pytest.mark.parametrize(
    "sent",
    [
        frame(b"garbage"),
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        frame(b"", 2**31 - 1),
        frame(b"", -1),
        frame(b""),
        frame(message(b"post", DEEP)),
        frame(message(b"post", LONG_LIST)),
        frame(message(b"post", LONG_TEXT)),
        frame(message(b"post", b"\x0c")),
        frame(message(b"health", b"\x00") + b"more"),
        frame(b"\x82\x21\x01\x04post" + b"\x1c" * 100),
    ],
    ids=[
        "garbage",
        "http",
        "huge",
        "negative",
        "empty",
        "deep",
        "list",
        "text",
        "cut",
        "more",
        "compact",
    ],
)
def test_what_is_no_request_closes_the_connection(server: Server, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(sent)
        while raw.recv(4096):
            pass
    assert is_well(server)


def test_an_unknown_call_is_told_so(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(frame(message(b"no_such_call", b"\x00")))
        size = struct.unpack(">i", raw.recv(4))[0]
        assert b"no_such_call" in raw.recv(size)
    assert is_well(server)


@pytest.mark.parametrize("sent", [b"", b"\x00", b"\x00\x00\x01", frame(b"\x80\x01", 100)])
def test_who_dawdles_is_closed(server: Server, sent: bytes) -> None:
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(sent)
        assert raw.recv(1) == b""
    assert 0.5 < time.monotonic() - began < 5


def test_who_only_asks_for_health_may_not_stand_idle(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(frame(message(b"health", b"\x0c\x00\x01\x00\x00")))
        size = struct.unpack(">i", raw.recv(4, socket.MSG_WAITALL))[0]
        assert b"health" in raw.recv(size, socket.MSG_WAITALL)
        assert raw.recv(1) == b""


def test_who_takes_no_answers_is_closed(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        from_first = b"\x0c\x00\x01\x0a\x00\x02" + struct.pack(">q", 1) + b"\x00\x00"
        requests = frame(message(b"changes", from_first)) * 1_000_000
        with pytest.raises(ConnectionError):
            raw.sendall(requests)
    assert is_well(server)


def test_more_connections_than_the_limit_are_closed(server: Server) -> None:
    with_room = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(8)]
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as beyond:
        assert beyond.recv(1) == b""
    for each in with_room:
        each.close()
    for _ in range(50):
        try:
            assert is_well(server)
            return
        except TTransportException:
            time.sleep(0.1)
    pytest.fail("there was no room again")


def test_without_files_for_more_connections_it_goes_on(ledger_path: Path) -> None:
    with serve(ledger_path, within=["prlimit", "--nofile=96:96"]) as server:
        crowd = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(120)]
        server.event("accept")
        for each in crowd:
            each.close()
        assert is_well(server)


# ---- Starting and stopping


def test_it_stops_in_good_order_while_clients_post(ledger_path: Path) -> None:
    server = Server(ledger_path)
    posted: list[int] = []

    def go_on() -> None:
        with server.client() as client:
            while True:
                try:
                    posted.append(post(client, earn())[0].sequence)
                except (IDL.Unavailable, TTransportException, OSError):
                    return

    threads = [threading.Thread(target=go_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(posted) < 100:
        time.sleep(0.01)
    assert server.stop() == 0
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()
    with loyalty.open(ledger_path) as ledger:
        assert ledger.balance("ada").active >= len(posted)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(LOYALTYD), *arguments], capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--ledger"),
        (["--ledger", "{ledger}", "--listen", "nowhere"], "HOST:PORT"),
        (["--ledger", "{ledger}", "--listen", "127.0.0.1:99999"], "HOST:PORT"),
        (["--ledger", "{ledger}", "--listen", "0.0.0.0:0"], "--clients"),
        (
            ["--ledger", "{ledger}", "--listen", "0.0.0.0:0", "--clients", "{clients}"],
            "--without-tls",
        ),
        (["--ledger", "{ledger}", "--listen", "127.shop.example:0"], "--clients"),
        (["--ledger", "{ledger}", "--max-postings", "0"], "--max-postings"),
        (["--ledger", "{ledger}", "--max-postings", "8193"], "--max-postings"),
        (["--ledger", "{ledger}", "--log-level", "loud"], "--log-level"),
    ],
)
def test_bad_flags_are_told(
    ledger_path: Path, clients_file: Path, arguments: list[str], says: str
) -> None:
    filled = [a.format(ledger=ledger_path, clients=clients_file) for a in arguments]
    ended = run(*filled)
    assert ended.returncode == 2
    assert says in ended.stderr


def test_a_ledger_that_is_not_there_or_in_use(ledger_path: Path, tmp_path: Path) -> None:
    missing = run("--ledger", str(tmp_path / "nothing"))
    assert missing.returncode == 1
    assert "nothing" in missing.stderr
    with loyalty.open(ledger_path):
        busy = run("--ledger", str(ledger_path), "--listen", "127.0.0.1:0")
    assert busy.returncode == 1
    assert "another process" in busy.stderr


def test_a_port_in_use(server: Server, tmp_path: Path) -> None:
    loyalty.create(tmp_path / "second").close()
    ended = run("--ledger", str(tmp_path / "second"), "--listen", f"127.0.0.1:{server.port}")
    assert ended.returncode == 1
    assert str(server.port) in ended.stderr


def test_a_configuration_file(ledger_path: Path, tmp_path: Path) -> None:
    config = tmp_path / "loyaltyd.toml"
    config.write_text(f'ledger = "{ledger_path}"\nmax-postings = 2\n')
    with serve(ledger_path, "--config", str(config)) as server, server.client() as client:
        assert client.server_info(IDL.ServerInfoRequest()).postings_a_request_max == 2
    config.write_text("max-postigns = 2\n")
    ended = run("--ledger", str(ledger_path), "--config", str(config))
    assert ended.returncode == 2
    assert "max-postigns" in ended.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no section [clients.NAME]"),
        ("[clients", ":1:"),
        ("[users.x]\n", "users: only sections [clients.NAME]"),
        ("[clients.a]\nroles = 'read'\n", "token_sha256 is missing"),
        ("[clients.a]\ntoken_sha256 = '{h}'\n", "roles is missing"),
        ("[clients.a]\ntoken_sha256 = '{h}'\nroles = 'reed'\n", ':3: clients.a.roles: "reed"'),
        ("[clients.a]\ntoken_sha256 = 'abc'\nroles = 'read'\n", "64 hex digits"),
        ("[clients.a]\ntoken_sha256 = '{h}'\nroles = 'read'\nrate = 3\n", "no such key"),
        ("[clients.a]\ntoken_sha256 = '{h}'\nroles = 'read'\ncalls_per_s = 0\n", "above 0"),
        ("[clients.'a/b']\ntoken_sha256 = '{h}'\nroles = 'read'\n", "no '/'"),
        (
            "[clients.a]\ntoken_sha256 = '{h}'\nroles = 'read'\n"
            "[clients.b]\ntoken_sha256 = '{h}'\nroles = 'read'\n",
            "another client's",
        ),
    ],
)
def test_a_bad_clients_file_is_told(
    ledger_path: Path, tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(text.format(h="0" * 64))
    ended = run("--ledger", str(ledger_path), "--clients", str(file))
    assert ended.returncode == 1
    assert says in ended.stderr.replace('\\"', '"')
    assert str(file) in ended.stderr


def test_a_new_token_and_what_its_section_says() -> None:
    lines = run("new-token").stdout.splitlines()
    token = lines[0].split()[-1]
    assert lines[1].endswith(f'token_sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"')
    assert run("new-token").stdout.splitlines()[0].split()[-1] != token

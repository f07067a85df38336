"""How a server is, over HTTP and to systemd."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .rpc_monitor import Watched, free_port
from .rpc_server import (
    IDL,
    LOYALTYD,
    SHORT_REQUEST,
    Server,
    member,
    post,
    posting,
    send_on,
    serve,
)

NOON_US = 1_714_564_800_000_000


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(ledger_path: Path, port: int) -> Iterator[Server]:
    with serve(ledger_path, "--http-listen", f"127.0.0.1:{port}") as server:
        yield server


@pytest.fixture
def watched(server: Server, port: int) -> Watched:
    assert server.process.poll() is None
    return Watched(port)


def earn(points: int = 1, **fields: Any) -> Any:
    return posting("EARN", "ada", points=points, effective_us=NOON_US, **fields)


def test_live_and_ready(watched: Watched) -> None:
    assert watched.get("/live") == (200, "live\n")
    assert watched.get("/ready") == (200, "ready\n")
    assert watched.get("/")[0] == 404
    assert watched.get("/metrics/more")[0] == 404


def test_before_the_ledger_is_open_it_is_live_and_not_ready(ledger_path: Path) -> None:
    clients = ledger_path.parent / "clients.toml"
    os.mkfifo(clients)  # whom it waits for; it reads them before it opens the ledger
    port = free_port()
    command = [str(LOYALTYD), "--ledger", str(ledger_path), "--clients", str(clients)]
    command += ["--http-listen", f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert json.loads(process.stderr.readline())["event"] == "monitoring"
        watched = Watched(port)
        assert watched.get("/live") == (200, "live\n")
        assert watched.get("/ready") == (503, "no ledger is open\n")
        assert watched.get("/metrics") == (200, "")
    finally:
        process.kill()
        process.communicate()


def test_while_it_stops_it_is_not_ready(server: Server, watched: Watched) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=0.5) as slow:
        with pytest.raises(TimeoutError):  # as it takes no answers, which the server waits for
            send_on(slow, SHORT_REQUEST * 1_000)
        server.process.send_signal(signal.SIGTERM)
        server.event("stopping")
        until = time.monotonic() + 2
        while watched.get("/ready")[0] == 200:
            assert time.monotonic() < until
        assert watched.get("/ready") == (503, "the server is stopping\n")
        assert watched.get("/live") == (200, "live\n")


def test_calls_and_postings_are_counted(server: Server, watched: Watched) -> None:
    before = watched.metrics()
    same = earn()
    with server.client() as client:
        post(client, same, earn(5))
        post(client, same)
        for _ in range(3):
            client.balances(IDL.BalancesRequest(members=[member("ada")]))
        with pytest.raises(IDL.InvalidRequest):
            client.statement(IDL.StatementRequest())
    after = watched.metrics()

    def grew(name: str, **labels: str) -> float:
        at = tuple(sorted(labels.items()))
        return after[name][at] - before[name].get(at, 0)

    assert grew("loyaltyd_calls_total", call="post", outcome="answered") == 2
    assert grew("loyaltyd_calls_total", call="balances", outcome="answered") == 3
    assert grew("loyaltyd_calls_total", call="statement", outcome="invalid") == 1
    assert grew("loyaltyd_call_seconds_count", call="balances") == 3
    assert 0 < grew("loyaltyd_call_seconds_sum", call="balances") < 30
    assert after["loyaltyd_postings_total"] == {
        (("status", "posted"),): 2,
        (("status", "already_exists"),): 1,
    }
    assert grew("loyalty_entries_total") >= 2
    assert grew("loyalty_group_entries_sum") == grew("loyalty_entries_total")
    assert grew("loyalty_sync_seconds_count") == grew("loyalty_group_entries_count") >= 1
    assert after["loyalty_members"] == {(): 2}
    assert after["loyaltyd_ready"] == {(): 1}
    assert after["loyaltyd_postings_under_way"] == {(): 0}
    assert after["process_resident_memory_bytes"][()] > 1 << 20


def test_every_call_is_told_of_before_it_was_made(watched: Watched) -> None:
    calls = {dict(labels)["call"] for labels in watched.metrics()["loyaltyd_calls_total"]}
    assert calls | {"health"} == set(IDL.Ledger.thrift_services)


def test_connections_are_counted(ledger_path: Path) -> None:
    port = free_port()
    options = ["--http-listen", f"127.0.0.1:{port}", "--max-connections", "1"]
    with serve(ledger_path, *options) as server, server.client() as client:
        client.health(IDL.HealthRequest())
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as second:
            assert second.recv(1) == b""
        metrics = Watched(port).metrics()
        assert metrics["loyaltyd_connections"] == {(): 1}
        assert metrics["loyaltyd_connections_refused_total"] == {(): 1}


def test_a_port_in_use_is_told(ledger_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        command = [str(LOYALTYD), "--ledger", str(ledger_path), "--http-listen", place]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert f"{place}: cannot listen" in ended.stderr


def test_systemd_is_told(ledger_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        place = str(ledger_path.parent / "notify")
        notified.bind(place)
        notified.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", place)
        with serve(ledger_path):
            assert notified.recv(100) == b"READY=1"
        assert notified.recv(100) == b"STOPPING=1"

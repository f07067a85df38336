"""When the server of a connected ledger fails, or what lies between: nothing is lost or doubled."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import loyalty

from .rpc_server import Server, serve

CALLERS, KILLS = 16, 4


class Relay:
    """Passes on what callers send, and loses the next replies if told to."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"loyalty://127.0.0.1:{self._listener.getsockname()[1]}"
        self.replies_to_lose = 0
        self.lost = 0
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(caller,), daemon=True).start()

    def _pass_on(self, caller: socket.socket) -> None:
        with caller, socket.create_connection(("127.0.0.1", self._port)) as server:
            while frame := _frame(caller):
                server.sendall(frame)
                reply = _frame(server)
                if self.replies_to_lose > 0:
                    self.replies_to_lose -= 1
                    self.lost += 1
                    return
                caller.sendall(reply)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _frame(source: socket.socket) -> bytes:
    """A frame with its length; empty at the end."""
    head = _exactly(source, 4)
    return head + _exactly(source, struct.unpack(">I", head)[0]) if head else b""


def _exactly(source: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        part = source.recv(size - len(got))
        if not part:
            return b""
        got += part
    return got


@pytest.fixture
def server(path: Path) -> Iterator[Server]:
    with loyalty.create(path) as ledger:
        ledger.open_member("ada").raise_for_status()
    with serve(path) as server:
        yield server


@pytest.fixture
def relay(server: Server) -> Iterator[Relay]:
    relay = Relay(server.port)
    yield relay
    relay.close()


def test_a_lost_reply_posts_once(relay: Relay) -> None:
    with loyalty.connect(relay.address) as ledger:
        relay.replies_to_lose = 2
        reply = ledger.earn("ada", 10)
        assert relay.lost == 2
        assert (reply.status, reply.ok) == ("already_exists", True)
        assert ledger.balance("ada").active == 10
        relay.replies_to_lose = 1
        assert ledger.balance("ada").active == 10


def test_what_may_not_be_repeated_is_not(relay: Relay) -> None:
    with loyalty.connect(relay.address) as ledger:
        program = ledger.program
        relay.replies_to_lose = 1
        with pytest.raises(loyalty.UnavailableError):
            ledger.apply_program(program)
        assert relay.lost == 1


def test_a_run_whose_reply_was_lost_is_followed(relay: Relay) -> None:
    with loyalty.connect(relay.address) as ledger:
        relay.replies_to_lose = 1
        assert ledger.expire().metadata["finished_sequence"] > 0
        started = ledger.changes(1, 100).to_arrow()["kind"].to_pylist().count("run_started")
        assert started == 1


def test_nobody_there_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(loyalty.UnavailableError, match=f"127.0.0.1:{port}"):
        loyalty.connect(f"loyalty://127.0.0.1:{port}")
    assert time.monotonic() - began < 10


def test_who_does_not_answer_is_given_up(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"loyalty://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(loyalty.UnavailableError):
            loyalty.connect(address, timeout_ms=300)


def test_it_goes_on_after_the_server_began_anew(path: Path, server: Server) -> None:
    with loyalty.connect(server.address) as ledger:
        ledger.earn("ada", 10).raise_for_status()
        assert server.stop() == 0
        with serve(path, port=server.port):
            assert ledger.balance("ada").active == 10
            assert ledger.earn("ada", 5).balance == 15


def test_a_stopped_server_is_unavailable_in_time(server: Server) -> None:
    with loyalty.connect(server.address, timeout_ms=500) as ledger:
        assert server.stop() == 0
        with pytest.raises(loyalty.UnavailableError):
            ledger.balance("ada")


def test_callers_who_post_again_while_the_server_is_killed(path: Path, server: Server) -> None:
    """Each posts until it is told that it is posted; no point is lost or doubled."""
    over = threading.Event()

    def post(caller: int) -> tuple[int, int]:
        posted = resent = 0
        with loyalty.connect(server.address, timeout_ms=2_000) as ledger:
            while not over.is_set():
                posting = loyalty.Posting("earn", f"member {caller}", 1, id=f"{caller}/{posted}")
                try:
                    reply = ledger.post(posting)
                except loyalty.UnavailableError:
                    resent += 1
                    continue
                assert reply.status in ("posted", "already_exists")
                resent += reply.status == "already_exists"
                posted += 1
        return posted, resent

    with loyalty.connect(server.address) as ledger:
        ledger.open_members([f"member {caller}" for caller in range(CALLERS)])
    with ThreadPoolExecutor(CALLERS) as callers:
        posts = [callers.submit(post, caller) for caller in range(CALLERS)]
        for _ in range(KILLS):
            time.sleep(0.3)
            server.kill()
            server = Server(path, port=server.port)
        time.sleep(0.3)
        over.set()
        told = [done.result() for done in posts]
    assert server.stop() == 0
    with loyalty.open(path) as ledger:
        balances = ledger.balances([f"member {caller}" for caller in range(CALLERS)])
        assert balances["active"].tolist() == [posted for posted, _ in told]
        assert ledger.verify().ok
    assert sum(resent for _, resent in told) > 0


def test_a_forked_child_connects_for_itself(server: Server) -> None:
    with loyalty.connect(server.address) as ledger:
        child = os.fork()
        if child == 0:
            with loyalty.connect(server.address) as own:
                os._exit(0 if own.balance("ada").active == 0 else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert ledger.balance("ada").active == 0

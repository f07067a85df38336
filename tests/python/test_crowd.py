"""Thousands of connections at once: each is answered or closed, and who is served stays so."""

from __future__ import annotations

import asyncio
import resource
import struct
import threading
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest

import loyalty

from .rpc_server import IDL, Server, frame_of, member, serve

CROWD = 2_000
CONNECTIONS_MAX = 1_024
TRANSFER_MAX_S = 2
CALLER_MAX_MS = 5_000
# For requests as small as these: 8 KiB to read ahead, a buffer of 512 bytes either way, and what
# its thread touches of its stack. 25 KiB were measured.
CONNECTION_MAX_BYTES = 64 << 10

REQUEST = frame_of("balances", IDL.BalancesRequest(members=[member("ada")]))


@pytest.fixture(autouse=True)
def files() -> Iterator[None]:
    """As many as both ends of the crowd need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CROWD + 500:
        pytest.skip(f"a process may have {hard} files open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def answer(reader: Reader) -> str:
    size = struct.unpack(">i", await reader.readexactly(4))[0]
    assert b"balances" in await reader.readexactly(size)
    return "answered"


async def closing(reader: Reader) -> str:
    assert await reader.read() == b""
    return "closed"


async def say_nothing(reader: Reader, writer: Writer) -> str:
    return await closing(reader)


async def stop_half_way(reader: Reader, writer: Writer) -> str:
    writer.write(REQUEST[: len(REQUEST) // 2])
    return await closing(reader)


async def trickle(reader: Reader, writer: Writer) -> str:
    """Sends bytes for longer than a request may take to arrive."""
    end = asyncio.ensure_future(closing(reader))
    writer.write(struct.pack(">i", 1_000))
    while not end.done():
        writer.write(b"\x80")
        await asyncio.wait([end], timeout=TRANSFER_MAX_S / 10)
    return await end


async def ask_slowly(reader: Reader, writer: Writer) -> str:
    """Sends a request in pieces, and in time."""
    for at in range(0, len(REQUEST), 20):
        writer.write(REQUEST[at : at + 20])
        await asyncio.sleep(0.1)
    return await answer(reader)


async def ask(reader: Reader, writer: Writer) -> str:
    """Asks, and again after a while on the same connection."""
    for pause_s in (TRANSFER_MAX_S, 0):
        writer.write(REQUEST)
        await answer(reader)
        await asyncio.sleep(pause_s)
    return "answered"


Visit = Callable[[Reader, Writer], Awaitable[str]]
VISITS: tuple[Visit, ...] = (say_nothing, stop_half_way, trickle, ask_slowly, ask)
ARE_ANSWERED = (ask_slowly, ask)


async def visit(reader: Reader, writer: Writer, kind: Visit) -> str:
    """Returns how it ended: "answered" or "closed"."""
    try:
        return await kind(reader, writer)
    except (ConnectionError, asyncio.IncompleteReadError):
        return "closed"
    finally:
        writer.close()


async def come(port: int, kinds: list[Visit]) -> list[str]:
    """All connect, in order, then each does as its kind does; returns how each ended."""
    ends = []
    async with asyncio.timeout(30):
        for kind in kinds:
            connection = await asyncio.open_connection("127.0.0.1", port)
            ends.append(asyncio.ensure_future(visit(*connection, kind)))
        return list(await asyncio.gather(*ends))


class Caller(threading.Thread):
    """Asks a balance again and again, and notes what the server takes of memory meanwhile."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._ledger = loyalty.connect(server.address, timeout_ms=CALLER_MAX_MS)
        self._process = psutil.Process(server.process.pid)
        self._over = threading.Event()
        self.rss_bytes = [self._process.memory_info().rss]
        self.answers = 0
        self.fault: loyalty.LoyaltyError | None = None

    def run(self) -> None:
        try:
            while not self._over.wait(0.02):
                assert self._ledger.balance("ada").active == 0
                self.answers += 1
                self.rss_bytes.append(self._process.memory_info().rss)
        except loyalty.LoyaltyError as fault:
            self.fault = fault

    def stop(self) -> None:
        self._over.set()
        self.join()
        self._ledger.close()


def test_a_crowd_beyond_the_limit_is_answered_or_closed(ledger_path: Path) -> None:
    kinds = [VISITS[number % len(VISITS)] for number in range(CROWD)]
    options = [f"--max-connections={CONNECTIONS_MAX}", f"--transfer-timeout-s={TRANSFER_MAX_S}"]
    with serve(ledger_path, *options) as server:
        caller = Caller(server)
        caller.start()
        ends = asyncio.run(come(server.port, kinds))
        caller.stop()
        assert caller.fault is None, caller.fault
        assert caller.answers > 50
        server.event("refused")
        with loyalty.connect(server.address) as later:
            assert later.earn("ada", 5).balance == 5
    for kind, end in zip(kinds[:1_000], ends, strict=False):  # who had room
        assert end == ("answered" if kind in ARE_ANSWERED else "closed"), kind.__name__
    assert set(ends) == {"answered", "closed"}
    grown_bytes = max(caller.rss_bytes) - caller.rss_bytes[0]
    assert grown_bytes < CONNECTIONS_MAX * CONNECTION_MAX_BYTES


async def all_at_once(reader: Reader, writer: Writer) -> str:
    """Asks once everybody may have connected."""
    await asyncio.sleep(1)
    writer.write(REQUEST)
    return await answer(reader)


def test_a_crowd_within_the_limit_is_answered(ledger_path: Path) -> None:
    with serve(ledger_path, f"--max-connections={CROWD + 48}") as server:
        ends = asyncio.run(come(server.port, [all_at_once] * CROWD))
    assert Counter(ends) == {"answered": CROWD}

"""A real loyaltyd for tests, and plain Thrift clients of it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import thriftpy2
from thriftpy2.protocol import TBinaryProtocolFactory, TCompactProtocolFactory
from thriftpy2.rpc import make_client
from thriftpy2.thrift import TMessageType
from thriftpy2.transport import TFramedTransportFactory, TMemoryBuffer

ROOT = Path(__file__).parents[2]
# What `make build` compiles, or another one: that of build/asan, say.
LOYALTYD = Path(
    os.environ.get("LOYALTYD", ROOT / "build" / "release" / "cpp" / "service" / "loyaltyd")
)
IDL: Any = thriftpy2.load(
    str(ROOT / "cpp" / "service" / "loyalty.thrift"), module_name="loyalty_thrift"
)
START_MAX_S = 60.0
PROTOCOLS = {"binary": TBinaryProtocolFactory, "compact": TCompactProtocolFactory}


class Server:
    """A process of loyaltyd on a port of its own."""

    def __init__(
        self, ledger: Path, *options: str, within: Sequence[str] = (), port: int = 0
    ) -> None:
        """`within`: a command that runs the server's, as `prlimit` does; `port` 0: a free one."""
        command = [*within, str(LOYALTYD), "--ledger", str(ledger)]
        command += ["--listen", f"127.0.0.1:{port}", *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.port = int(self.event("listening")["port"])
        except queue.Empty:
            self.kill()
            raise

    @property
    def address(self) -> str:
        return f"loyalty://127.0.0.1:{self.port}"

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._events.put(json.loads(line))

    def event(self, name: str, within_s: float = START_MAX_S) -> dict[str, Any]:
        """Waits for the next event of that name, and drops those before it."""
        until = time.monotonic() + within_s
        while True:
            event = self._events.get(timeout=max(0.0, until - time.monotonic()))
            if event["event"] == name:
                return event

    def events_left(self) -> list[dict[str, Any]]:
        """Those after the last one that was waited for, of a server that has stopped."""
        return list(self._events.queue)

    @contextlib.contextmanager
    def client(self, protocol: str = "binary", timeout_s: float = 30.0) -> Iterator[Any]:
        client = make_client(
            IDL.Ledger,
            "127.0.0.1",
            self.port,
            proto_factory=PROTOCOLS[protocol](),
            trans_factory=TFramedTransportFactory(),
            timeout=int(timeout_s * 1000),
        )
        try:
            yield client
        finally:
            client.close()

    def stop(self) -> int:
        """Tells it to stop, and returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        self.process.kill()
        self.wait()

    def wait(self) -> int:
        code = self.process.wait(timeout=START_MAX_S)
        self._reader.join(timeout=START_MAX_S)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code


@contextlib.contextmanager
def serve(
    ledger: Path, *options: str, within: Sequence[str] = (), port: int = 0
) -> Iterator[Server]:
    """A server that has stopped in good order by the end of the block."""
    server = Server(ledger, *options, within=within, port=port)
    try:
        yield server
    except BaseException:
        server.kill()
        raise
    if server.process.poll() is None:
        assert server.stop() == 0


# A frame that asks for `server_info`.
SHORT_REQUEST = b"\x00\x00\x00\x18\x80\x01\x00\x01\x00\x00\x00\x0bserver_info" + b"\x00" * 5


def send_on(connection: socket.socket, content: bytes) -> None:
    """Sends until that fails: until nothing more is taken, or the connection is closed."""
    while True:
        connection.sendall(content)


def member(key: int | str) -> Any:
    return IDL.MemberKey(number=key) if isinstance(key, int) else IDL.MemberKey(text=key)


def posting(kind: str, who: int | str, **fields: Any) -> Any:
    """One with an id of its own; times in microseconds."""
    fields.setdefault("id", IDL.PostingId(id=os.urandom(16)))
    return IDL.Posting(kind=IDL.Kind._NAMES_TO_VALUES[kind], member=member(who), **fields)


def post(client: Any, *postings: Any, **head: Any) -> list[Any]:
    request = IDL.PostRequest(head=IDL.RequestHead(**head), postings=list(postings))
    replies: list[Any] = client.post(request).replies
    return replies


def frame_of(call: str, request: Any, protocol: str = "binary") -> bytes:
    """The bytes that ask, as a client sends them."""
    buffer = TMemoryBuffer()  # type: ignore[no-untyped-call]
    writer = PROTOCOLS[protocol]().get_protocol(buffer)
    writer.write_message_begin(call, TMessageType.CALL, 1)
    getattr(IDL.Ledger, f"{call}_args")(request=request).write(writer)
    writer.write_message_end()
    payload: bytes = buffer.getvalue()  # type: ignore[no-untyped-call]
    return struct.pack(">i", len(payload)) + payload

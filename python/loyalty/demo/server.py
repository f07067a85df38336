"""A ``loyaltyd`` of one's own on a free port, for as long as a block runs."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from loyalty.demo import DemoError

NOT_FOUND = "loyaltyd is not here: run `make demo` in a checkout, or say where it is in LOYALTYD"

_OF_CHECKOUT = Path(__file__).parents[3] / "build" / "release" / "cpp" / "service" / "loyaltyd"
_START_MAX_S = 60.0
_LISTENING = re.compile(rb'"event":"listening".*"port":(\d+)')
_LOG_MAX_BYTES = 1 << 16


def find_loyaltyd() -> Path | None:
    """Find the server's program.

    It is the one that the environment's ``LOYALTYD`` names; else the one that was compiled in the
    checkout that this package is imported from; else the one on ``PATH``.

    Raises
    ------
    loyalty.demo.DemoError
        There is none where ``LOYALTYD`` says.
    """
    if named := os.environ.get("LOYALTYD"):
        if not Path(named).is_file():
            raise DemoError(f"LOYALTYD names {named}, which is not there")
        return Path(named)
    if _OF_CHECKOUT.is_file():
        return _OF_CHECKOUT
    on_path = shutil.which("loyaltyd")
    return Path(on_path) if on_path else None


@contextlib.contextmanager
def serving(directory: Path | str) -> Iterator[str]:
    """Serve the ledger in `directory` while the block runs; gives the address for `connect`.

    Raises
    ------
    loyalty.demo.DemoError
        The server's program is not found, or it does not come to listen.
    """
    program = find_loyaltyd()
    if program is None:
        raise DemoError(NOT_FOUND)
    command = [str(program), "--ledger", str(directory), "--listen", "127.0.0.1:0"]
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, stderr=log) as process:
        try:
            yield f"loyalty://127.0.0.1:{_port_of(process, log)}"
        finally:
            process.terminate()


def _port_of(process: subprocess.Popen[bytes], log: IO[bytes]) -> int:
    """Wait until it tells."""
    until_s = time.monotonic() + _START_MAX_S
    while process.poll() is None and time.monotonic() < until_s:
        # Not by seeking: the server would go on writing from there.
        if told := _LISTENING.search(os.pread(log.fileno(), _LOG_MAX_BYTES, 0)):
            return int(told[1])
        time.sleep(0.01)
    said = os.pread(log.fileno(), _LOG_MAX_BYTES, 0).decode(errors="replace").strip()
    raise DemoError(f"loyaltyd does not listen: {said}")

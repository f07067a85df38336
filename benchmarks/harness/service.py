"""A loyaltyd on a ledger, and what it takes of the processor."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.context import Context
from benchmarks.harness.process import child

START_MAX_S = 120


@dataclass(frozen=True)
class Service:
    """One that answers."""

    pid: int
    port: int

    def cpu_s(self) -> float:
        """Return the processor time it has taken so far, of all its threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serve(context: Context, ledger: Path) -> Iterator[Service]:
    """Start one on a free port of the loopback interface; it has stopped by the end of the block.

    Raises
    ------
    RuntimeError
        It did not start.
    """
    binary = context.binaries.parents[1] / "cpp/service/loyaltyd"
    log = ledger.parent / "loyaltyd.log"
    command: list[str | Path] = [binary, "--ledger", ledger]
    command += ["--listen", "127.0.0.1:0"]
    with child(command, log=log) as process:
        deadline = time.monotonic() + START_MAX_S
        while (port := listening_port(log)) is None:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"loyaltyd did not start:\n{log.read_text()}")
            time.sleep(0.05)
        yield Service(process.pid, port)


def listening_port(log: Path) -> int | None:
    """Return the port that the log tells of, once it does."""
    for line in log.read_text().splitlines(keepends=True):
        if line.endswith("\n") and '"listening"' in line:
            return int(json.loads(line)["port"])
    return None

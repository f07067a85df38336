"""Redis 7, every write synced: INCR and GET of random keys, by its own benchmark."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from benchmarks.harness.process import child, free_port, scratch

CONNECTIONS = 64
GET_CONNECTIONS = 50
VALUE_BYTES = 8
KEYS_A_FILL = 10_000
CLIENT_THREADS = (1, 2)  # both are tried, the better counts


def version() -> str:
    """Return the server's version.

    Raises
    ------
    FileNotFoundError
        Redis is not installed.
    """
    for tool in ("redis-server", "redis-benchmark"):
        if not shutil.which(tool):
            raise FileNotFoundError(f"{tool} (Debian packages redis-server and redis-tools)")
    output = subprocess.run(
        ["redis-server", "--version"], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"v=(\S+)", output)
    return f"Redis {found[1]}" if found else output.strip()


@contextmanager
def serve(parent: Path) -> Iterator[int]:
    """Start a server in a new directory below `parent`; yields its port."""
    version()
    with scratch(parent, "redis") as directory:
        port = free_port()
        command: list[str | Path] = ["redis-server", "--port", str(port), "--bind", "127.0.0.1"]
        command += ["--dir", directory, "--appendonly", "yes", "--appendfsync", "always"]
        # In its favour: no snapshots, no rewriting of the log within the run.
        command += ["--save", "", "--auto-aof-rewrite-percentage", "0", "--daemonize", "no"]
        log = directory / "log"
        with child(command, log=log) as process:
            wait_until_ready(port, process, log)
            yield port


def wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Block until the server answers."""
    deadline = time.monotonic() + 30
    while True:
        try:
            with redis.Redis(port=port) as client:
                client.ping()
            return
        except redis.ConnectionError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Redis did not start:\n{log.read_text()}") from None
            time.sleep(0.05)


def rate(port: int, members: int, calls: int, threads: int) -> float:
    """Return INCRs a second, each synced before its reply."""
    command = ["-t", "incr", "-c", str(CONNECTIONS), "-n", str(calls), "-r", str(members)]
    return run_benchmark(port, "INCR", [*command, "--threads", str(threads)])


def run_benchmark(port: int, name: str, flags: list[str]) -> float:
    """Return the rate that redis-benchmark prints of the test `name`."""
    command = ["redis-benchmark", "-p", str(port), *flags, "--csv"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(rf'^"{name}","([0-9.]+)"', output, re.MULTILINE)
    if not found:
        raise RuntimeError(f"redis-benchmark printed no rate:\n{output}")
    return float(found[1])


def best_rate(port: int, members: int, calls: int) -> tuple[float, dict[str, float]]:
    """Try each number of client threads; return the better rate, and all."""
    rates = {f"{n} client threads": rate(port, members, calls, n) for n in CLIENT_THREADS}
    return max(rates.values()), rates


def fill(port: int, members: int) -> None:
    """Set every key that redis-benchmark draws, so that no GET finds nothing."""
    value = "1" * VALUE_BYTES
    with redis.Redis(port=port) as client:
        for first in range(0, members, KEYS_A_FILL):
            keys = range(first, min(first + KEYS_A_FILL, members))
            client.mset({f"key:{key:012}": value for key in keys})


def get_rates(port: int, members: int, calls: int, pipeline: int) -> dict[str, float]:
    """Return GETs a second from 50 connections, by number of client threads."""
    command = ["-t", "get", "-c", str(GET_CONNECTIONS), "-n", str(calls), "-r", str(members)]
    command += ["-P", str(pipeline)]
    return {
        f"{n} client threads": run_benchmark(port, "GET", [*command, "--threads", str(n)])
        for n in CLIENT_THREADS
    }

"""Child processes and scratch directories that never outlive the benchmark.

Every child is kept with its id and ended by that id: on success, on failure and on Ctrl-C.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def child(
    command: Sequence[str | Path],
    *,
    log: Path,
    user: str | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    stop_s: float = 60.0,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` until the block is left; `log` takes what it prints."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=user,
            group=user,
            extra_groups=[] if user else None,
            start_new_session=True,  # Ctrl-C reaches us alone; we end the child in order
        )
    try:
        yield process
    finally:
        stop(process, stop_signal, stop_s)


def stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals, stop_s: float) -> None:
    """End one child by its id: politely, then for sure."""
    if process.poll() is None:
        process.send_signal(stop_signal)
        try:
            process.wait(stop_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def scratch(parent: Path, name: str) -> Iterator[Path]:
    """Make an empty directory under `parent`, removed at the end."""
    parent.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def free_port() -> int:
    """Return a TCP port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def directory_bytes(path: Path) -> int:
    """Sum the sizes on disk of all files below `path`."""
    total = 0
    for root, _, names in os.walk(path):
        for name in names:
            total += os.stat(os.path.join(root, name)).st_blocks * 512
    return total


def run(command: Sequence[str]) -> tuple[int, str]:
    """Run to the end, or end it when we are stopped; return its code and what it printed."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        output, _ = process.communicate()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return process.returncode, output


def run_json(command: Sequence[str]) -> dict[str, Any]:
    """Run a program that prints one JSON object; return that.

    Raises
    ------
    RuntimeError
        It failed.
    """
    code, output = run(command)
    if code:
        raise RuntimeError(f"{' '.join(command)} ended with {code}")
    result: dict[str, Any] = json.loads(output)
    return result


def drop_from_cache(directory: Path) -> None:
    """Let the system forget what it has in memory of the files of a directory."""
    os.sync()
    for path in directory.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)

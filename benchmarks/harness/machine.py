"""What the numbers were measured on: processor, memory, kernel, and how long a sync takes."""

from __future__ import annotations

import os
import platform
import statistics
import time
from pathlib import Path
from typing import Any


def ram_bytes() -> int:
    """Return the memory of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def cpu_model() -> str:
    """Return the processor's name for itself."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def sync_p50_us(directory: Path, size_bytes: int, rounds: int = 200) -> float:
    """Return the median time of appending `size_bytes` and fdatasync, of `rounds`."""
    path = directory / "sync_probe"
    block = os.urandom(size_bytes)
    took: list[float] = []
    descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    try:
        for i in range(rounds):
            begin = time.perf_counter()
            os.pwrite(descriptor, block, i * size_bytes)
            os.fdatasync(descriptor)
            took.append(time.perf_counter() - begin)
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(took) * 1e6


def describe(directory: Path) -> dict[str, Any]:
    """Return what a reader needs to judge the numbers; `directory` is where the ledgers are."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "ram_gib": round(ram_bytes() / 2**30, 1),
        "kernel": platform.release(),
        "file_system": file_system(directory),
        "sync_4k_p50_us": round(sync_p50_us(directory, 4 << 10), 1),
        "sync_256k_p50_us": round(sync_p50_us(directory, 256 << 10), 1),
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def file_system(directory: Path) -> str:
    """Return the type of the file system that holds `directory`."""
    best, found = "", "unknown"
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, kind, *_ = line.split()
        if directory.resolve().is_relative_to(mount) and len(mount) >= len(best):
            best, found = mount, kind
    return found

"""PostgreSQL 15 as a ledger of entries and balances, started in a directory of its own.

Tuned for this job, and always in its favour: it keeps no history by member, no hash chain, no lots,
and refuses nothing; a redemption may drive its balance below zero.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.harness.machine import ram_bytes
from benchmarks.harness.process import child, free_port, scratch

BIN = Path("/usr/lib/postgresql/15/bin")
# The server refuses to run as root; Debian's package makes this user.
SYSTEM_USER = "postgres"

SETTINGS = {
    # Durable: an acknowledged transaction is on disk.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # In its favour: all in memory, no checkpoint within a run, no replication.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "64GB",
    "checkpoint_timeout": "1d",
    "wal_buffers": "64MB",
    "wal_compression": "lz4",
    "work_mem": "256MB",
    "maintenance_work_mem": "1GB",
    "temp_buffers": "256MB",
    "max_connections": "100",
    "jit": "off",
    # Waits that long for others to share a sync with; quicker here with many connections.
    "commit_delay": "1000",
    "commit_siblings": "8",
}

SCHEMA = """
CREATE TABLE entries (
    id uuid PRIMARY KEY, member bigint NOT NULL, points bigint NOT NULL, money bigint NOT NULL,
    effective_us bigint NOT NULL);
CREATE TABLE balances (member bigint PRIMARY KEY, points bigint NOT NULL) WITH (fillfactor = 50);
INSERT INTO balances SELECT member, 0 FROM generate_series(0, {members} - 1) AS member;
"""


@dataclass(frozen=True)
class Server:
    """A running server: connect as its superuser."""

    port: int
    directory: Path
    user: str

    @property
    def conninfo(self) -> str:
        """Where to connect: a socket in the server's own directory."""
        return f"host={self.directory} port={self.port} dbname=postgres user={self.user}"

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Open one connection."""
        return psycopg.connect(self.conninfo, autocommit=True)

    def make_tables(self, members: int, *, extra: str = "") -> None:
        """Make the tables anew with every member opened, and write out what is dirty."""
        with self.connect() as connection:
            connection.execute("DROP TABLE IF EXISTS entries, balances")
            for statement in SCHEMA.format(members=members).split(";"):
                connection.execute(statement.encode())
            connection.execute(extra.encode())
            connection.execute("VACUUM (ANALYZE) balances")
            connection.execute("CHECKPOINT")

    def bytes_per_entry(self) -> float:
        """Return the disk that the entries and their unique index take, divided by their number."""
        with self.connect() as connection:
            row = connection.execute(
                "SELECT pg_total_relation_size('entries')::float8 / count(*) FROM entries"
            ).fetchone()
            return float(str(row[0])) if row else 0.0


def version() -> str:
    """Return the server's version.

    Raises
    ------
    FileNotFoundError
        PostgreSQL 15 is not installed.
    """
    if not (BIN / "postgres").exists():
        raise FileNotFoundError(f"{BIN}/postgres (Debian package postgresql-15)")
    command = [str(BIN / "postgres"), "--version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def serve(parent: Path) -> Iterator[Server]:
    """Start a server in a new directory below `parent`; end it and remove the directory."""
    version()
    user = SYSTEM_USER if os.geteuid() == 0 else None
    name = pwd.getpwuid(os.geteuid()).pw_name if user is None else user
    with scratch(reachable(parent, user), "postgres") as directory:
        if user:
            shutil.chown(directory, user, user)
        data = directory / "data"
        init: list[str | Path] = [
            BIN / "initdb",
            "--pgdata",
            data,
            "--username",
            name,
            "--auth",
            "trust",
        ]
        init += ["--encoding", "UTF8", "--no-locale", "--no-sync"]
        subprocess.run(init, check=True, capture_output=True, user=user, group=user, cwd=directory)
        settings = {**SETTINGS, "shared_buffers": f"{min(4 << 30, ram_bytes() // 4) >> 20}MB"}
        port = free_port()
        command: list[str | Path] = [BIN / "postgres", "-D", data, "-p", str(port)]
        command += ["-k", directory, "-c", "listen_addresses="]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        log = directory / "log"
        # SIGQUIT ends it without writing its dirty pages: the directory goes anyway, and the next
        # contestant would pay for them.
        with child(command, log=log, user=user, stop_signal=signal.SIGQUIT) as process:
            server = Server(port, directory, name)
            wait_until_ready(server, process, log)
            yield server


def reachable(parent: Path, user: str | None) -> Path:
    """Return `parent`, or a place on disk that `user` may enter when `parent` is private."""
    parent.mkdir(parents=True, exist_ok=True)
    if user is None:
        return parent
    probe = subprocess.run(["test", "-x", parent], user=user, group=user, check=False)
    return parent if probe.returncode == 0 else Path("/var/tmp")


def wait_until_ready(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Block until the server answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            server.connect().close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}") from None
            time.sleep(0.05)

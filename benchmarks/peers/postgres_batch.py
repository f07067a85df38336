"""PostgreSQL's batched paths: each batch of postings is one transaction.

Two shapes of statement, several batch sizes and numbers of connections: a short trial picks the
quickest on this machine, and only that one is compared. Connections share the members out among
themselves, so that they never wait for each other's rows. The bytes sent are made beforehand: the
client costs next to nothing.
"""

from __future__ import annotations

import struct
import threading
import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import pq

from benchmarks.harness.workload import Postings
from benchmarks.peers.postgres import Server

Shape = Literal["copy", "unnest"]

COLUMNS = ("id", "member", "points", "money", "effective_us")
OIDS = {"uuid": 2950, "bigint": 20}

# COPY straight into the entries; a statement trigger moves the balances, in the same transaction.
# Quicker than a staging table with INSERT .. SELECT .. ON CONFLICT; a resent id fails the batch.
TRIGGER = """
CREATE OR REPLACE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH moved AS (SELECT member, sum(points)::bigint AS points FROM posted GROUP BY member)
    UPDATE balances SET points = balances.points + moved.points FROM moved
    WHERE balances.member = moved.member;
    RETURN NULL;
END $$;
CREATE TRIGGER move AFTER INSERT ON entries REFERENCING NEW TABLE AS posted
FOR EACH STATEMENT EXECUTE FUNCTION move()
"""
COPY = f"COPY entries ({', '.join(COLUMNS)}) FROM STDIN (FORMAT binary)"

# One statement: entries, and the balances of those that were new.
UNNEST = f"""
WITH posted AS (
    INSERT INTO entries ({", ".join(COLUMNS)})
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
    ON CONFLICT (id) DO NOTHING RETURNING member, points),
moved AS (SELECT member, sum(points)::bigint AS points FROM posted GROUP BY member)
UPDATE balances SET points = balances.points + moved.points FROM moved
WHERE balances.member = moved.member
"""


@dataclass(frozen=True)
class BatchPath:
    """One way of posting batches."""

    shape: Shape
    batch: int
    connections: int

    def __str__(self) -> str:
        """Name it for the report."""
        return f"{self.shape} x {self.batch} over {self.connections}"

    @property
    def extra(self) -> str:
        """What the tables need besides."""
        return TRIGGER if self.shape == "copy" else ""


CANDIDATES = (
    BatchPath("copy", 4_096, 2),
    BatchPath("copy", 32_768, 2),
    BatchPath("copy", 32_768, 3),
    BatchPath("copy", 100_000, 3),
    BatchPath("unnest", 4_096, 2),
    BatchPath("unnest", 32_768, 2),
)


def big_endian_columns(postings: Postings) -> dict[str, NDArray[Any]]:
    """Return the columns as the server's binary formats have them."""
    return {
        "id": np.ascontiguousarray(postings.ids).view("V16").ravel(),
        "member": postings.members.astype(">i8"),
        "points": postings.signed_points.astype(">i8"),
        "money": postings.money.astype(">i8"),
        "effective_us": postings.effective_us.astype(">i8"),
    }


def copy_bytes(postings: Postings) -> bytes:
    """Return the postings in COPY's binary format: each field after its length."""
    columns = big_endian_columns(postings)
    fields: list[tuple[str, Any]] = [("fields", ">i2")]
    for name, values in columns.items():
        fields += [(f"{name}_size", ">i4"), (name, values.dtype)]
    rows: NDArray[Any] = np.empty(len(postings), np.dtype(fields))
    rows["fields"] = len(columns)
    for name, values in columns.items():
        rows[f"{name}_size"] = values.dtype.itemsize
        rows[name] = values
    return b"PGCOPY\n\xff\r\n\x00" + bytes(8) + rows.tobytes() + b"\xff\xff"


def array_bytes(postings: Postings) -> list[bytes]:
    """Return the columns in the binary format of arrays."""
    result = []
    for name, values in big_endian_columns(postings).items():
        oid = OIDS["uuid" if name == "id" else "bigint"]
        cells: NDArray[Any] = np.empty(len(values), [("size", ">i4"), ("value", values.dtype)])
        cells["size"] = values.dtype.itemsize
        cells["value"] = values
        result.append(struct.pack(">5i", 1, 0, oid, len(values), 1) + cells.tobytes())
    return result


def batches_of(path: BatchPath, postings: Postings) -> list[list[Any]]:
    """Encode every connection's batches."""
    result = []
    for connection in range(path.connections):
        share = postings.take(postings.members % path.connections == connection)
        parts = [share.take(slice(i, i + path.batch)) for i in range(0, len(share), path.batch)]
        encode = copy_bytes if path.shape == "copy" else array_bytes
        result.append([encode(part) for part in parts])
    return result


def post_all(connection: psycopg.Connection[Any], shape: Shape, batches: list[Any]) -> None:
    """Post batch after batch, each in a transaction of its own."""
    with connection.cursor() as cursor:
        for batch in batches:
            if shape == "copy":
                with cursor.copy(COPY) as copy:
                    copy.write(batch)
            else:
                done = connection.pgconn.exec_params(
                    UNNEST.encode(), batch, param_formats=[1] * len(batch)
                )
                if done.status != pq.ExecStatus.COMMAND_OK:
                    raise RuntimeError(done.error_message.decode())


def rate(server: Server, path: BatchPath, postings: Postings, members: int) -> float:
    """Return postings a second into fresh tables.

    Raises
    ------
    RuntimeError
        The balances do not add up to the entries afterwards.
    """
    server.make_tables(members, extra=path.extra)
    work = batches_of(path, postings)
    connections = [server.connect() for _ in work]
    failures: list[BaseException] = []

    def run(connection: psycopg.Connection[Any], batches: list[Any]) -> None:
        try:
            post_all(connection, path.shape, batches)
        except BaseException as failure:
            failures.append(failure)

    threads = [
        threading.Thread(target=run, args=pair) for pair in zip(connections, work, strict=True)
    ]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed_s = time.perf_counter() - begin
    for connection in connections:
        connection.close()
    if failures:
        raise failures[0]
    check(server, len(postings))
    return len(postings) / elapsed_s


def check(server: Server, expected: int) -> None:
    """Make sure that it did the work."""
    with server.connect() as connection:
        row = connection.execute(
            "SELECT count(*), sum(points)::bigint = (SELECT sum(points)::bigint FROM balances)"
            " FROM entries"
        ).fetchone()
    if row != (expected, True):
        raise RuntimeError(f"PostgreSQL's entries and balances disagree: {row}")


def trial(server: Server, postings: Postings, members: int) -> dict[str, float]:
    """Try every candidate once; return the rates by name."""
    return {str(path): rate(server, path, postings, members) for path in CANDIDATES}


def best(rates: dict[str, float]) -> BatchPath:
    """Return the quickest candidate of a trial."""
    return max(CANDIDATES, key=lambda path: rates[str(path)])

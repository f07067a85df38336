"""PostgreSQL with one posting a transaction, over 64 connections, driven by its own pgbench.

One round trip a posting: entry and balance in one prepared call.
"""

from __future__ import annotations

import re
import subprocess
from typing import Literal

from benchmarks.peers.postgres import BIN, Server

Shape = Literal["function", "statement"]

CONNECTIONS = 64
CLIENT_THREADS = 2

FUNCTION = """
CREATE OR REPLACE FUNCTION post(
    new_id uuid, whose bigint, moved bigint, paid bigint, at_us bigint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE after bigint;
BEGIN
    INSERT INTO entries VALUES (new_id, whose, moved, paid, at_us) ON CONFLICT (id) DO NOTHING;
    IF NOT FOUND THEN RETURN NULL; END IF;
    UPDATE balances SET points = points + moved WHERE member = whose RETURNING points INTO after;
    RETURN after;
END $$
"""
DRAW = """\
\\set member random(0, {last})
\\set points random(-90, 999)
\\set money random(100, 19999)
"""
CALLS: dict[Shape, str] = {
    "function": "SELECT post(gen_random_uuid(), :member, :points, :money, 1704067200000000);\n",
    "statement": (
        "WITH posted AS (INSERT INTO entries"
        " VALUES (gen_random_uuid(), :member, :points, :money, 1704067200000000)"
        " ON CONFLICT (id) DO NOTHING RETURNING member, points)"
        " UPDATE balances SET points = balances.points + posted.points FROM posted"
        " WHERE balances.member = posted.member RETURNING balances.points;\n"
    ),
}


def rate(server: Server, shape: Shape, members: int, seconds: int) -> float:
    """Return postings a second, each durable before the next of its connection."""
    server.make_tables(members, extra=FUNCTION)
    script = server.directory / f"{shape}.sql"
    script.write_text(DRAW.format(last=members - 1) + CALLS[shape])
    command = [
        str(BIN / "pgbench"),
        "--no-vacuum",
        "--protocol=prepared",
        f"--client={CONNECTIONS}",
    ]
    command += [f"--jobs={CLIENT_THREADS}", f"--time={seconds}", f"--host={server.directory}"]
    command += [f"--port={server.port}", f"--username={server.user}", f"--file={script}"]
    output = subprocess.run(
        [*command, "postgres"], check=True, capture_output=True, text=True, cwd=server.directory
    ).stdout
    found = re.search(r"^tps = ([0-9.]+)", output, re.MULTILINE)
    if not found:
        raise RuntimeError(f"pgbench printed no rate:\n{output}")
    return float(found[1])


def best_rate(server: Server, members: int, seconds: int) -> tuple[float, dict[str, float]]:
    """Try each call; return the better rate, and all."""
    rates = {str(shape): rate(server, shape, members, seconds) for shape in CALLS}
    return max(rates.values()), rates

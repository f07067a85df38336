"""Tiers by DuckDB, from a table sorted by member: python -m benchmarks.peers.tiers_duckdb ..."""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.peers.tiers_data import (
    AT_US,
    FROM_US,
    THRESHOLDS,
    Ask,
    Counts,
    arguments,
    measure,
    read_entries,
)

LEVEL = " ".join(
    f"WHEN earned >= {least} THEN {level}"
    for level, least in reversed(list(enumerate(THRESHOLDS, start=1)))
)
EARNED = f"""
    SELECT member, sum(points) AS earned FROM entries
    WHERE points > 0 AND effective_us > {FROM_US} AND effective_us <= {AT_US} GROUP BY member
"""
# One aggregation over entries and levels instead of a join, debits as 0 instead of left out: of
# what was tried (see ../README.md), the quickest.
QUESTION = f"""
    SELECT level, CASE {LEVEL} ELSE 0 END AS after, count(*)
    FROM (
        SELECT member, sum(gained) AS earned, max(present) AS level
        FROM (
            SELECT member, CASE WHEN points > 0 THEN points ELSE 0 END AS gained,
                0::UTINYINT AS present
            FROM entries WHERE effective_us > {FROM_US} AND effective_us <= {AT_US}
            UNION ALL
            SELECT member, 0 AS gained, level AS present FROM levels
        )
        GROUP BY member
    )
    GROUP BY ALL ORDER BY ALL
"""
# Sums in an array by member, without hashing: DuckDB does so by itself only up to 2^12 groups.
ARRAY_OF_SUMS = "SET perfect_ht_threshold = 32"


def load(path: Path, columns: str, members: int, threads: int) -> None:
    """Make the database: entries and present levels, both by member."""
    entries = read_entries(columns)
    with duckdb.connect(path, config={"threads": threads}) as database:
        database.register("raw", entries)
        database.execute("CREATE TABLE entries AS FROM raw ORDER BY member, effective_us")
        database.execute(
            f"CREATE TABLE levels AS SELECT r.range::UINTEGER AS member,"
            f" (CASE {LEVEL} ELSE 0 END)::UTINYINT AS level"
            f" FROM range({members}) r LEFT JOIN ({EARNED}) e ON e.member = r.range ORDER BY 1"
        )


def main() -> None:
    """Load, ask, print."""
    options = arguments()
    path = options.work / "tiers.duckdb"
    if not path.exists():
        load(path, options.columns, options.members, options.threads)

    def open_anew() -> Ask:
        database = duckdb.connect(path, config={"threads": options.threads}, read_only=True)
        database.execute(ARRAY_OF_SUMS)

        def ask() -> Counts:
            return [list(row) for row in database.execute(QUESTION).fetchall()]

        return ask

    measure(options.work, open_anew, options.repeat)


if __name__ == "__main__":
    main()

"""Whatever postings say comes back from the journal as it was."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

import loyalty


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=16),
            st.integers(1, 2**40),
            st.integers(0, 2**63 - 1),
            st.integers(0, 2**64 - 1),
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20) | st.none(),
        ),
        max_size=30,
    )
)
def test_what_goes_in_comes_out(rows: list[tuple[str, int, int, int, str | None]]) -> None:
    members, points, money, tags, rules = zip(*rows, strict=True) if rows else ((),) * 5
    with (
        tempfile.TemporaryDirectory() as directory,
        loyalty.create(Path(directory) / "ledger") as ledger,
    ):
        if rows:
            ledger.open_members(sorted(set(members)))
        start = ledger.info().sequence
        result = ledger.post(
            pa.table(
                {
                    "id": [bytes(value) for value in loyalty.new_ids(len(rows))],
                    "kind": pa.array(["earn"] * len(rows), pa.string()),
                    "member": pa.array(members, pa.string()),
                    "points": pa.array(points, pa.int64()),
                    "money": pa.array(money, pa.int64()),
                    "tag": pa.array(tags, pa.uint64()),
                    "rule": pa.array(rules, pa.string()),
                    "effective_time": pa.array(range(len(rows)), pa.timestamp("us")),
                }
            )
        )
        assert result.ok
        entries = [row for row in ledger.changes(start + 1).to_pylist() if row["kind"] == "earn"]
        columns = ("member", "points", "money", "tag", "rule")
        got = [tuple(row[name] for name in columns) for row in entries]
        assert got == [(*row[:4], row[4] or None) for row in rows]

"""Random postings against a tiny model of balances in Python."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

import loyalty

MEMBERS = ("ada", "bob", "cyd")


@dataclass
class Model:
    """Balances, and what each id did. No lots, no expiry: nothing here expires."""

    balances: dict[str, int] = field(default_factory=dict)
    seen: dict[str, tuple[loyalty.Posting, str]] = field(default_factory=dict)

    def post(self, posting: loyalty.Posting) -> str:
        assert isinstance(posting.id, str)
        assert isinstance(posting.member, str)
        if posting.id in self.seen:
            first, status = self.seen[posting.id]
            if first != posting:
                return "differs"
            return "already_exists" if status == "posted" else "id_already_failed"
        status = self.apply(posting.kind, posting.member, posting.points)
        self.seen[posting.id] = (posting, status)
        return status

    def apply(self, kind: str, member: str, points: int) -> str:
        if kind == "open_member":
            if member in self.balances:
                return "member_already_open"
            self.balances[member] = 0
            return "posted"
        if member not in self.balances:
            return "member_not_found"
        change = -points if kind == "redeem" else points
        if self.balances[member] + change < 0:
            return "insufficient_points"
        self.balances[member] += change
        return "posted"


def make(kind: str, member: str, points: int, number: int) -> loyalty.Posting:
    points = {"open_member": 0, "adjust": points - 40 or 1}.get(kind, points)
    actor, reason = ("me", "test") if kind == "adjust" else (None, None)
    return loyalty.Posting(
        kind,
        member,
        points,
        id=f"id {number}",
        effective_time=number,
        actor=actor,
        reason=reason,
    )


POSTINGS = st.builds(
    make,
    st.sampled_from(["open_member", "earn", "earn", "redeem", "adjust"]),
    st.sampled_from(MEMBERS),
    st.integers(1, 100),
    st.integers(0, 60),
)


def matches(actual: str, expected: str) -> bool:
    if expected == "differs":
        return actual.startswith("exists_with_different_") or actual == "id_already_failed"
    return actual == expected


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(POSTINGS, max_size=20), max_size=5), st.booleans())
def test_random_batches_agree_with_the_model(
    batches: list[list[loyalty.Posting]], reopen: bool
) -> None:
    model = Model()
    with tempfile.TemporaryDirectory() as directory:
        ledger = loyalty.create(Path(directory) / "ledger")
        try:
            for batch in batches:
                statuses = list(ledger.post(batch).status)
                expected = [model.post(posting) for posting in batch]
                assert all(map(matches, statuses, expected)), (statuses, expected)
                if reopen:
                    ledger.close()
                    ledger = loyalty.open(ledger.path)
            table = ledger.balances()
            actual = dict(zip(table["member"], table["active"], strict=True))
            assert actual == model.balances
            assert ledger.totals()["members"].sum() == sum(model.balances.values())
            assert ledger.verify().ok
        finally:
            ledger.close()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8"), min_size=1, max_size=16),
            st.integers(1, 2**40),
            st.integers(0, 2**63 - 1),
            st.integers(0, 2**64 - 1),
            st.text(st.characters(codec="utf-8"), max_size=20) | st.none(),
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

"""Ledgers opened read-only: beside the one that posts, and by the commands that only show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import loyalty

from .rpc_server import serve
from .tier_shop import day, make_shop

ANOTHER = """
name = "Another"
time_zone = "UTC"

[currencies.points]
"""
READERS = 30
PACKAGE_ROOT = Path(loyalty.__file__).parents[1]


def opened(ledger: loyalty.Ledger) -> loyalty.Ledger:
    return loyalty.open(ledger.path, read_only=True)


def test_it_shows_what_was_there_and_nothing_later(ledger: loyalty.Ledger) -> None:
    ledger.open_member("ada")
    ledger.earn("ada", 500)
    with opened(ledger) as reader, opened(ledger) as another:
        ledger.earn("ada", 70)
        assert reader.balance("ada").active == another.balance("ada").active == 500
        assert reader.verify().ok
        assert reader.read_only
        assert "read-only" in repr(reader)
    assert not ledger.read_only
    with opened(ledger) as reader:
        assert reader.balance("ada").active == 570
        assert reader.digest == ledger.digest
        assert reader.statement("ada")["points"].tolist() == [0, 500, 70]


@pytest.mark.parametrize(
    "write",
    [
        lambda reader: reader.earn("ada", 5),
        lambda reader: reader.open_members(["ada", "ben"]),
        lambda reader: reader.apply_program(loyalty.Program.from_toml(ANOTHER)),
        lambda reader: reader.expire(),
        lambda reader: reader.recompute_tiers(day(2024, 1)),
        lambda reader: reader.checkpoint(),
    ],
)
def test_what_would_be_journaled_is_refused(
    path: Path, write: Callable[[loyalty.Ledger], object]
) -> None:
    with make_shop(path) as shop:
        sequence = shop.info().sequence
        with opened(shop) as reader:
            with pytest.raises(loyalty.ReadOnlyError, match="was opened read-only") as refused:
                write(reader)
            assert str(path) in str(refused.value)
            assert reader.info().sequence == sequence
        assert shop.info().sequence == sequence


def test_a_dry_run_of_tiers_beside_the_shop(path: Path) -> None:
    with make_shop(path) as shop, opened(shop) as reader:
        here = reader.recompute_tiers(day(2024, 1), dry_run=True)
        there = shop.recompute_tiers(day(2024, 1), dry_run=True)
        assert here.changes.to_pylist() == there.changes.to_pylist() != []


def test_commands_that_only_show_work_beside_another_process(path: Path) -> None:
    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "loyalty.cli", *arguments],
            env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    with make_shop(path) as shop:
        balance = json.loads(run("balance", shop.path, "ada", "--json"))
        assert balance["balances"]["points"]["active"] == shop.balance("ada").active
        assert "Everything agrees." in run("verify", shop.path)
        assert "silver" in run("tiers", "diff", shop.path, "--at", "2024-01-01")
        assert "dry run" not in run("expire", shop.path, "--dry-run")
        run("report", shop.path)


def test_readers_come_and_go_beside_loyaltyd_that_posts(path: Path) -> None:
    """Each shows a state that the server was in, and the server's is that of its postings alone."""
    with loyalty.create(path) as ledger:
        opened_at = ledger.open_member("ada").sequence
    told: dict[int, str] = {}  # the server's digest by sequence
    seen: dict[int, str] = {}  # readers'
    has_posted, over = threading.Event(), threading.Event()

    def post_on(address: str) -> None:
        with loyalty.connect(address) as till:
            while not over.is_set():
                sequence = till.earn("ada", 1).sequence
                told[sequence] = till.digest
                has_posted.set()

    with serve(path) as server, ThreadPoolExecutor(1) as poster:
        posting = poster.submit(post_on, server.address)
        try:
            assert has_posted.wait(timeout=10)
            for _ in range(READERS):
                with loyalty.open(path, read_only=True) as reader:
                    info = reader.info()
                    seen[info.sequence] = info.digest
                    assert reader.balances()["active"].tolist() == [info.sequence - opened_at]
        finally:
            over.set()
        posting.result()
    assert seen.items() <= told.items()
    assert len(seen) > READERS / 2
    with loyalty.open(path) as ledger:
        assert ledger.balance("ada").active == len(told)
        assert ledger.digest == told[ledger.info().sequence]
        assert ledger.verify().ok

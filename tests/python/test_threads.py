"""Threads: many at once on one ledger, with the GIL released while the engine works."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import loyalty
from loyalty._columns import to_postings

THREADS = 4


def earns(rows: int, member: int) -> dict[str, Any]:
    return {
        "id": loyalty.new_ids(rows),
        "kind": "earn",
        "member": np.full(rows, member),
        "points": 1,
        "effective_time": 0,
    }


def test_threads_post_batches_at_once(ledger: loyalty.Ledger) -> None:
    ledger.open_members(range(THREADS))
    rows = 30_000
    with ThreadPoolExecutor(THREADS) as pool:
        results = list(pool.map(lambda i: ledger.post(earns(rows, i)), range(THREADS)))
    for result in results:
        assert result.counts == {"posted": rows}
        assert result.balance.tolist() == list(range(1, rows + 1))  # each thread's own order
    assert ledger.totals()["members"].tolist() == [THREADS * rows]
    sequences = np.concatenate([result.sequence for result in results])
    assert len(np.unique(sequences)) == THREADS * rows


def test_threads_post_singly_at_once(ledger: loyalty.Ledger) -> None:
    ledger.open_member(1)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: ledger.earn(1, 1), range(400)))
    assert sorted(reply.balance for reply in replies) == list(range(1, 401))


def test_a_racing_retry_posts_once(ledger: loyalty.Ledger) -> None:
    ledger.open_member(1)
    postings = [loyalty.Posting("earn", 1, 1) for _ in range(100)]
    with ThreadPoolExecutor(THREADS) as pool:
        replies = list(pool.map(ledger.post, [p for p in postings for _ in range(3)]))
    assert all(reply.ok for reply in replies)
    assert sum(reply.status == "posted" for reply in replies) == 100
    assert ledger.balance(1).active == 100


def test_readers_beside_writers(ledger: loyalty.Ledger) -> None:
    ledger.open_members(range(100))
    stop = threading.Event()

    def read() -> int:
        seen = 0
        while not stop.is_set():
            table = ledger.balances()
            total = int(table["active"].sum())
            assert total >= seen
            seen = total
            ledger.balance(5)
            ledger.statement(5)
            assert int(ledger.totals()["members"][0]) >= seen
        return seen

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for member in range(5):
            ledger.post(earns(20_000, member))
        stop.set()
        assert all(reader.result() <= 100_000 for reader in readers)


def count_beside(call: Callable[[], object]) -> int:
    """How often another Python thread got to run while `call` ran."""
    count, stop = [0], threading.Event()

    def work() -> None:
        while not stop.is_set():
            count[0] += 1
            time.sleep(0)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        before = count[0]
        call()
        return count[0] - before
    finally:
        stop.set()
        thread.join()


def test_the_gil_is_released_while_posting(ledger: loyalty.Ledger) -> None:
    ledger.open_member(1)
    columns = to_postings(earns(200_000, 1), ledger.currencies, ledger._core.intern_codes)
    posted = count_beside(
        lambda: ledger._core.post_columns(columns, chunk_rows=8192, chunks_in_flight=4)
    )
    assert posted > 100


def test_the_gil_is_released_while_reading(ledger: loyalty.Ledger) -> None:
    ledger.open_members(range(50_000))
    assert count_beside(lambda: ledger._core.changes(1, 50_000)) > 10
    assert count_beside(ledger._core.verify) > 10


def test_callbacks_of_several_threads(ledger: loyalty.Ledger) -> None:
    """Progress takes the GIL back, and reads, while other threads post and verify."""
    ledger.open_members(range(THREADS))
    calls: list[int] = []

    def progress(done: int, total: int) -> None:
        calls.append(ledger.info().sequence)
        time.sleep(0.001)

    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [
            pool.submit(ledger.post, earns(30_000, i), progress=progress)
            for i in range(THREADS - 1)
        ]
        report = pool.submit(ledger.verify, progress)
        assert all(job.result().ok for job in jobs)
        assert report.result().ok
    assert calls


def test_closing_while_others_post(ledger: loyalty.Ledger) -> None:
    """Each thread either has all of a batch posted or is told what is durable; nobody hangs."""
    ledger.open_members(range(THREADS))
    started = threading.Barrier(THREADS + 1)

    def post(member: int) -> int:
        posted = 0
        started.wait()
        try:
            while True:
                posted += len(ledger.post(earns(10_000, member)))
        except loyalty.ClosedError as error:
            return posted + (len(error.result) if error.result is not None else 0)

    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(post, member) for member in range(THREADS)]
        started.wait()
        time.sleep(0.1)
        ledger.close()
        posted = [job.result() for job in jobs]
    with loyalty.open(ledger.path) as again:
        assert again.balances()["active"].tolist() == posted


def test_one_progress_callback_raising_leaves_the_others_alone(ledger: loyalty.Ledger) -> None:
    ledger.open_members([0, 1])

    def fail(done: int, total: int) -> None:
        raise LookupError("mine")

    with ThreadPoolExecutor(2) as pool:
        bad = pool.submit(ledger.post, earns(20_000, 0), progress=fail)
        good = pool.submit(ledger.post, earns(20_000, 1))
        with pytest.raises(LookupError, match="mine"):
            bad.result()
        assert good.result().counts == {"posted": 20_000}

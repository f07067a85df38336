"""Batches: results, order, chunks, progress, stopping half-way, retrying."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import loyalty

MakeFrame = Callable[..., dict[str, Any]]

ROWS = 50_000  # several chunks


def test_a_result_answers_each_row(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    before = ledger.info().sequence
    result = ledger.post(frame(3, member=[0, 99, 2]))
    assert len(result) == 3
    assert list(result.status) == ["posted", "member_not_found", "posted"]
    assert result.status_number.tolist() == [1, 60, 1]
    assert np.diff(result.sequence).tolist() == [1, 1]
    assert result.sequence[0] > before
    assert result.balance.tolist() == [100, 0, 102]
    assert result.counts == {"posted": 2, "member_not_found": 1}
    assert not result.ok


def test_the_refused_rows_are_a_table(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    result = ledger.post(frame(3, member=[0, 99, 98]))
    assert result.refused["row"].tolist() == [1, 2]
    assert list(result.refused["status"]) == ["member_not_found"] * 2
    with pytest.raises(loyalty.PostingRefusedError) as caught:
        result.raise_for_status()
    assert str(caught.value) == (
        "2 of 3 postings were refused: 2 member_not_found; the first is row 1"
    )
    assert caught.value.result is result


def test_a_good_result_passes(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    result = ledger.post(frame())
    assert result.ok
    assert result.raise_for_status() is result
    assert len(result.refused) == 0


def test_a_result_shows_itself(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    result = ledger.post(frame(3, member=[0, 99, 98]))
    assert repr(result) == "<PostResult: 3 postings: 1 posted, 2 member_not_found>"
    assert "member_not_found</td>" in result._repr_html_()
    assert result.table.to_pylist()[1]["status"] == "member_not_found"


def test_an_empty_batch_is_fine(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    before = ledger.info().sequence
    nothing: list[Any] = [[], frame(0), {name: [] for name in frame(0)}]
    for empty in nothing:
        result = ledger.post(empty)
        assert len(result) == 0
        assert result.ok
        assert result.counts == {}
        assert repr(result) == "<PostResult: 0 postings>"
    assert ledger.info().sequence == before


def test_rows_are_applied_in_order(ledger: loyalty.Ledger) -> None:
    ledger.open_member(1)
    rows = 3 * 8192
    kinds = np.where(np.arange(rows) % 2 == 0, "earn", "redeem")
    result = ledger.post(
        {
            "id": loyalty.new_ids(rows),
            "kind": kinds,
            "member": 1,
            "points": 5,
            "effective_time": dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
        }
    )
    assert result.counts == {"posted": rows}
    assert result.balance[:4].tolist() == [5, 0, 5, 0]
    assert (np.diff(result.sequence) == 1).all()


def test_a_list_of_postings_is_a_batch(ledger: loyalty.Ledger) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=30)
    postings = [
        loyalty.Posting("open_member", "ada"),
        loyalty.Posting("earn", "ada", 50, rule="welcome", expires_time=later, id="e1"),
        loyalty.Posting("adjust", "ada", -1, actor="me", reason="test"),
        loyalty.Posting("redeem", "ada", 50),
        loyalty.Posting("reverse", "ada", related="e1"),
        loyalty.Posting("hold", "ada", 1, deadline_time=later),
    ]
    result = ledger.post(postings)
    refused = "insufficient_points"
    assert list(result.status) == ["posted", "posted", "posted", refused, "posted", refused]
    assert result.balance.tolist() == [0, 50, 49, 49, 0, 0]
    assert result.points.tolist() == [0, 50, -1, 0, -50, 0]
    assert result.limit.tolist() == [0, 0, 0, 49, 0, 0]
    assert result.arrears.tolist() == [0, 0, 0, 0, 1, 1]
    assert result.table["repaid"].tolist() == [0] * 6
    assert ledger.earn("ada", 10, effective_time=later).repaid == 1
    assert list(ledger.post(postings).status) == [
        *["already_exists"] * 3,
        "id_already_failed",
        "already_exists",
        "id_already_failed",
    ]


def test_linked_postings_stand_or_fall_together(ledger: loyalty.Ledger) -> None:
    ledger.post([loyalty.Posting("open_member", "ada"), loyalty.Posting("earn", "ada", 10)])
    refused = [
        loyalty.Posting("redeem", "ada", 4, linked=True),
        loyalty.Posting("redeem", "ada", 7),
        loyalty.Posting("redeem", "ada", 1),
    ]
    failed = ["linked_posting_failed", "insufficient_points", "posted"]
    assert list(ledger.post(refused).status) == failed
    assert ledger.post(loyalty.Posting("earn", "ada", 1, linked=True)).status == "linked_chain_open"
    assert ledger.balance("ada").active == 9


@pytest.mark.parametrize("ends", [8191, 8192, 20_000])
def test_a_chain_is_never_cut(ledger: loyalty.Ledger, frame: MakeFrame, ends: int) -> None:
    """The ledger takes some thousands of rows at a time; the last row of the chain is refused."""
    rows, first = 20_001, ends - 8191
    linked = np.zeros(rows, bool)
    linked[first:ends] = True
    ledger.open_member(0)
    points = np.where(np.arange(rows) == ends, 10**9, 1)
    kind = np.where(np.arange(rows) == ends, "redeem", "earn")
    result = ledger.post(
        frame(rows, member=np.zeros(rows, int), kind=kind, points=points) | {"linked": linked}
    )
    assert result.counts == {
        "posted": rows - 8192,
        "linked_posting_failed": 8191,
        "insufficient_points": 1,
    }
    assert ledger.balance(0).active == rows - 8192


def test_what_cannot_be_linked(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    with pytest.raises(loyalty.InvalidInputError, match=r"'linked'.* at most 8,192 can"):
        ledger.post(frame(8193) | {"linked": np.ones(8193, bool)})
    with pytest.raises(loyalty.InvalidInputError, match=r"'linked'.* booleans, not int64"):
        ledger.post(frame(3) | {"linked": [1, 0, 0]})


def test_a_list_of_other_things_is_refused(ledger: loyalty.Ledger) -> None:
    with pytest.raises(loyalty.InvalidInputError, match=r"postings\[1\] is no Posting but dict"):
        ledger.post([loyalty.Posting("open_member", 1), {}])  # type: ignore[list-item]


def test_a_retry_posts_nothing_twice(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    columns = frame(ROWS)
    first = ledger.post(columns)
    again = ledger.post(columns)
    assert again.counts == {"already_exists": ROWS}
    assert again.ok
    assert np.array_equal(first.sequence, again.sequence)
    assert np.array_equal(first.balance, again.balance)


def test_codes_are_kept_once(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    ledger.post(frame(4, rule=["a", None, "b", "a"], channel=["a", "", "web", None]))
    changes = ledger.changes()
    defined = changes["text"][changes["kind"] == "define_code"]
    assert sorted(defined) == ["a", "b", "web"]
    assert changes["rule"][-4:].tolist() == ["a", None, "b", "a"]
    assert changes["channel"][-4:].tolist() == ["a", None, "web", None]


def test_progress_is_told_from_start_to_end(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    calls: list[tuple[int, int]] = []
    ledger.post(frame(ROWS), progress=lambda done, total: calls.append((done, total)))
    assert calls[0] == (0, ROWS)
    assert calls[-1] == (ROWS, ROWS)
    assert calls == sorted(calls)


def test_a_progress_bar_can_be_drawn(
    ledger: loyalty.Ledger, frame: MakeFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.post(frame(10), progress=True)
    assert "posting" in capsys.readouterr().out


def test_progress_may_use_the_ledger(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    seen: list[int] = []
    ledger.post(frame(ROWS), progress=lambda done, total: seen.append(ledger.balance(0).active))
    assert seen[-1] == 100


def stop_after(calls: int, error: BaseException | None = None) -> Callable[[int, int], bool]:
    """Make a progress callback that is called for each chunk, and stops at the last of `calls`."""
    left = [calls]

    def progress(done: int, total: int) -> bool:
        left[0] -= 1
        time.sleep(0.11)  # longer than the callback's interval
        if left[0] <= 0 and error is not None:
            raise error
        return left[0] > 0

    return progress


def check_the_rest_posts(
    ledger: loyalty.Ledger, columns: dict[str, Any], durable: loyalty.PostResult
) -> None:
    assert durable.counts == {"posted": len(durable)}
    again = ledger.post(columns)
    assert again.ok
    assert again.counts["already_exists"] == len(durable)
    assert np.array_equal(again.sequence[: len(durable)], durable.sequence)
    assert ledger.verify().ok


def test_stopping_at_once_posts_nothing(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    columns = frame(10)
    before = ledger.info().sequence
    with pytest.raises(loyalty.StoppedError, match="the first 0 of 10 rows are durable") as caught:
        ledger.post(columns, progress=lambda done, total: False)
    assert caught.value.result is not None
    assert len(caught.value.result) == 0
    assert ledger.info().sequence == before


def test_stopping_half_way_says_what_is_durable(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    columns = frame(ROWS)
    with pytest.raises(loyalty.StoppedError, match="rows are durable") as caught:
        ledger.post(columns, progress=stop_after(3))
    result = caught.value.result
    assert result is not None
    assert 0 < len(result) < ROWS
    check_the_rest_posts(ledger, columns, result)


def test_ctrl_c_half_way_says_what_is_durable(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    columns = frame(ROWS)
    with pytest.raises(loyalty.PostInterrupted, match="rows are durable") as caught:
        ledger.post(columns, progress=stop_after(3, KeyboardInterrupt()))
    assert isinstance(caught.value, KeyboardInterrupt)
    assert not isinstance(caught.value, Exception)
    check_the_rest_posts(ledger, columns, caught.value.result)


def test_what_the_callback_raises_comes_out(ledger: loyalty.Ledger, frame: MakeFrame) -> None:
    columns = frame(ROWS)
    with pytest.raises(ZeroDivisionError) as caught:
        ledger.post(columns, progress=stop_after(3, ZeroDivisionError()))
    assert "rows are durable" in caught.value.__notes__[0]
    assert ledger.post(columns).ok


SCRIPT = """
import sys
import loyalty, numpy as np
rows = 200_000
with loyalty.create(sys.argv[1]) as ledger:
    ledger.open_member(1)
    try:
        while True:
            print("posting", flush=True)
            ledger.post({"id": loyalty.new_ids(rows), "kind": "earn", "member": np.full(rows, 1),
                         "points": 1, "effective_time": 0})
    except loyalty.PostInterrupted as error:
        print("durable", len(error.result), str(error), flush=True)
    except KeyboardInterrupt:
        print("between", flush=True)
    assert ledger.verify().ok
"""


def test_a_real_ctrl_c_stops_posting(tmp_path: Any) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "ledger")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "posting\n"
        process.send_signal(signal.SIGINT)
        last = process.stdout.read().splitlines()[-1]
        assert process.wait() == 0
    assert last == "between" or last.startswith("durable")

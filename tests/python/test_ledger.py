"""A ledger as a whole: creating, opening, closing, describing, checking."""

from __future__ import annotations

from pathlib import Path

import pytest

import loyalty


def test_create_opens_an_empty_ledger(path: Path) -> None:
    with loyalty.create(path) as ledger:
        assert ledger.currencies == ("points",)
        assert ledger.path == str(path)
        assert ledger.info().members == 0
        assert len(ledger.balances()) == 0


def test_several_currencies_keep_their_order(path: Path) -> None:
    with loyalty.create(path, ("points", "status")) as ledger:
        assert ledger.currencies == ("points", "status")
        assert ledger.info().currencies == ("points", "status")


def test_one_currency_may_be_a_text(path: Path) -> None:
    with loyalty.create(path, "miles") as ledger:
        assert ledger.currencies == ("miles",)


@pytest.mark.parametrize("currencies", [(), ("points", "points"), ("",)])
def test_bad_currencies_are_refused(path: Path, currencies: tuple[str, ...]) -> None:
    with pytest.raises(loyalty.InvalidInputError):
        loyalty.create(path, currencies)


def test_create_refuses_a_place_that_is_taken(ledger: loyalty.Ledger) -> None:
    with pytest.raises(loyalty.AlreadyExistsError):
        loyalty.create(ledger.path)


def test_open_needs_a_ledger(tmp_path: Path) -> None:
    with pytest.raises(loyalty.NotFoundError, match="nowhere"):
        loyalty.open(tmp_path / "nowhere")


def test_a_second_opening_finds_it_busy(ledger: loyalty.Ledger) -> None:
    with pytest.raises(loyalty.LedgerBusyError):
        loyalty.open(ledger.path)


def test_what_was_posted_is_there_after_reopening(path: Path) -> None:
    with loyalty.create(path) as ledger:
        ledger.open_member("ada")
        ledger.earn("ada", 500, rule="welcome")
        digest = ledger.digest
    with loyalty.open(path) as ledger:
        assert ledger.balance("ada").active == 500
        assert ledger.digest == digest


def test_options_are_taken(ledger: loyalty.Ledger) -> None:
    ledger.close()
    with loyalty.open(
        ledger.path, queue_capacity=100, segment_entries=1000, checkpoint_entries=5000
    ) as small:
        assert small.open_members(range(2_500)).counts == {"posted": 2_500}


@pytest.mark.parametrize("value", [0, -1, 2**40, 1.5])
def test_bad_options_are_refused(ledger: loyalty.Ledger, value: int) -> None:
    with pytest.raises(loyalty.InvalidInputError, match="queue_capacity"):
        loyalty.open(ledger.path, queue_capacity=value)


def test_leaving_the_block_closes(path: Path) -> None:
    with loyalty.create(path) as ledger:
        states = [ledger.closed]
    states.append(ledger.closed)
    assert states == [False, True]
    loyalty.open(path).close()


def test_leaving_the_block_by_an_exception_closes_and_passes_it_on(path: Path) -> None:
    with pytest.raises(RuntimeError, match="mine"), loyalty.create(path) as ledger:  # noqa: PT012
        ledger.open_member(1)
        raise RuntimeError("mine")
    with loyalty.open(path) as again:
        assert again.balance(1).active == 0


def test_closing_twice_is_fine(ledger: loyalty.Ledger) -> None:
    ledger.close()
    ledger.close()


def test_a_forgotten_ledger_gives_up_its_lock(path: Path) -> None:
    ledger = loyalty.create(path)
    ledger.open_member(1)
    del ledger
    with loyalty.open(path) as again:
        assert again.balance(1).active == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda ledger: ledger.earn(1, 5),
        lambda ledger: ledger.earn(1, 5, rule="new"),
        lambda ledger: ledger.open_members([1]),
        lambda ledger: ledger.balance(1),
        lambda ledger: ledger.balances(),
        lambda ledger: ledger.balances([1]),
        lambda ledger: ledger.statement(1),
        lambda ledger: ledger.changes(),
        lambda ledger: ledger.totals(),
        lambda ledger: ledger.verify(),
        lambda ledger: ledger.checkpoint(),
    ],
)
def test_a_closed_ledger_says_so(ledger: loyalty.Ledger, call) -> None:  # type: ignore[no-untyped-def]
    ledger.close()
    with pytest.raises(loyalty.ClosedError):
        call(ledger)


def test_repr_says_what_it_is(ledger: loyalty.Ledger) -> None:
    ledger.open_members(range(1200))
    assert "1,200 members" in repr(ledger)
    assert "currencies points" in repr(ledger)
    ledger.close()
    assert repr(ledger) == f"<Ledger {ledger.path!r}: closed>"


def test_the_digest_follows_what_is_posted(ledger: loyalty.Ledger) -> None:
    before = ledger.digest
    ledger.open_member(1)
    assert len(before) == 64
    assert ledger.digest != before
    assert ledger.digest == ledger.info().digest


def test_info_counts(ledger: loyalty.Ledger) -> None:
    ledger.open_members([1, 2, 3])
    info = ledger.info()
    assert info.members == 3
    assert info.sequence == len(ledger.changes())
    assert info.journal_bytes > 0
    assert info.replay_s >= 0


def test_a_sound_ledger_verifies(ledger: loyalty.Ledger) -> None:
    ledger.open_members(range(100))
    ledger.earn(5, 700)
    report = ledger.verify()
    assert report.ok
    assert report.problems == ()
    assert report.sequence == report.entries == ledger.info().sequence
    assert report.digest == ledger.digest
    assert list(report.totals["members"]) == [700]


def test_verify_tells_its_progress(ledger: loyalty.Ledger) -> None:
    ledger.open_members(range(100))
    calls: list[tuple[int, int]] = []
    ledger.verify(progress=lambda done, total: calls.append((done, total)))
    assert calls
    assert all(0 <= done <= total for done, total in calls)


def test_verify_stops_when_told_to(ledger: loyalty.Ledger) -> None:
    ledger.open_members(range(100))
    with pytest.raises(loyalty.StoppedError):
        ledger.verify(progress=lambda done, total: False)


def test_verify_passes_on_what_the_callback_raises(ledger: loyalty.Ledger) -> None:
    ledger.open_members(range(100))

    def fail(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ledger.verify(progress=fail)
    assert ledger.verify().ok


def test_a_checkpoint_leaves_nothing_to_replay(path: Path) -> None:
    with loyalty.create(path) as ledger:
        ledger.open_members(range(100))
        ledger.checkpoint()
        sequence = ledger.info().sequence
    with loyalty.open(path) as ledger:
        assert ledger.info().replayed_entries == 0
        assert ledger.info().sequence == sequence

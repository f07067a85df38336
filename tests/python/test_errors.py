"""The tree of exceptions, and the engine's faults on their way into it."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

import loyalty
from loyalty import _core, errors

TREE = {
    "InvalidInputError": ValueError,
    "NotFoundError": LookupError,
    "MemberNotFoundError": KeyError,
    "AlreadyExistsError": FileExistsError,
    "LedgerBusyError": loyalty.LoyaltyError,
    "ReadOnlyError": OSError,
    "NoSpaceError": OSError,
    "IoError": OSError,
    "CorruptionError": loyalty.LoyaltyError,
    "UnsupportedFormatError": loyalty.LoyaltyError,
    "ClosedError": loyalty.LoyaltyError,
    "StoppedError": loyalty.LoyaltyError,
    "InternalError": loyalty.LoyaltyError,
    "PostingRefusedError": loyalty.LoyaltyError,
}


@pytest.mark.parametrize(("name", "also"), TREE.items(), ids=TREE)
def test_one_tree(name: str, also: type[Exception]) -> None:
    error = getattr(loyalty, name)("what and where")
    assert isinstance(error, loyalty.LoyaltyError)
    assert isinstance(error, also)
    assert str(error) == "what and where"
    assert error.result is None
    assert str(pickle.loads(pickle.dumps(error))) == "what and where"


def test_the_tree_is_public() -> None:
    public = {name for name in errors.__all__ if name != "LoyaltyError"}
    assert public == set(TREE) | {"PostInterrupted"}
    assert public <= set(loyalty.__all__)


def test_every_fault_has_its_exception() -> None:
    faults = [code for code in _core.StatusCode if code != _core.StatusCode.OK]
    kinds = {type(errors.from_status(int(code), "x")) for code in faults}
    assert len(kinds) == len(faults)
    assert loyalty.LoyaltyError not in kinds


def test_a_fault_of_the_future_is_still_one_of_ours() -> None:
    error = errors.from_status(999, "from a newer engine")
    assert type(error) is loyalty.LoyaltyError
    assert str(error) == "from a newer engine"


def test_interrupted_is_no_plain_exception() -> None:
    assert issubclass(loyalty.PostInterrupted, KeyboardInterrupt)
    assert not issubclass(loyalty.PostInterrupted, Exception)


def test_messages_name_the_place(tmp_path: Path) -> None:
    place = tmp_path / "no parent" / "ledger"
    with pytest.raises(loyalty.LoyaltyError, match="no parent"):
        loyalty.create(place)
    with pytest.raises(loyalty.NotFoundError, match="no parent"):
        loyalty.open(place)


def test_a_directory_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(loyalty.AlreadyExistsError, match=str(tmp_path)):
        loyalty.create(tmp_path)
    with pytest.raises(loyalty.NotFoundError):
        loyalty.open(tmp_path)
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_damage_is_reported(path: Path) -> None:
    with loyalty.create(path) as ledger:
        ledger.open_members(range(20_000))
        ledger.checkpoint()
    for file in path.rglob("*"):
        if file.is_file() and file.stat().st_size > 1000:
            data = bytearray(file.read_bytes())
            for place in range(64, len(data), 97):
                data[place] ^= 0xFF
            file.write_bytes(data)
    with pytest.raises(loyalty.LoyaltyError) as caught, loyalty.open(path) as ledger:  # noqa: PT012
        report = ledger.verify()
        raise loyalty.CorruptionError("; ".join(report.problems) or "nothing was noticed")
    assert isinstance(caught.value, loyalty.CorruptionError | loyalty.IoError)
    assert "nothing was noticed" not in str(caught.value)

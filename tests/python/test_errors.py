"""The tree of exceptions, and the engine's faults on their way into it."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
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


FULL = """
import json, resource, sys
import loyalty, numpy as np
rows = 300_000
frame = {"id": np.arange(2, 2 * rows + 2, dtype=np.uint64).reshape(rows, 2), "kind": "earn",
         "member": np.full(rows, 1), "points": 1, "effective_time": 0}
with loyalty.create(sys.argv[1]) as ledger:
    ledger.open_member(1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, hard))
    said = {}
    try:
        ledger.post(frame)
    except loyalty.LoyaltyError as error:
        durable = len(error.result)
        said = {"kind": type(error).__name__, "message": str(error), "durable": durable}
        said["statuses"] = error.result.counts
    try:
        ledger.earn(1, 1)
    except loyalty.LoyaltyError as error:
        said["again"] = type(error).__name__
    said["balance"] = ledger.balance(1).active
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    try:
        ledger.close()
    except loyalty.LoyaltyError:
        pass
with loyalty.open(sys.argv[1]) as ledger:
    said["reopened"] = ledger.balance(1).active
    said["retried"] = ledger.post(frame).counts
    said["sound"] = ledger.verify().ok
print(json.dumps(said))
"""


def test_a_failed_write_says_what_is_durable(path: Path) -> None:
    """A limit on the size of files stands for a full disk."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    durable = said["durable"]
    assert said["kind"] in ("IoError", "NoSpaceError")
    assert said["again"] == said["kind"]
    assert 0 < durable < 300_000
    assert f"the first {durable:,} of 300,000 rows are durable" in said["message"]
    assert said["statuses"] == {"posted": durable}
    assert said["balance"] == durable
    assert durable <= said["reopened"]  # what was not acknowledged may be there, or not
    assert said["retried"]["already_exists"] == said["reopened"]
    assert said["sound"]


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

"""Ledgers of every storage format so far still open, and docs/storage_format.md tells the truth.

The parser here goes by that document alone; the engine is the second opinion.
"""

import hashlib
import importlib.util
import json
import re
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import loyalty

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden"
DOCUMENT = ROOT / "docs/storage_format.md"
LISTED = re.compile(r" *(\d+)  ((?:[0-9a-f]{2} )*[0-9a-f]{2})(?:  .*)?")


def load_maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_make", GOLDEN / "make.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKER = load_maker()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / "format-1", tmp_path / "copy"))


@pytest.fixture
def expected() -> Any:
    return json.loads((GOLDEN / "format-1.json").read_text(encoding="utf-8"))


def test_it_reads_as_when_it_was_made(copy: Path, expected: Any) -> None:
    with loyalty.open(copy) as ledger:
        assert MAKER.expectations(ledger) == expected
        report = ledger.verify()
    assert report.problems == ()
    assert (report.digest, report.sequence) == (expected["digest"], expected["sequence"])


def test_it_stays_the_same_when_opened_again_and_again(copy: Path, expected: Any) -> None:
    for _ in range(2):
        with loyalty.open(copy, segment_entries=4, checkpoint_entries=4) as ledger:
            ledger.checkpoint()
            assert MAKER.expectations(ledger) == expected
            assert ledger.verify().ok


def test_postings_of_then_answer_as_then(copy: Path, expected: Any) -> None:
    with loyalty.open(copy) as ledger:
        replies = {str(posting.id): ledger.post(posting) for posting in MAKER.postings()}
        assert ledger.digest == expected["digest"]
    refused = replies.pop("voucher 2")
    assert refused.status == "id_already_failed"
    for number in (18, 19):  # of a member who was erased
        reply = replies.pop(f"018f3000-0000-7000-8000-{number:012x}")
        assert reply.status == "exists_with_different_member"
    assert {reply.status for reply in replies.values()} == {"already_exists"}
    sequences = {row["id"]: row["sequence"] for row in expected["statement"]}
    first_earn = "018f3000-0000-7000-8000-000000000003"
    assert replies[first_earn].sequence == sequences[first_earn.replace("-", "")]


def test_posting_goes_on(copy: Path, expected: Any) -> None:
    with loyalty.open(copy) as ledger:
        reply = ledger.earn(7, 10, "points", id="new")
        assert (reply.status, reply.balance) == ("posted", 280)
        assert reply.sequence == expected["sequence"] + 2  # after the end of a hold
        assert ledger.reverse(7, "receipt 1", "points").balance == 80
        assert ledger.redeem("ada", 1_110, "points").balance == 0
        assert ledger.open_member("new").status == "posted"
        assert ledger.digest != expected["digest"]
        assert ledger.verify().ok
    with loyalty.open(copy) as ledger:
        assert ledger.verify().ok
        assert ledger.balance(7, "points").active == 80


def test_it_stays_small() -> None:
    found = [path for path in (GOLDEN / "format-1").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in found) < 200_000
    assert not [path.name for path in found if path.name.startswith("LOG")]


def test_the_chain_of_blocks_ends_in_the_digest(expected: Any) -> None:
    previous = bytes(32)
    next_sequence = 1
    for block in MAKER.journal_blocks(GOLDEN / "format-1"):
        assert block[40:72] == previous
        assert int.from_bytes(block[8:16], "little") == next_sequence
        next_sequence += int.from_bytes(block[16:20], "little")
        previous = hashlib.sha256(block).digest()
    assert next_sequence == expected["sequence"] + 1
    assert previous.hex() == expected["digest"]


def listed_in_the_document() -> tuple[str, bytes]:
    """The worked example's text, and its bytes."""
    example = DOCUMENT.read_text(encoding="utf-8").split("### A worked example")[1]
    text = example.split("```\n")[1]
    listed = b""
    for line in text.splitlines():
        match = LISTED.fullmatch(line)
        assert match, line
        assert int(match[1]) == len(listed), line
        listed += bytes.fromhex(match[2])
    return text, listed


def test_the_documents_example_is_the_first_block() -> None:
    text, listed = listed_in_the_document()
    first, second, *_ = MAKER.journal_blocks(GOLDEN / "format-1")
    assert listed == first
    assert hashlib.sha256(listed).digest() == second[40:72]
    assert text == MAKER.listing(first) + "\n"


def test_the_documents_example_parses_as_the_document_says() -> None:
    _, block = listed_in_the_document()
    assert block[:8] == b"LYJB" + (1).to_bytes(2, "little") + (88).to_bytes(2, "little")
    entries, movements = (int.from_bytes(block[at : at + 4], "little") for at in (16, 20))
    assert (entries, movements) == (2, 0)
    at, columns = 88, []
    for rows in [entries] * 22 + [movements] * 4 + [2]:
        width, base = block[at], int.from_bytes(block[at + 1 : at + 9], "little")
        at += 9
        offsets = [block[at + row * width : at + (row + 1) * width] for row in range(rows)]
        columns.append([base + int.from_bytes(offset, "little") for offset in offsets])
        at += rows * width
    assert columns[2] == [64, 64]  # kind: define_currency
    assert columns[4] == [0, 1]  # currency
    assert columns[9] == [2**63 - 1] * 2  # expiry: never
    assert columns[26] == [6, 5]  # lengths of the texts
    assert block[at:] == b"pointsmiles"
    assert len(block[at:]) == int.from_bytes(block[36:40], "little")

"""Make the golden ledger of the present storage format, and show its first block byte by byte.

    python tests/golden/make.py             makes format-1/ and format-1.json, once
    python tests/golden/make.py --listing   prints the worked example of docs/storage_format.md

A golden ledger is made once, with the version that brings its format, and kept as it is: making it
again would test nothing. Ids and effective times are fixed; the recorded times are those of the
making, and so is the digest.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

import loyalty
from loyalty import Posting

FORMAT = 1
LEDGER = Path(__file__).parent / f"format-{FORMAT}"
EXPECTED = LEDGER.with_suffix(".json")
STATEMENT_OF = 7
STATE_AT = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)
ASSESSED_AT = dt.datetime(2024, 6, 2, tzinfo=dt.UTC)
AFTER_CHECKPOINT = 3

PROGRAM = """
name = "Golden club"
time_zone = "Europe/Zurich"

[currencies.points]
floor = -10

[currencies.miles]
expiry = { model = "rolling", months = 12, round_up = "month" }
pending = { days = 3 }

[rules.base]
currency = "points"
points_per_money = "1/10"
expiry = { model = "dates", dates = ["12-31"] }

[ladders.status]
window = { model = "cycle", start = "2024-01-15", months = 6 }
validity = { months = 6, round_up = "period" }
grace_days = 30
lifetime = { level = "silver", years = 10 }

[ladders.status.metrics.spent]
of = "money"
channels = ["store"]

[ladders.status.metrics.tenure]
of = "tenure_months"

[[ladders.status.levels]]
name = "blue"

[[ladders.status.levels]]
name = "silver"
when = [{ spent = 4000 }, { spent = 3000, tenure = 60 }]

[[ladders.status.levels]]
name = "gold"
by_invitation = true
"""

HEADER_BYTES = 88
HEADER = (
    ("magic", 4),
    ("format version", 2),
    ("header bytes", 2),
    ("sequence of the first entry", 8),
    ("entries", 4),
    ("lot movements", 4),
    ("recorded time", 8),
    ("programme version", 4),
    ("bytes of texts", 4),
    ("chain hash of the block before", 32),
    ("details", 4),
    ("zero", 4),
    ("checksum", 8),
)
ENTRY_COLUMNS = (
    "id, upper half",
    "id, lower half",
    "kind",
    "status",
    "currency",
    "member slot",
    "effective time",
    "points",
    "money",
    "expiry",
    "balance after",
    "related sequence",
    "tag",
    "rule",
    "channel",
    "location",
    "category",
    "actor",
    "reason",
    "related kind",
    "left to the programme",
    "number of lot movements",
)
KINDS_WITH_TEXT = (1, 22, 64, 65, 69, 70, 71, 73)
MOVEMENT_COLUMNS = ("points", "expiry", "effective time", "source sequence")


def postings() -> list[Posting]:
    """One or more of everything that this format can hold."""
    may, june, next_may = 0, 31, 366  # days from the first of May 2024 on

    def at(day: int, hour: int) -> int:
        return 1_714_521_600_000_000 + (24 * day + hour) * 3_600_000_000

    def uuid(number: int) -> str:
        return f"018f3000-0000-7000-8000-{number:012x}"

    def adjust(points: int, **fields: Any) -> Posting:
        return Posting(
            "adjust", "ada", points, "points", actor="clerk 12", reason="goodwill", **fields
        )

    return [
        Posting("open_member", 7, id=uuid(1), effective_time=at(may, 0)),
        Posting("open_member", -(2**62), id=uuid(2), effective_time=at(may, 0)),
        Posting("open_member", "ada", id="open ada", effective_time=at(may, 1)),
        Posting(
            "earn",
            7,
            500,
            "points",
            id=uuid(3),
            effective_time=at(may, 10),
            expires_time=at(next_may, 0),
            money=4_999,
            rule="base",
            channel="store",
            location="Zürich 1",
            category="food",
            tag=2**64 - 1,
        ),
        Posting("earn", 7, 40, "miles", id=uuid(4), effective_time=at(may, 11), rule="partner"),
        Posting("earn", 7, 200, "points", id="receipt 1", effective_time=at(may, 12), rule="bonus"),
        Posting("earn", -(2**62), 0, "points", id=uuid(5), effective_time=at(may, 12), money=55),
        Posting("earn", "ada", 90, "points", id=uuid(6), effective_time=at(june, 9)),
        Posting("redeem", 7, 600, "points", id="voucher 1", effective_time=at(june, 10)),
        Posting("redeem", "ada", 150, "points", id="voucher 2", effective_time=at(june, 11)),
        adjust(25, id=uuid(7), effective_time=at(june, 12)),
        adjust(-5, id=uuid(8), effective_time=at(june, 13)),
        Posting(
            "reverse",
            7,
            0,
            "points",
            id=uuid(9),
            effective_time=at(june, 14),
            related="voucher 1",
        ),
        Posting(
            "earn",
            7,
            70,
            "points",
            id="pending",
            effective_time=at(june, 14),
            activates_time=at(june, 20),
        ),
        Posting(
            "earn",
            7,
            80,
            "points",
            id="to confirm",
            effective_time=at(june, 14),
            deadline_time=at(june, 21),
        ),
        Posting(
            "hold",
            7,
            30,
            "points",
            id="checkout",
            effective_time=at(june, 14),
            deadline_time=at(next_may, 0),
        ),
        Posting(
            "capture", 7, 10, "points", id=uuid(12), effective_time=at(june, 14), related="checkout"
        ),
        Posting(
            "hold",
            7,
            5,
            "points",
            id="forgotten",
            effective_time=at(june, 14),
            deadline_time=at(june, 16),
        ),
        Posting(
            "set_limits",
            7,
            0,
            "points",
            floor=-50,
            ceiling=10_000,
            actor="clerk 12",
            reason="vip",
            id=uuid(13),
            effective_time=at(june, 14),
        ),
        Posting(
            "reverse", 7, 40, "miles", id=uuid(14), effective_time=at(june, 14), related=uuid(4)
        ),
        Posting(
            "earn",
            7,
            None,
            "points",
            id=uuid(15),
            effective_time=at(june, 14),
            rule="base",
            money=999,
        ),
        Posting(
            "transfer",
            7,
            20,
            "points",
            id=uuid(16),
            effective_time=at(june, 14),
            other_member=-(2**62),
        ),
        Posting(
            "close_member",
            -(2**62),
            id=uuid(17),
            effective_time=at(june, 14),
            actor="clerk 12",
            reason="vip",
        ),
        Posting("open_member", "eve", id=uuid(18), effective_time=at(june, 14)),
        Posting(
            "earn", "eve", 60, "points", id=uuid(19), effective_time=at(june, 14), channel="store"
        ),
        Posting(
            "erase_member",
            "eve",
            id=uuid(20),
            effective_time=at(june, 15),
            actor="clerk 12",
            reason="asked to",
        ),
        # After the checkpoint: opening replays these. The first is backdated.
        Posting("earn", "ada", 1_000, "points", id=uuid(10), effective_time=at(may, 2)),
        Posting("redeem", 7, 450, "points", id=uuid(11), effective_time=at(june, 15)),
        Posting(
            "set_level",
            "ada",
            ladder="status",
            level="gold",
            expires_time=at(next_may, 0),
            id=uuid(21),
            effective_time=at(june, 15),
            actor="clerk 12",
            reason="vip",
        ),
    ]


def make(directory: Path) -> None:
    """Make the ledger: something in every column family, and a tail that only the journal has."""
    with loyalty.create(directory, ("points", "miles")):
        pass
    everything = postings()
    with loyalty.open(directory, segment_entries=8) as ledger:
        ledger.apply_program(loyalty.Program.from_toml(PROGRAM))
        # A batch's members are all integers or all texts.
        for _, batch in groupby(
            everything[:-AFTER_CHECKPOINT], lambda posting: type(posting.member)
        ):
            ledger.post(list(batch))
        ledger.recompute_tiers(ASSESSED_AT)
        ledger.checkpoint()
        for posting in everything[-AFTER_CHECKPOINT:]:
            ledger.post(posting).raise_for_status()
    for log in directory.glob("store/LOG*"):
        log.unlink()


def expectations(ledger: loyalty.Ledger) -> dict[str, Any]:
    """What a reader of this ledger must find, in the types of JSON."""
    return {
        "digest": ledger.digest,
        "sequence": ledger.info().sequence,
        "balances": {
            name: _plain(ledger.balances(currency=name, at=STATE_AT)) for name in ledger.currencies
        },
        "totals": _plain(ledger.totals()),
        "statement": _plain(ledger.statement(STATEMENT_OF)),
        "tiers": _plain(ledger.tiers()),
    }


def _plain(table: loyalty.Table) -> list[dict[str, Any]]:
    def plain(value: Any) -> Any:
        if isinstance(value, bytes):
            return value.hex()
        return value.isoformat() if hasattr(value, "isoformat") else value

    return [{name: plain(value) for name, value in row.items()} for row in table.to_pylist()]


def journal_blocks(directory: Path) -> list[bytes]:
    """The blocks of the journal, in order, read from the files without the engine."""
    values = [
        value
        for path in sorted(directory.glob("store/*.sst"))
        for value in _table_values(path.read_bytes())
        if value.startswith(b"LYJB")
    ]
    return sorted(values, key=lambda value: value[8:16][::-1])


class _Cursor:
    """A place in bytes that moves on as they are taken."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]

    def varint(self) -> int:
        value = shift = 0
        while True:
            (byte,) = self.take(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value


def _table_values(table: bytes) -> Iterator[bytes]:
    """The values in a RocksDB table of format 5: its footer names the index, which names blocks."""
    footer = _Cursor(table[-52:])
    _, _, *index = (footer.varint() for _ in range(4))
    handles = _table_block(table, *index)
    while handles.at < len(handles.data):
        _, own_key_bytes = handles.varint(), handles.varint()
        handles.take(own_key_bytes)
        values = _table_block(table, handles.varint(), handles.varint())
        while values.at < len(values.data):
            _, own_key_bytes, value_bytes = values.varint(), values.varint(), values.varint()
            values.take(own_key_bytes)
            yield values.take(value_bytes)


def _table_block(table: bytes, offset: int, size: int) -> _Cursor:
    """The entries of one block: after it come its compression, LZ4 or none, and a checksum."""
    stored, compression = table[offset : offset + size], table[offset + size]
    if compression:
        compressed = _Cursor(stored)
        plain_bytes = compressed.varint()
        codec = pa.Codec("lz4_raw")
        stored = codec.decompress(stored[compressed.at :], plain_bytes, asbytes=True)
    (restarts,) = struct.unpack("<I", stored[-4:])
    return _Cursor(stored[: -4 * (restarts + 1)])


def listing(block: bytes) -> str:
    """Every byte of a block that defines currencies: its offset, and what it says."""
    cursor, lines = _Cursor(block), list[str]()

    def show(count: int, what: str) -> None:
        offset, taken = cursor.at, cursor.take(count)
        for start in range(0, count, 16):
            text = f"{offset + start:6}  {taken[start : start + 16].hex(' '):47}  {what}"
            lines.append(text.rstrip())
            what = ""

    def show_column(name: str, count: int) -> list[int]:
        width, base = struct.unpack_from("<Bq", block, cursor.at)
        stored = block[cursor.at + 9 : cursor.at + 9 + count * width]
        offsets = [stored[row * width : (row + 1) * width] for row in range(count)]
        values = [base + int.from_bytes(offset, "little") for offset in offsets]
        distinct = sorted(set(values))
        if len(distinct) > 1:
            text = f"{base} + " + ", ".join(offset.hex() for offset in offsets)
        else:
            text = f"all {base}" if values else "none"
        show(9 + len(stored), f"{name}: {text}")
        return values

    entries, movements = struct.unpack_from("<II", block, 16)
    for name, count in HEADER:
        number = int.from_bytes(block[cursor.at : cursor.at + count], "little")
        numeric = name not in ("magic", "checksum") and count < 32
        show(count, f"{name}: {number}" if numeric else name)
    columns = {name: show_column(name, entries) for name in ENTRY_COLUMNS}
    for name in MOVEMENT_COLUMNS:
        show_column(f"movements: {name}", movements)
    texts = sum(kind in KINDS_WITH_TEXT for kind in columns["kind"])
    for length in show_column("lengths of texts", texts):
        show(length, f'"{block[cursor.at : cursor.at + length].decode()}"')
    return "\n".join(lines)


def main() -> None:
    """Do what the arguments ask for."""
    if sys.argv[1:] == ["--listing"]:
        sys.stdout.write(listing(journal_blocks(LEDGER)[0]) + "\n")
    elif sys.argv[1:] or LEDGER.exists():
        sys.exit(f"{LEDGER.name} is there, and is never made again\n\n{__doc__}")
    else:
        make(LEDGER)
        with (
            tempfile.TemporaryDirectory() as scratch,
            loyalty.open(shutil.copytree(LEDGER, Path(scratch, "copy"))) as ledger,
        ):
            EXPECTED.write_text(json.dumps(expectations(ledger), indent=1) + "\n")


if __name__ == "__main__":
    main()

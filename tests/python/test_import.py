"""`loyalty.importing`: which rows become which postings, and why others do not."""

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import loyalty
from loyalty.importing import (
    ImportOptions,
    ImportSummary,
    MappingError,
    UnreadableFileError,
    import_file,
    parse_pairs,
    reading,
)
from loyalty.program import Program

EARNS = {"kind": "earn", "effective_time": "2024-05-01T12:00:00Z"}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[loyalty.Ledger]:
    with loyalty.create(tmp_path / "ledger") as ledger:
        yield ledger


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def read_rejected(path: Path) -> list[dict[str, str]]:
    with path.with_name(path.name + ".rejected.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run(ledger: loyalty.Ledger, path: Path, **options: Any) -> ImportSummary:
    options = {"constants": EARNS, "open_members": True, **options}
    return import_file(ledger, path, ImportOptions(**options))


def entries(ledger: loyalty.Ledger, member: int | str) -> list[dict[str, Any]]:
    return [row for row in ledger.statement(member).to_pylist() if row["kind"] != "open_member"]


def test_posts_every_field_of_a_csv_row(ledger: loyalty.Ledger, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "id,kind,member,points,money,effective_time,expires_time,rule,channel,location,category,tag",
        "r1,earn,ada,120,1250,2024-05-01T12:00:00Z,2025-05-01,base,web,north,food,77",
        "r2,redeem,ada,20,,2024-05-02T12:00:00.25+02:00,,,,,,",
    )
    summary = run(ledger, path, constants={})
    assert (summary.rows, summary.posted, summary.members_opened) == (2, 2, 1)
    assert not summary.rejected
    assert summary.rejected_path is None
    earn, redeem = entries(ledger, "ada")
    expected = {
        "points": 120,
        "money": 1250,
        "effective_time": datetime(2024, 5, 1, 12, tzinfo=UTC),
        "expires_time": datetime(2025, 5, 1, tzinfo=UTC),
        "rule": "base",
        "channel": "web",
        "location": "north",
        "category": "food",
        "tag": 77,
    }
    assert expected.items() <= earn.items()
    assert redeem["points"] == -20
    assert redeem["effective_time"] == datetime(2024, 5, 2, 10, 0, 0, 250_000, tzinfo=UTC)
    assert ledger.balance("ada", at=datetime(2025, 4, 30, tzinfo=UTC)).active == 100
    assert ledger.balance("ada", at=datetime(2025, 5, 1, tzinfo=UTC)).active == 0


def test_adjusts_and_reverses(ledger: loyalty.Ledger, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "id,kind,member,points,actor,reason,related",
        "a,earn,7,100,,,",
        "b,adjust,7,-30,kim,goodwill,",
        "c,reverse,7,,,,b",
    )
    summary = run(ledger, path, constants={"effective_time": "2024-05-01"})
    assert summary.posted == 3
    assert [row["points"] for row in entries(ledger, 7)] == [100, -30, 30]


BAD_ROWS = [
    ("12.5", "", "", "points is not a whole number: '12.5'"),
    ("99999999999999999999", "", "", "points does not fit int64: '99999999999999999999'"),
    ("-5", "", "", "points_invalid"),
    ("", "", "", "points is empty"),
    (
        "5",
        "1.234",
        "",
        "money is no amount with at most 2 decimals (see --money-decimals): '1.234'",
    ),
    ("5", "1e3", "", "money is no amount with at most 2 decimals (see --money-decimals): '1e3'"),
    ("5", "-1", "", "money is negative: '-1'"),
    ("5", "", "2024-02-30", "effective_time is no time such as 2017-01-31T09:30:00Z: '2024-02-30'"),
    ("5", "", "yesterday", "effective_time is no time such as 2017-01-31T09:30:00Z: 'yesterday'"),
    ("5", "", "1714564800", "effective_time is no time such as 2017-01-31T09:30:00Z: '1714564800'"),
    ("5", "", "1850-01-01", "effective_time_out_of_range"),
]


@pytest.mark.parametrize(("points", "money", "time", "reason"), BAD_ROWS)
def test_a_bad_value_rejects_its_row_alone(
    ledger: loyalty.Ledger, tmp_path: Path, points: str, money: str, time: str, reason: str
) -> None:
    path = write(
        tmp_path / "a.csv",
        "ref,points,money,effective_time",
        "1,10,1.5,2024-05-01",
        f"2,{points},{money},{time or '2024-05-01'}",
        "3,30,,2024-05-01",
    )
    options = {"constants": {"kind": "earn", "member": "7"}, "id_from": ("ref",)}
    summary = run(ledger, path, money_decimals=2, **options)
    assert (summary.rows, summary.posted, summary.rejected.total()) == (3, 2, 1)
    assert read_rejected(path) == [
        {
            "rejected_row": "2",
            "rejected_because": reason,
            "ref": "2",
            "points": points,
            "money": money,
            "effective_time": time or "2024-05-01",
        }
    ]
    assert ledger.balance(7).active == 40
    assert entries(ledger, 7)[0]["money"] == 150


def test_rejected_rows_can_be_mended_and_imported(ledger: loyalty.Ledger, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "ref,member,points", "1,7,10", "2,7,1O", "3,7,5")
    assert run(ledger, path, id_from=("ref",)).rejected.total() == 1
    mended = tmp_path / "mended.csv"
    rejected = path.with_name("a.csv.rejected.csv")
    mended.write_text(rejected.read_text().replace(",1O", ",10").replace("'1O'", ""))
    summary = run(ledger, mended, id_from=("ref",))
    assert (summary.posted, summary.unused_columns) == (1, ("rejected_row", "rejected_because"))
    assert ledger.balance(7).active == 25
    assert run(ledger, path, id_from=("ref",)).already_there == 2


def test_malformed_lines_keep_the_numbering(
    ledger: loyalty.Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_CSV_BLOCK_BYTES", 64)
    monkeypatch.setattr(reading, "ROWS_A_BATCH", 3)
    lines = [f"{number},7,1" for number in range(1, 101)]
    bad = {4: "4,7", 5: "5,7,1,1", 50: "50", 99: "99,7,x", 100: "100,7"}
    for number, line in bad.items():
        lines[number - 1] = line
    path = write(tmp_path / "a.csv", "ref,member,points", *lines)
    summary = run(ledger, path, id_from=("ref",))
    assert (summary.rows, summary.posted) == (100, 95)
    rejected = read_rejected(path)
    assert [int(row["rejected_row"]) for row in rejected] == sorted(bad)
    assert rejected[0]["rejected_because"] == "not as many values as the header has names: '4,7'"
    assert rejected[3]["points"] == "x"


def test_an_unknown_member_is_not_posted_so_that_its_id_stays_free(
    ledger: loyalty.Ledger, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", "ref,member,points", "1,7,10", "2,8,10", "3,7,5")
    ledger.open_member(7)
    before = ledger.info().sequence
    summary = run(ledger, path, id_from=("ref",), open_members=False)
    assert (summary.posted, summary.rejected.total()) == (2, 1)
    assert read_rejected(path)[0]["rejected_because"].startswith("member_not_found")
    assert ledger.info().sequence == before + 2
    summary = run(ledger, path, id_from=("ref",))
    assert (summary.posted, summary.already_there, summary.members_opened) == (1, 2, 1)


def test_rows_may_open_members_themselves(ledger: loyalty.Ledger, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "id,kind,member,points",
        "a,earn,7,1",
        "b,open_member,7,",
        "c,earn,7,10",
    )
    options = {"constants": {"effective_time": "2024-05-01"}, "open_members": False}
    summary = run(ledger, path, **options)
    assert (summary.posted, summary.rejected.total()) == (2, 1)
    assert ledger.balance(7).active == 10
    assert run(ledger, path, **options).posted == 1  # the first row, now that the member is open


def test_all_kinds_and_their_fields(ledger: loyalty.Ledger, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "id,kind,member,other_member,points,related,activates_time,deadline_time,floor,ceiling"
        ",actor,reason",
        "a,earn,ada,,100,,,,,,,",
        "b,earn,ada,,50,,2024-06-01,,,,,",
        "c,transfer,ada,bob,30,,,,,,,",
        "d,hold,ada,,20,,,2024-05-02,,,,",
        "e,capture,ada,,,d,,,,,,",
        "f,set_limits,bob,,,,,,-5,90,mia,asked",
        "g,merge_members,ada,bob,,,,,,,mia,two cards",
        "h,close_member,ada,,,,,,,,mia,asked",
    )
    summary = run(ledger, path, constants={"effective_time": "2024-05-01"})
    assert summary.rejected == {}
    assert (summary.posted, summary.members_opened) == (8, 2)
    balance = ledger.balance("bob", at=datetime(2024, 5, 1, tzinfo=UTC))
    assert (balance.active, balance.pending, balance.held) == (80, 50, 0)


def test_points_by_the_programme(tmp_path: Path) -> None:
    program = Program.from_toml(
        'name = "Shop"\ntime_zone = "UTC"\n[currencies.points]\n'
        'ceiling = 130\nover_ceiling = "clip"\n'
        '[rules.base]\ncurrency = "points"\npoints_per_money = "1/10"\n'
    )
    path = write(
        tmp_path / "a.csv",
        "id,kind,member,money,rule",
        "a,earn,7,1250,base",
        "b,earn,7,,base",
        "c,redeem,7,10,",
        "d,earn,7,1250,base",  # cut to what there is room for
    )
    with loyalty.create(tmp_path / "shop", program=program) as shop:
        summary = run(shop, path, constants={"effective_time": "2024-05-01"})
        assert (summary.posted, summary.rejected) == (2, {"points is empty": 2})
        assert shop.balance(7).active == 130


def test_other_members_must_be_open_too(ledger: loyalty.Ledger, tmp_path: Path) -> None:
    ledger.open_member(7)
    path = write(
        tmp_path / "a.csv", "id,kind,member,other_member,points", "a,earn,7,,5", "b,transfer,7,8,5"
    )
    options = {"constants": {"effective_time": "2124-05-01"}, "open_members": False}
    summary = run(ledger, path, **options)
    why = "other_member_not_found, so not posted (open the member, or use --open-members)"
    assert summary.rejected == {why: 1}
    ledger.open_member(8)
    assert run(ledger, path, **options).posted == 1


def test_members_are_opened_once_as_of_their_first_row(
    ledger: loyalty.Ledger, tmp_path: Path
) -> None:
    first = write(
        tmp_path / "a.csv",
        "id,member,points,effective_time",
        "a,7,1,2024-03-01",
        "b,7,1,2024-01-01",
    )
    second = write(tmp_path / "b.csv", "id,member,points,effective_time", "c,7,1,2024-02-01")
    constants = {"kind": "earn"}
    assert run(ledger, first, constants=constants).members_opened == 1
    assert run(ledger, second, constants=constants).members_opened == 0
    opening = ledger.statement(7).to_polars().filter(kind="open_member")
    assert opening["effective_time"].to_list() == [datetime(2024, 3, 1, tzinfo=UTC)]


def test_ids_from_columns_cannot_be_confused(ledger: loyalty.Ledger, tmp_path: Path) -> None:
    # Joined without care, all of these would be "1,b=2".
    path = write(
        tmp_path / "a.csv",
        "a,b,member,points",
        '"1,b=2",3,7,1',
        '1,"2,b=3",7,1',
        '"1\\,b=2",3,7,1',
        ",3,7,1",
    )
    summary = run(ledger, path, id_from=("a", "b"))
    assert (summary.posted, summary.already_there) == (3, 0)
    assert read_rejected(path)[0]["rejected_because"] == "no id, because a is empty"


def test_an_id_from_columns_is_the_documented_reference(
    ledger: loyalty.Ledger, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.csv", "receipt,line,member,points", "R9,2,7,10")
    run(ledger, path, id_from=("receipt", "line"))
    reply = ledger.earn(
        7, 10, id="receipt=R9,line=2", effective_time=datetime(2024, 5, 1, 12, tzinfo=UTC)
    )
    assert reply.status == "already_exists"


def test_row_ids_belong_to_the_content_of_the_file(ledger: loyalty.Ledger, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "member,points", "7,10", "7,10")
    assert run(ledger, path, id_from=("@row",)).posted == 2
    renamed = path.rename(tmp_path / "renamed.csv")
    assert run(ledger, renamed, id_from=("@row",)).already_there == 2
    other = write(tmp_path / "other.csv", "member,points", "7,10", "7,10", "7,10")
    assert run(ledger, other, id_from=("@row",)).posted == 3


def test_the_same_id_with_other_content_is_rejected(ledger: loyalty.Ledger, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,member,points", "a,7,10", "a,7,11")
    assert run(ledger, path).rejected == {"exists_with_different_points": 1}


def test_parquet_with_types(ledger: loyalty.Ledger, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table(
        {
            "household": pa.array([7, 8, 7, None], pa.int32()),
            "points": pa.array([10.0, 2.5, 30.0, 4.0]),
            "paid": pa.array([0.1 + 0.2, 1.0, 19.99, 1.0]),
            "day": pa.array([date(2024, 1, 1)] * 4),
            "kind": pa.array(["earn"] * 4).dictionary_encode(),
            "ref": pa.array([b"0" * 15 + bytes([i]) for i in range(4)], pa.binary(16)),
        }
    )
    pq.write_table(table, path, row_group_size=2)
    options: dict[str, Any] = {
        "columns": {
            "member": "household",
            "money": "paid",
            "effective_time": "day",
            "id": "ref",
        },
        "constants": {},
        "money_decimals": 2,
        "zone": "America/New_York",
    }
    summary = run(ledger, path, **options)
    assert summary.posted == 2
    assert [row["rejected_because"] for row in read_rejected(path)] == [
        "points is not a whole number: 2.5",
        "member is empty",
    ]
    rows = entries(ledger, 7)
    assert [row["money"] for row in rows] == [30, 1999]
    assert rows[0]["effective_time"] == datetime(2024, 1, 1, 5, tzinfo=UTC)
    assert rows[0]["id"] == b"0" * 15 + b"\0"


@pytest.mark.parametrize(
    ("values", "cents"),
    [
        (pa.array([Decimal("12.30")]), 1230),
        (pa.array([12], pa.int64()), 1200),
        (pa.array([4.35]), 435),
        (pa.array(["12.3"]), 1230),
        (pa.array([" 7. "]), 700),
    ],
)
def test_money_is_exact(
    ledger: loyalty.Ledger, tmp_path: Path, values: pa.Array, cents: int
) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": ["a"], "member": [7], "points": [1], "money": values}), path)
    run(ledger, path, money_decimals=2)
    assert entries(ledger, 7)[0]["money"] == cents


def test_key_types(ledger: loyalty.Ledger, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,member,points", "a,7,1", "b,007,1")
    assert run(ledger, path).key_type == "text"
    assert ledger.balance("007").active == 1
    summary = run(ledger, path, key_type="int")
    assert summary.rejected["exists_with_different_member"] == 1
    assert (
        read_rejected(path)[1]["rejected_because"]
        == "member is not an integer (see --key-type): '007'"
    )


def test_local_times(ledger: loyalty.Ledger, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "id,member,points,effective_time",
        "a,7,1,2024-03-10 02:30",  # skipped
        "b,7,1,2024-07-01",
        "c,7,1,2024-11-03 01:30:00",  # twice
    )
    run(ledger, path, constants={"kind": "earn"}, zone="America/New_York")
    times = [row["effective_time"] for row in entries(ledger, 7)]
    assert times == [
        datetime(2024, 3, 10, 7, tzinfo=UTC),
        datetime(2024, 7, 1, 4, tzinfo=UTC),
        datetime(2024, 11, 3, 5, 30, tzinfo=UTC),
    ]


def test_several_currencies(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv", "id,member,points,unit", "a,7,1,miles", "b,7,2,stars", "c,7,3,"
    )
    with loyalty.create(tmp_path / "ledger", currencies=("points", "miles")) as ledger:
        with pytest.raises(MappingError, match="the ledger has points and miles"):
            run(ledger, path)
        summary = run(ledger, path, columns={"currency": "unit"})
        assert (summary.posted, summary.rejected.total()) == (1, 2)
        assert ledger.balance(7, "miles").active == 1


def test_compressed_and_other_delimiters(ledger: loyalty.Ledger, tmp_path: Path) -> None:
    zipped = tmp_path / "a.csv.gz"
    zipped.write_bytes(gzip.compress("\ufeffid;member;points\r\na;ä;1\r\n".encode()))
    assert run(ledger, zipped, delimiter=";").posted == 1
    assert ledger.balance("ä").active == 1
    tabbed = write(tmp_path / "a.tsv", "id\tmember\tpoints", "b\tä\t1")
    assert run(ledger, tabbed).posted == 1


def test_a_file_without_rows(ledger: loyalty.Ledger, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,member,points")
    assert run(ledger, path).rows == 0


MAPPING_ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"columns": {"member": "card"}}, "the file has no column 'card'; its columns are id, who"),
    ({"id_from": ("card",)}, "--id-from card: the file has no column 'card'"),
    ({}, "nothing says what member should be"),
    ({"constants": {}}, "nothing says what kind and member and effective_time should be"),
    ({"constants": EARNS | {"member": "7", "points": "many"}}, "--set points=many: points is not"),
    ({"constants": EARNS | {"member": "7", "kind": "gift"}}, "--set kind=gift: kind is none of"),
    ({"constants": EARNS | {"id": "1"}}, "--set id"),
    ({"columns": {"points": "who"}, "constants": EARNS | {"points": "7"}}, "points: give --map or"),
    (
        {"columns": {"id": "who"}, "id_from": ("who",)},
        "give --map id=COLUMN or --id-from, not both",
    ),
]


@pytest.mark.parametrize(("options", "message"), MAPPING_ERRORS)
def test_mapping_errors(
    ledger: loyalty.Ledger, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    path = write(tmp_path / "a.csv", "id,who,points", "a,7,1")
    with pytest.raises(MappingError, match=message):
        run(ledger, path, **options)
    assert ledger.info().members == 0


def test_ids_are_never_made_up(ledger: loyalty.Ledger, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "member,points", "7,1")
    with pytest.raises(MappingError, match="the file has no id column"):
        run(ledger, path)


@pytest.mark.parametrize("pairs", ["member", "member=", "=x", "membr=x", "member=a member=b"])
def test_pairs_are_checked(pairs: str) -> None:
    with pytest.raises(MappingError, match="--map"):
        parse_pairs("--map", pairs.split())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.dat", b"id\n", "cannot tell the format"),
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n", "the first line must name the columns"),
        ("a.csv", b"\xff\xfe\x00", "is not CSV text in UTF-8"),
        ("a.csv", b"id,id\n", "two columns named id"),
        ("a.csv.gz", b"id,member", "is not CSV text"),
        ("a.parquet", b"id,member", "is not a Parquet file"),
    ],
)
def test_bad_files(
    ledger: loyalty.Ledger, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises((UnreadableFileError, MappingError), match=message):
        run(ledger, path)


def test_the_file_itself_is_never_the_rejected_file(ledger: loyalty.Ledger, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,member,points", "a,7,x")
    with pytest.raises(MappingError, match="--rejected"):
        run(ledger, path, rejected_path=tmp_path / "." / "a.csv")
    assert path.exists()


def test_a_rejected_file_of_an_earlier_import_goes(ledger: loyalty.Ledger, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,member,points", "a,7,x")
    run(ledger, path)
    assert read_rejected(path)
    write(path, "id,member,points", "a,7,1")
    run(ledger, path)
    assert not path.with_name("a.csv.rejected.csv").exists()

"""The Thrift interface keeps its own conventions, and has the ledger's numbers."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import thriftpy2
from thriftpy2.thrift import TType

from loyalty import Kind

from .rpc_compatibility import breaks, load

IDL = Path(__file__).parents[2] / "cpp" / "service" / "loyalty.thrift"
RELEASED = IDL.with_name("released.thrift")
FAULTS = {"InvalidRequest", "Unauthenticated", "Forbidden", "Unavailable", "Internal"}


@pytest.fixture(scope="module")
def idl() -> ModuleType:
    loaded: ModuleType = thriftpy2.load(str(IDL), module_name="loyalty_thrift")
    return loaded


def fields(struct: Any) -> dict[str, Any]:
    """Each field's specification, by name."""
    return {spec[1]: spec for spec in struct.thrift_spec.values()}


def numbers(enum: type) -> dict[str, int]:
    return {str(name): int(number) for name, number in vars(enum)["_NAMES_TO_VALUES"].items()}


def test_no_field_is_required(idl: ModuleType) -> None:
    meta = vars(idl)["__thrift_meta__"]
    structs = [*meta["structs"], *meta["unions"], *meta["exceptions"]]
    assert len(structs) > 40
    required = [
        f"{struct.__name__}.{name}"
        for struct in structs
        for name, spec in fields(struct).items()
        if spec[-1]
    ]
    assert required == []


def test_enums_begin_with_unspecified_and_travel_as_numbers(idl: ModuleType) -> None:
    meta = vars(idl)["__thrift_meta__"]
    assert {enum.__name__ for enum in meta["enums"]} >= {"Kind", "RunKind", "Health"}
    assert all(numbers(enum)["UNSPECIFIED"] == 0 for enum in meta["enums"])
    # A field of an enum's type would have the type I32 and name the enum.
    typed = [
        f"{struct.__name__}.{name}"
        for struct in meta["structs"]
        for name, spec in fields(struct).items()
        if spec[0] == TType.I32 and len(spec) == 4 and isinstance(spec[2], type)
    ]
    assert typed == []


def test_calls_take_a_request_and_answer_with_a_response(idl: ModuleType) -> None:
    (service,) = vars(idl)["__thrift_meta__"]["services"]
    for call in service.thrift_services:
        name = "".join(part.capitalize() for part in call.split("_"))
        arguments = getattr(service, f"{call}_args").thrift_spec
        assert [spec[2].__name__ for spec in arguments.values()] == [f"{name}Request"]
        result = fields(getattr(service, f"{call}_result"))
        assert result.pop("success")[2].__name__ == f"{name}Response"
        assert {spec[2].__name__ for spec in result.values()} == (
            set() if call == "health" else FAULTS
        )
        if call != "health":
            assert fields(arguments[1][2])["head"][:1] == (TType.STRUCT,)


def test_kinds_have_the_numbers_of_the_ledger(idl: ModuleType) -> None:
    assert issubclass(Kind, IntEnum)
    assert numbers(idl.Kind) == {kind.name: kind.value for kind in Kind}


def test_what_was_released_is_understood() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (RELEASED, IDL)]
    released, present = (load(text) for text in texts)
    assert breaks(released, present) == []


SMALL = """
enum Kind { UNSPECIFIED = 0, EARN = 1 }
union Key { 1: i64 number, 2: string text }
struct Posting { 1: optional Key key, 2: optional i64 points, 3: optional list<string> notes }
struct PostRequest { 1: optional list<Posting> postings }
struct PostResponse { 1: optional i32 status }
exception Busy { 1: optional string message }
service Ledger { PostResponse post(1: PostRequest request) throws (1: Busy busy) }
"""


@pytest.mark.parametrize(
    ("released", "changed", "told"),
    [
        ("i64 points", "i64 miles", "Posting[2]"),
        ("i64 points", "i32 points", "Posting[2]"),
        ("2: optional i64 points, ", "", "Posting[2]"),
        ("2: optional i64 points", "4: optional i64 points", "Posting[2]"),
        ("optional i64 points", "required i64 points", "Posting[2]"),
        ("list<string> notes", "list<i64> notes", "Posting[3]"),
        ("list<string> notes", "set<string> notes", "Posting[3]"),
        ("list<Posting> postings", "list<Key> postings", "PostRequest[1]"),
        ("1: i64 number, ", "", "Key[1]"),
        ("EARN = 1", "EARN = 2", "Kind[1]"),
        ("EARN = 1", "REDEEM = 1", "Kind[1]"),
        ("PostResponse post(", "PostResponse send(", "Ledger.post"),
        ("PostResponse post(", "PostRequest post(", "Ledger.post result[0]"),
        (" throws (1: Busy busy)", "", "Ledger.post result[1]"),
    ],
)
def test_what_would_break_it_is_found(released: str, changed: str, told: str) -> None:
    found = breaks(load(SMALL), load(SMALL.replace(released, changed)))
    assert found
    assert all(told in one for one in found)


@pytest.mark.parametrize(
    ("released", "changed"),
    [
        ("notes }", "notes, 4: optional i64 tag }"),
        ("EARN = 1", "EARN = 1, REDEEM = 2"),
        ("service Ledger {", "service Ledger { PostResponse check(1: PostRequest request)"),
        ("enum Kind", "struct Later { 1: optional i64 points }\nenum Kind"),
    ],
)
def test_what_is_added_breaks_nothing(released: str, changed: str) -> None:
    assert breaks(load(SMALL), load(SMALL.replace(released, changed))) == []

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

IDL = Path(__file__).parents[2] / "cpp" / "service" / "loyalty.thrift"
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

"""What keeps a newer interface from understanding an older end, or the other way round."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import thriftpy2

_loaded = count()


def load(text: str) -> ModuleType:
    """An interface as thriftpy2 reads it."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"interface_{next(_loaded)}.thrift"
        path.write_text(text, encoding="utf-8")
        loaded: ModuleType = thriftpy2.load(str(path), module_name=f"{path.stem}_thrift")
    return loaded


def breaks(released: ModuleType, present: ModuleType) -> list[str]:
    """What was released, and is missing or another thing now, by docs/rpc.md."""
    old, new = _declared(released), _declared(present)
    return [
        f"{name} was {old[name]}, and is {new.get(name, 'missing')}"
        for name in old
        if new.get(name) != old[name]
    ]


def _declared(interface: ModuleType) -> dict[str, str]:
    """All that has a number or a name on the wire, and what it is."""
    meta = vars(interface)["__thrift_meta__"]
    declared: dict[str, str] = {}
    for struct in (*meta["structs"], *meta["unions"], *meta["exceptions"]):
        declared |= _fields(struct.__name__, struct)
    for enum in meta["enums"]:
        names = vars(enum)["_VALUES_TO_NAMES"]
        declared |= {f"{enum.__name__}[{number}]": name for number, name in names.items()}
    for service in meta["services"]:
        for call in service.thrift_services:
            for part in ("args", "result"):
                struct = getattr(service, f"{call}_{part}")
                declared |= _fields(f"{service.__name__}.{call} {part}", struct)
    return declared


def _fields(name: str, struct: Any) -> dict[str, str]:
    return {
        f"{name}[{number}]": f"{spec[1]}: {' '.join(_type(spec))}"
        for number, spec in struct.thrift_spec.items()
    }


def _type(spec: tuple[Any, ...]) -> Iterator[str]:
    """The type of a field: numbers of thriftpy2's, names of structs."""
    yield str(spec[0])
    inner = spec[2] if len(spec) == 4 else None
    while isinstance(inner, tuple):
        yield str(inner[0])
        inner = inner[1] if len(inner) > 1 else None
    if inner is not None:
        yield getattr(inner, "__name__", str(inner))
    if spec[-1]:
        yield "required"

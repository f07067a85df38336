"""Fixtures for all Python tests: a ledger of its own for each, and a frame that posts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import loyalty

from .rpc_server import serve

MakeFrame = Callable[..., dict[str, Any]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests marked `also_served` with a ledger opened here, and with one that a server has."""
    if "ledger" in metafunc.fixturenames and metafunc.definition.get_closest_marker("also_served"):
        metafunc.parametrize("ledger", ["here", "served"], indirect=True)


@pytest.fixture
def ledger(path: Path, request: pytest.FixtureRequest) -> Iterator[loyalty.Ledger]:
    with loyalty.create(path) as ledger:
        if getattr(request, "param", "here") == "here":
            yield ledger
            return
    with serve(path) as server, loyalty.connect(server.address) as ledger:
        yield ledger


@pytest.fixture
def ledger_path(path: Path) -> Path:
    """A ledger that nobody has open, with ada and bob."""
    with loyalty.create(path) as ledger:
        ledger.open_members(["ada", "bob"], dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
    return path


@pytest.fixture
def frame(ledger: loyalty.Ledger) -> MakeFrame:
    """A maker of columns that post: earns by members 0 to rows - 1, which are open."""

    def make(rows: int = 4, **columns: Any) -> dict[str, Any]:
        members = np.arange(rows)
        ledger.open_members(members)
        at = dt.datetime(2024, 5, 1, 12, tzinfo=dt.UTC)
        made = {
            "id": loyalty.new_ids(rows),
            "kind": ["earn"] * rows,
            "member": members,
            "points": np.arange(rows) + 100,
            "effective_time": [at + dt.timedelta(minutes=row) for row in range(rows)],
        }
        return made | columns

    return make

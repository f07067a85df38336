"""Statements page by page. tests/cpp shows that postings made meanwhile disturb no page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import loyalty
from loyalty.cli import app

pytestmark = pytest.mark.also_served

DAY = 86_400_000_000


@pytest.fixture
def shop(ledger: loyalty.Ledger) -> loyalty.Ledger:
    """Member 1 has his opening and ten earns, some of them backdated."""
    ledger.open_member(1, effective_time=0)
    for n in range(10):
        ledger.earn(1, n + 1, effective_time=n * 7 % 10 * DAY, id=f"earn {n}")
    return ledger


def pages(ledger: loyalty.Ledger, limit: int, **options: Any) -> list[dict[str, Any]]:
    """All rows, page by page, with postings in between."""
    rows: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = ledger.statement(1, limit=limit, cursor=cursor, **options)
        assert len(page) <= limit
        rows += page.to_pylist()
        cursor = page.metadata["next_cursor"]
        if cursor is None:
            return rows
        ledger.earn(1, 1_000, effective_time=3 * DAY)


@pytest.mark.parametrize("limit", [1, 4, 11, 50])
def test_pages_are_the_statement_that_was_begun(shop: loyalty.Ledger, limit: int) -> None:
    whole = shop.statement(1)
    assert whole.metadata == {}
    assert pages(shop, limit) == whole.to_pylist()


def test_pages_of_a_part_and_of_the_past(shop: loyalty.Ledger) -> None:
    window: dict[str, Any] = {"start": 2 * DAY, "end": 8 * DAY}
    whole = shop.statement(1, **window).to_pylist()
    assert len(whole) == 6
    assert pages(shop, 2, **window) == whole
    past: dict[str, Any] = {"as_of": loyalty.AsOf(6 * DAY, sequence=8)}
    whole = shop.statement(1, **past).to_pylist()
    assert 2 < len(whole) < 8
    assert pages(shop, 2, **past) == whole


def test_a_cursor_is_of_one_statement(shop: loyalty.Ledger) -> None:
    shop.open_member(2)
    cursor = shop.statement(1, limit=2).metadata["next_cursor"]
    assert len(cursor) < 40
    others: list[tuple[int, dict[str, Any]]] = [(2, {}), (1, {"start": DAY})]
    others.append((1, {"as_of": 5 * DAY}))
    for member, options in others:
        with pytest.raises(loyalty.InvalidInputError, match="is none of this statement; give the"):
            shop.statement(member, limit=2, cursor=cursor, **options)
    for text in ("", "nonsense", cursor[:-2], "é"):
        with pytest.raises(loyalty.InvalidInputError, match="cursor: "):
            shop.statement(1, cursor=text)
    with pytest.raises(loyalty.InvalidInputError, match="limit: 0 is not within 1"):
        shop.statement(1, limit=0)


def test_the_command_pages(shop: loyalty.Ledger, path: Path) -> None:
    whole = [row["sequence"] for row in shop.statement(1).to_pylist()]
    shop.close()
    command = ["history", str(path), "1", "--limit", "8"]
    first = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    shown = CliRunner().invoke(app, command).stdout
    assert f"More: the same command with --cursor {first['next_cursor']}" in shown
    rest = [*command, "--cursor", first["next_cursor"], "--json"]
    second = json.loads(CliRunner().invoke(app, rest).stdout)
    assert [row["sequence"] for row in first["entries"] + second["entries"]] == whole
    assert second["next_cursor"] is None
    assert CliRunner().invoke(app, [*command, "--last", "2"]).exit_code == 2

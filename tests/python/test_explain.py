"""`Ledger.explain`: its tables, its command, and the example in docs/explain.md."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import loyalty
from loyalty.cli import app

pytestmark = pytest.mark.also_served

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/explain.md"
DAY = [dt.datetime(2024, 5, day, tzinfo=dt.UTC) for day in range(1, 11)]
FAR = dt.datetime(2150, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def shop(ledger: loyalty.Ledger) -> loyalty.Ledger:
    """Ada's two earns pay a redemption; then the second is cancelled in the shop."""
    ledger.open_member("ada", effective_time=DAY[0])
    ledger.earn("ada", 100, effective_time=DAY[1], expires_time=FAR, rule="base", id="a")
    ledger.earn("ada", 50, effective_time=DAY[2], id="b")
    ledger.redeem("ada", 120, effective_time=DAY[3], id="c")
    ledger.reverse("ada", related="b", effective_time=DAY[4], id="d")
    return ledger


def sequence(ledger: loyalty.Ledger, posting: str) -> int:
    (row,) = ledger.explain(posting).record.to_pylist()
    return int(row["sequence"])


def test_a_redemption_names_what_paid_it(shop: loyalty.Ledger) -> None:
    explained = shop.explain("c")
    assert explained.took["source_sequence"].tolist() == [sequence(shop, "a"), sequence(shop, "b")]
    assert explained.took["source_rule"].tolist() == ["base", None]
    assert explained.took["source_kind"].tolist() == ["earn", "earn"]
    assert explained.took["points"].tolist() == [-100, -20]
    assert explained.took.to_pylist()[0]["expires_time"] == FAR
    assert explained.took.to_pylist()[0]["source_effective_time"] == DAY[1]
    assert explained.took.to_pylist()[1]["expires_time"] is None
    assert len(explained.used) == len(explained.left) == len(explained.about) == 0
    assert explained.record["id"][0].tobytes() == shop.changes()["id"][-2].tobytes()


def test_an_earn_says_where_its_points_went(shop: loyalty.Ledger) -> None:
    explained = shop.explain(sequence(shop, "b"))
    assert explained.used["kind"].tolist() == ["redeem", "reverse"]
    assert explained.used["member"].tolist() == ["ada", "ada"]
    assert explained.used["points"].tolist() == [-20, -30]
    assert len(explained.left) == 0
    assert explained.about["kind"].tolist() == ["reverse"]


def test_arrears_have_no_source(shop: loyalty.Ledger) -> None:
    took = shop.explain("d").took.to_pylist()
    assert [row["points"] for row in took] == [-30, -20]
    assert took[1]["source_sequence"] is took[1]["source_id"] is took[1]["source_kind"] is None


def test_what_is_left_has_its_state(shop: loyalty.Ledger) -> None:
    at = dt.datetime.now(dt.UTC)
    shop.earn("ada", 90, activates_time=FAR, expires_time=dt.date(2151, 1, 1), id="later")
    shop.earn("ada", 70, effective_time=DAY[5], expires_time=DAY[6], id="gone")
    (left,) = shop.explain("later").left.to_pylist()
    assert (left["state"], left["points"]) == ("pending", 90)
    (left,) = shop.explain("gone").left.to_pylist()
    assert (left["member"], left["state"], left["points"]) == ("ada", "expired", 50)
    assert left["expires_time"] == DAY[6] < at


def test_it_shows_itself(shop: loyalty.Ledger) -> None:
    explained = shop.explain("b")
    text = repr(explained)
    assert text.startswith(f"entry {sequence(shop, 'b')}: earn of 'ada', +50 points, 2024-05-03")
    assert "\nused\n" in text
    assert "\nleft\n" not in text
    assert "<table>" in explained._repr_html_()


def test_what_is_not_there(shop: loyalty.Ledger) -> None:
    with pytest.raises(loyalty.NotFoundError, match=r"no posting has the id [0-9a-f]{32}"):
        shop.explain("nothing")
    with pytest.raises(loyalty.NotFoundError, match="there is no entry 1000; the last one is"):
        shop.explain(1000)
    with pytest.raises(loyalty.InvalidInputError, match="posting"):
        shop.explain(0)
    with pytest.raises(loyalty.InvalidInputError, match="posting must be"):
        shop.explain(1.5)  # type: ignore[arg-type]


def test_the_command(shop: loyalty.Ledger, path: Path) -> None:
    number = sequence(shop, "d")
    shop.close()
    shown = CliRunner().invoke(app, ["explain", str(path), "d"])
    assert shown.exit_code == 0
    assert f"Entry {number}: reverse of 'ada'" in shown.stdout
    assert "arrears" in shown.stdout
    told = CliRunner().invoke(app, ["explain", str(path), str(number), "--json"])
    assert [row["points"] for row in json.loads(told.stdout)["took"]] == [-30, -20]
    unknown = CliRunner().invoke(app, ["explain", str(path), "nothing"])
    assert unknown.exit_code == 2
    assert re.fullmatch(r"loyalty: no posting has the id [0-9a-f]{32}\n", unknown.stderr)


def test_the_documents_example_prints_what_is_shown(tmp_path: Path) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (shown,) = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUTF8": "1", "COLUMNS": "100"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.stdout == shown, done.stderr

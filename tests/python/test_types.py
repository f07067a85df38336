"""What a type checker sees of the package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import loyalty

GOOD = """
import datetime as dt
import loyalty
import numpy as np
import pyarrow as pa

with loyalty.create("x", ["points"]) as ledger:
    reply: loyalty.Reply = ledger.post(loyalty.Posting("earn", 1, 5))
    batch: loyalty.PostResult = ledger.post([loyalty.Posting("earn", 1, 5)])
    columns: loyalty.PostResult = ledger.post({"id": loyalty.new_ids(1), "member": np.arange(1)})
    again: loyalty.PostResult = ledger.post(ledger.changes(), progress=lambda done, total: None)
    status: str = ledger.earn("ada", 5, effective_time=dt.datetime.now(dt.UTC)).status
    active: int = ledger.balance("ada").active
    table: loyalty.Table = ledger.balances([1, 2])
    rows: int = len(ledger.statement(1, dt.date(2024, 1, 1)))
    names: tuple[str, ...] = ledger.currencies
    fine: bool = ledger.verify(progress=True).ok
    posted: loyalty.PostingStatus = loyalty.PostingStatus.POSTED
"""

BAD = {
    'loyalty.open("x").balance(1.5)': "arg-type",
    'loyalty.open("x").post(5)': "call-overload",
    'loyalty.open("x").adjust(1, 5)': "call-arg",
    'loyalty.open("x").earn(1, "5")': "arg-type",
    'loyalty.open("x", queue=5)': "call-arg",
    'loyalty.Posting("earn", 1).points = 5': "misc",
    'number: int = loyalty.open("x").digest': "assignment",
}


def errors(tmp_path: Path, code: str) -> str:
    script = tmp_path / "script.py"
    script.write_text(code)
    package = Path(loyalty.__file__).parent
    (tmp_path / "mypy.ini").write_text(
        "[mypy]\nstrict = true\n[mypy-pyarrow.*]\nignore_missing_imports = true\n"
        "[mypy-loyalty.*]\nignore_errors = true\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "script.py"],
        cwd=tmp_path,
        env={"MYPYPATH": str(package.parent), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return done.stdout


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(loyalty.__file__).parent / "py.typed").exists()


def test_a_checker_knows_the_types(tmp_path: Path) -> None:
    assert errors(tmp_path, GOOD).startswith("Success")


def test_a_checker_finds_mistakes(tmp_path: Path) -> None:
    code = "import loyalty\n" + "\n".join(BAD)
    found = errors(tmp_path, code).splitlines()
    for line, (call, expected) in enumerate(BAD.items(), start=2):
        assert any(f":{line}: " in text and f"[{expected}]" in text for text in found), (
            call,
            found,
        )

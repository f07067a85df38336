"""The command line `loyalty`: output for people and machines, exit codes, clear complaints."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import loyalty
from loyalty.cli import app

RUNNER = CliRunner()
PACKAGE_ROOT = Path(loyalty.__file__).parents[1]
EARN = ("-s", "kind=earn", "-s", "effective_time=2024-05-01T12:00:00Z")


def cli(*arguments: object) -> Result:
    return RUNNER.invoke(app, [str(argument) for argument in arguments])


def cli_json(*arguments: object) -> Any:
    result = cli(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "loyalty.cli", *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A ledger with the members 7 (an integer), "7" and "ada"."""
    path = tmp_path / "shop"
    with loyalty.create(path) as ledger:
        members: tuple[int | str, ...] = (7, "7", "ada")
        for number, member in enumerate(members, start=1):
            ledger.open_member(member, effective_time=1)
            ledger.earn(member, 100 * number, effective_time=1_704_103_200_000_000, rule="base")
        ledger.redeem(7, 30, effective_time=1_706_781_600_000_000, channel="web")
        ledger.redeem(7, 1_000, effective_time=1_706_781_600_000_001)
    return path


def test_init_makes_a_ledger(tmp_path: Path) -> None:
    result = cli("init", tmp_path / "new", "--currency", "points", "--currency", "miles")
    assert result.exit_code == 0
    assert "with points, miles." in result.stdout
    assert cli_json("info", tmp_path / "new")["currencies"] == ["points", "miles"]


def test_init_leaves_what_is_there_alone(shop: Path) -> None:
    result = cli("init", shop)
    assert result.exit_code == 2
    assert result.stderr.startswith("loyalty: ")
    assert str(shop) in result.stderr


def test_balance_for_people(shop: Path) -> None:
    result = cli("balance", shop, "ada")
    assert result.exit_code == 0
    assert "Member 'ada'" in result.stdout
    assert "300" in result.stdout


@pytest.mark.parametrize(
    ("key", "options", "member", "active"),
    [
        ("7", (), 7, 70),
        ("7", ("--key-type", "int"), 7, 70),
        ("7", ("--key-type", "text"), "7", 200),
        ("ada", (), "ada", 300),
    ],
)
def test_balance_of_either_sort_of_key(
    shop: Path, key: str, options: tuple[str, ...], member: int | str, active: int
) -> None:
    balance = cli_json("balance", shop, key, *options)
    assert balance["member"] == member
    assert balance["balances"]["points"]["active"] == active


def test_json_has_exact_integers(tmp_path: Path) -> None:
    points = 2**53 + 1
    with loyalty.create(tmp_path / "big") as ledger:
        ledger.open_member(1)
        ledger.earn(1, points)
    assert cli_json("balance", tmp_path / "big", 1)["balances"]["points"]["active"] == points
    assert cli_json("history", tmp_path / "big", 1)["entries"][1]["points"] == points


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ben",), "there is no member 'ben'"),
        (("8",), "there is no member 8 or '8'"),
        (("8", "--key-type", "int"), "there is no member 8"),
        (("ben", "--key-type", "int"), "'ben' is not an integer"),
    ],
)
def test_a_member_that_is_not_there(shop: Path, arguments: tuple[str, ...], message: str) -> None:
    result = cli("balance", shop, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not result.stdout


def test_history_for_people(shop: Path) -> None:
    result = cli("history", shop, 7)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].strip() == "Member 7: 4 entries, times in UTC"
    redeem = next(line for line in lines if "-30 " in line)
    assert redeem.split()[1:] == ["2024-02-01", "10:00:00", "redeem", "-30", "70", "web"]
    assert "insufficient_points" in next(line for line in lines if "-1,000" in line)


def test_history_in_json_between_two_times(shop: Path) -> None:
    options = ("--from", "2024-01-01", "--to", "2024-02-01T10:00:00Z")
    history = cli_json("history", shop, 7, *options)
    assert history["member"] == 7
    (earn,) = history["entries"]
    expected = {
        "kind": "earn",
        "points": 100,
        "running_balance": 100,
        "effective_time": "2024-01-01T10:00:00Z",
        "rule": "base",
        "status": "posted",
    }
    assert expected.items() <= earn.items()
    assert len(earn["id"]) == 32
    assert len(cli_json("history", shop, 7, "--last", 2)["entries"]) == 2


def test_history_wants_a_time(shop: Path) -> None:
    result = cli("history", shop, 7, "--from", "last week")
    assert result.exit_code == 2
    assert "'last week' is no date or time" in result.stderr


def test_verify(shop: Path) -> None:
    result = cli("verify", shop)
    assert result.exit_code == 0
    report = cli_json("verify", shop)
    assert report["ok"] is True
    assert report["digest"] in result.stdout
    (totals,) = report["totals"]
    assert totals == {
        "currency": "points",
        "members": 570,
        "issued": -600,
        "redeemed": 30,
        "expired": 0,
        "adjusted": 0,
    }


def test_verify_finds_damage(shop: Path) -> None:
    damaged = max(shop.rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else -1)
    for path in shop.rglob("*"):
        if path.is_file() and path.suffix in {".log", ".sst"} and path.stat().st_size > 100:
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 0xFF
            path.write_bytes(content)
            damaged = path
    assert damaged.exists()
    result = cli("verify", shop)
    assert result.exit_code == 1, (result.stdout, result.stderr)
    assert result.stderr.startswith("loyalty: ")


def test_info(shop: Path) -> None:
    info = cli_json("info", shop)
    assert info["members"] == 3
    assert info["disk_bytes_per_entry"] == info["disk_bytes"] / info["sequence"]
    result = cli("info", shop)
    assert info["digest"] in result.stdout
    assert "bytes an entry" in result.stdout


@pytest.mark.parametrize("name", ["balance", "history", "verify", "info", "import"])
def test_a_directory_that_is_no_ledger(tmp_path: Path, name: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,member,points\n")
    more: dict[str, tuple[object, ...]] = {
        "balance": (7,),
        "history": (7,),
        "import": (file, *EARN),
    }
    for path in (tmp_path, tmp_path / "nowhere"):
        result = cli(name, path, *more.get(name, ()))
        assert result.exit_code == 2
        assert str(path) in result.stderr
        assert "loyalty init" in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_a_ledger_in_use(shop: Path) -> None:
    with loyalty.open(shop):
        result = cli("expire", shop)
    assert result.exit_code == 2
    assert "another process has the ledger open" in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_version_and_help() -> None:
    assert cli("--version").stdout.strip() == f"loyalty {loyalty.__version__}"
    result = cli("--help")
    for name in ("init", "import", "balance", "history", "verify", "info", "demo"):
        assert name in result.stdout
        assert cli(name, "--help").exit_code == 0


def write_earns(path: Path, lines: int, *, first_bad: bool = False) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ref", "card", "points"])
        if first_bad:
            writer.writerow([0, 1, "none"])
        writer.writerows([number, number % 1_000, number % 7 + 1] for number in range(1, lines + 1))
    return path


def test_import(shop: Path, tmp_path: Path) -> None:
    file = write_earns(tmp_path / "a.csv", 100, first_bad=True)
    options = ("-m", "member=card", *EARN, "--id-from", "ref", "--open-members")
    result = cli("import", shop, file, *options)
    assert result.exit_code == 1, result.stderr
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for line in (
        "rows read 101",
        "posted 100",
        "rejected 1",
        "1 points is not a whole number",
        f"rejected rows in {file}.rejected.csv",
        "members opened 99",
    ):
        assert line in lines
    again = cli("import", shop, file, *options, "--json")
    assert again.exit_code == 1
    summary = json.loads(again.stdout)
    assert (summary["posted"], summary["already_there"]) == (0, 100)
    assert summary["rejected"] == {"points is not a whole number": 1}
    assert summary["digest"] in result.stdout


def test_import_without_rejects_is_success(shop: Path, tmp_path: Path) -> None:
    file = write_earns(tmp_path / "a.csv", 10)
    options = ("-m", "member=card", "-m", "id=ref", *EARN, "--open-members")
    assert cli("import", shop, file, *options).exit_code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "the file has no id column"),
        (("--map", "who=card"), "--map who=card: there is no field 'who'"),
        (("--map", "member=who"), "the file has no column 'who'"),
        (("--set", "kind"), "write it as --set FIELD=VALUE"),
        (("--zone", "Mars/Olympus"), "'Mars/Olympus' is no time zone"),
        (("--format", "parquet"), "is not a Parquet file"),
    ],
)
def test_import_usage_errors(
    shop: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    file = write_earns(tmp_path / "a.csv", 1)
    result = cli("import", shop, file, *EARN, *options)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())
    assert "Traceback" not in result.stderr


def test_import_of_a_file_that_is_not_there(shop: Path, tmp_path: Path) -> None:
    assert cli("import", shop, tmp_path / "a.csv").exit_code == 2


def test_a_real_process(shop: Path) -> None:
    done = subprocess.run(
        command("balance", shop, 7, "--json"),
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["balances"]["points"]["active"] == 70
    assert not done.stderr
    failed = subprocess.run(
        command("balance", shop / "nowhere", 7),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 2
    assert len(failed.stderr.splitlines()) == 1


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_import_goes_on_after_it_was_stopped(tmp_path: Path, how: signal.Signals) -> None:
    lines = 300_000
    ledger, file = tmp_path / "ledger", write_earns(tmp_path / "a.csv", lines, first_bad=True)
    rejected = tmp_path / "a.csv.rejected.csv"
    assert cli("init", ledger).exit_code == 0
    options = ("-m", "member=card", *EARN, "--id-from", "ref", "--open-members")
    with subprocess.Popen(
        command("import", ledger, file, *options),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        # The first row is bad: once it is written down, the first of several batches is posted.
        while process.poll() is None and not rejected.exists():
            time.sleep(0.001)
        process.send_signal(how)
        _, stderr = process.communicate()
    if how is signal.SIGINT:
        assert process.returncode == 130
        assert "run the same command to go on" in stderr
    else:
        assert process.returncode == -signal.SIGKILL
    with loyalty.open(ledger) as opened:
        before = opened.info().sequence
        assert 0 < before < lines
    summary = json.loads(cli("import", ledger, file, *options, "--json").stdout)
    assert summary["already_there"] > 0
    assert summary["posted"] + summary["already_there"] == lines
    assert summary["members_opened"] == 0
    with loyalty.open(ledger) as opened:
        expected = sum(number % 7 + 1 for number in range(1, lines + 1))
        assert opened.balances()["active"].sum() == expected
        assert opened.verify().ok
    again = json.loads(cli("import", ledger, file, *options, "--json").stdout)
    assert (again["posted"], again["already_there"]) == (0, lines)
    assert again["digest"] == summary["digest"]

"""`loyalty tiers`, and levels by `loyalty post` and `loyalty import`."""

import doctest
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
import pytest
from rich.progress import Progress
from typer.testing import CliRunner, Result

import loyalty
from loyalty.cli import app

from .test_readme import TEXT, commands, run
from .tier_shop import WHO, day, make_shop

ENTRIES = 20
AT = ("--at", "2024-01-01")
BY = ("--actor", "mia", "--reason", "a friend of the house")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiers") / "shop"
    make_shop(path).close()
    return path


@pytest.fixture
def shop(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "shop")


def cli(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), input=stdin)


def tiers(*arguments: object, stdin: str | None = None) -> list[str]:
    """The lines that it prints, with single blanks."""
    result = cli("tiers", *arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return lines_of(result)


def lines_of(result: Result) -> list[str]:
    lines = (" ".join(line.split()) for line in result.stdout.splitlines())
    return [line for line in lines if line.strip("─")]


def tiers_json(*arguments: object) -> Any:
    result = cli("tiers", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def complaint(*arguments: object, stdin: str | None = None, exit_code: int = 2) -> str:
    result = cli(*arguments, stdin=stdin)
    assert result.exit_code == exit_code, result.output
    assert not result.stdout
    return " ".join(result.stderr.replace("│", " ").split())


def sequence(shop: Path) -> int:
    with loyalty.open(shop) as ledger:
        return ledger.info().sequence


def test_recompute(shop: Path) -> None:
    assert tiers("recompute", shop, *AT) == [
        "status: 2 climbed, 0 fell, (2) stayed",
        "to blue to silver to gold to black before",
        "from blue (2) 1 1 4",
        "from silver 0",
        "from gold 0",
        "from black 0",
        "after 2 1 1 0 4",
        "badge: 1 climbed, 0 fell, (3) stayed",
        "to none to collector before",
        "from none (3) 1 4",
        "from collector 0",
        "after 3 1 4",
        "as of 2024-01-01T00:00:00Z",
        "members assessed 4",
        "kept for longer 0",
        "passed over 0",
        "counted entries up to 21",
        "entries of the run 21 to 25",
    ]
    again = tiers("recompute", shop, *AT, "--ladder", "status")
    assert again[0] == "status: 0 climbed, 0 fell, (4) stayed"
    assert again[-1] == "entries of the run 26 to 27"


def test_recompute_in_json(shop: Path) -> None:
    told = tiers_json("recompute", shop, *AT, "--ladder", "badge", "--ladder", "badge")
    assert told["moves"] == [
        {"ladder": "badge", "from": "none", "to": "none", "members": 3},
        {"ladder": "badge", "from": "none", "to": "collector", "members": 1},
    ]
    numbers = ("dry_run", "assessed", "passed_over", "started_sequence", "finished_sequence")
    assert [told[name] for name in numbers] == [False, 4, 0, 21, 23]


def test_a_matrix_too_wide_for_the_screen_is_a_list(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loyalty.cli.output._PIPE_COLUMNS", 40)
    lines = tiers("diff", shop, *AT, "--ladder", "status", "--rows", 0)
    assert lines[1:5] == [
        "from to members",
        "blue blue (2)",
        "blue silver 1",
        "blue gold 1",
    ]


def test_diff_journals_nothing(shop: Path) -> None:
    lines = tiers("diff", shop, *AT, "--rows", 2)
    place = lines.index("Who moves, the first 2 of 3")
    assert lines[place + 1] == "member ladder from to effective until metrics"
    new_year, in_a_year = "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"
    assert lines[place + 2 : place + 4] == [
        f"ada status blue silver {new_year} {in_a_year} spent 150, visits 1",
        f"eve status blue gold {new_year} {in_a_year} spent 600, visits 2",
    ]
    assert lines[-1] == "entries of the run none: nothing was journaled"
    assert sequence(shop) == ENTRIES
    assert "Nobody moves." in tiers("diff", shop, "--at", "2023-02-01")


def test_diff_shows_movers_and_tells_all_changes(shop: Path) -> None:
    tiers("recompute", shop, *AT)
    later = ("--at", "2025-04-01", "--ladder", "status")
    lines = tiers("diff", shop, *later)
    assert [line.split()[0] for line in lines if " silver blue " in line] == ["ada"]
    assert not [line for line in lines if line.startswith("eve")]
    assert "kept for longer 1" in lines
    renewed = tiers_json("diff", shop, *later)["changes"][1]
    assert renewed == {
        "member": "eve",
        "ladder": "status",
        "from": "gold",
        "to": "gold",
        "effective_time": "2025-01-01T00:00:00Z",
        "assessed_time": "2024-12-31T23:59:59.999999Z",
        "until": "2026-01-01T00:00:00Z",
        "metrics": {"spent": 1000, "visits": 2},
    }


@pytest.mark.parametrize("suffix", ["csv", "parquet", "arrow"])
def test_changes_go_to_a_file(shop: Path, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"changes.{suffix}"
    assert tiers("diff", shop, *AT, "--output", file)[-1] == f"changes in {file}"
    if suffix == "csv":
        rows = pa_csv.read_csv(file).to_pylist()
        assert rows[0]["metrics.spent"] == 150
        assert (rows[2]["metrics.spent"], rows[2]["metrics.points"]) == (None, 60)
    else:
        is_arrow = suffix == "arrow"
        table = pa.ipc.open_file(file).read_all() if is_arrow else pa_parquet.read_table(file)
        rows = table.to_pylist()
        assert dict(rows[2]["metrics"]) == {"points": 60}
    moved = [(row["member"], row["from"], row["to"]) for row in rows]
    assert moved[1:] == [("eve", "blue", "gold"), ("eve", "none", "collector")]
    if suffix != "arrow":
        assert tiers_json("recompute", shop, *AT, "--members", file)["assessed"] == 2


@pytest.mark.parametrize("name", ["keys.txt", "keys", "-", "keys.csv", "keys.parquet"])
def test_members_from_a_file(shop: Path, tmp_path: Path, name: str) -> None:
    file = name if name == "-" else tmp_path / name
    lines = None
    if name.endswith(".parquet"):
        pa_parquet.write_table(pa.table({"member": ["ada", "ben"], "x": [1, 2]}), file)
    elif name.endswith(".csv"):
        (tmp_path / name).write_text("x,member\n1,ada\n2,ben\n")
    elif name == "-":
        lines = "ada\n\nben\n"
    else:
        (tmp_path / name).write_text("\nada\n ben \n")
    found = tiers("diff", shop, *AT, "--ladder", "status", "--members", file, stdin=lines)
    assert "from blue (1) 1 2" in found
    assert "members assessed 2" in found


@pytest.mark.parametrize("key_type", ["auto", "int", "text"])
def test_keys_that_look_like_integers(shop: Path, tmp_path: Path, key_type: str) -> None:
    file = tmp_path / "keys.txt"
    file.write_text("7\n")
    arguments = ("tiers", "diff", shop, *AT, "--members", file, "--key-type", key_type, "--json")
    if key_type == "text":
        assert f"{file}, line 1: there is no member '7'" in complaint(*arguments)
        with loyalty.open(shop) as ledger:
            ledger.open_member("7", effective_time=day(2023, 1))
    result = cli(*arguments)
    assert json.loads(result.stdout)["assessed"] == 1
    file.write_text("8\n9\n")
    with loyalty.open(shop) as ledger:
        ledger.open_members(["8", "9"], day(2023, 1))
    result = cli(*arguments)
    assert result.exit_code == (2 if key_type == "int" else 0)
    assert ("line 1: there is no member 8" in result.stderr) == (key_type == "int")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("keys.txt", b"ada\n\nzoe\n", "keys.txt, line 3: there is no member 'zoe'"),
        ("keys.txt", b"\n", "keys.txt names no members"),
        ("keys.txt", b"\xff\xfe\x00", "keys.txt is no text in UTF-8"),
        ("keys.csv", b"card\nada\n", "keys.csv has no column 'member'; its columns are card"),
        ("keys.csv", b"member,x\nada,1\nzoe,1\n", "keys.csv, row 2: there is no member 'zoe'"),
        ("keys.csv", b"member,x\nada,1\nada\n", "keys.csv, row 2: not as many values"),
        ("keys.csv", b"member,x\nada,1\n,2\n", "keys.csv, row 2: member is empty"),
        ("keys.csv", b"member\n", "keys.csv names no members"),
        ("keys.parquet", b"nothing", "keys.parquet is not a Parquet file"),
        ("nowhere.txt", None, "nowhere.txt: No such file"),
    ],
)
def test_files_of_members_that_cannot_be_read(
    shop: Path, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    assert message in complaint("tiers", "recompute", shop, *AT, "--members", file)
    assert sequence(shop) == ENTRIES


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("recompute", "--at", "noon"), "'noon' is no date or time"),
        (("recompute", "--at", "2200-01-01"), "--at 2200-01-01: tiers are recomputed as of now"),
        (("diff", "--at", "2020-01-01"), "--at 2020-01-01: tiers cannot be recomputed as of"),
        (("diff", "--ladder", "colour"), "--ladder colour: the programme has no such ladder"),
        (("recompute", "--picture", "x.pdf"), "'x.pdf' must end in .png or .svg"),
        (("diff", "--output", "x.xls"), "must end in .csv or .parquet or .arrow"),
        (("diff", "--output", "nowhere/x.csv"), "there is no directory 'nowhere'"),
        (("show", "zoe"), "there is no member 'zoe'"),
        (("show", "8"), "there is no member 8 or '8'"),
        (("show", "--as-of", "2024-01-01"), "--as-of needs a MEMBER"),
        (("show", "--ladder", "colour"), "it has: status, badge"),
        (("explain", "zoe"), "there is no member 'zoe'"),
        (("explain", "ada", "--key-type", "int"), "'ada' is not an integer"),
    ],
)
def test_what_cannot_be_done(shop: Path, arguments: tuple[str, ...], message: str) -> None:
    command, *others = arguments
    assert message in complaint("tiers", command, shop, *others)
    assert sequence(shop) == ENTRIES


@pytest.mark.parametrize("command", ["recompute", "diff", "show", "explain"])
def test_a_programme_without_ladders(tmp_path: Path, command: str) -> None:
    with loyalty.create(tmp_path / "plain") as ledger:
        ledger.open_member("ada")
    more = ("ada",) if command == "explain" else ()
    assert "no ladders: add one" in complaint("tiers", command, tmp_path / "plain", *more)


def test_ctrl_c(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "update", interrupt)
        told = complaint("tiers", "recompute", shop, *AT, exit_code=130)
    assert "interrupted. What was acknowledged is kept; run the same command to go on." in told
    assert tiers("recompute", shop, *AT)[1:]
    assert "silver 1 25.0%" in tiers("show", shop)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_pictures(shop: Path, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"moves.{suffix}"
    assert tiers("diff", shop, *AT, "--picture", file)[-1] == f"picture {file}"
    assert file.read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")
    again = tmp_path / f"again.{suffix}"
    tiers_json("recompute", shop, *AT, "--picture", again)
    assert again.stat().st_size > 5_000


def test_a_picture_without_matplotlib(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "loyalty._tier_picture", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    assert "a picture needs matplotlib" in complaint(
        "tiers", "recompute", shop, *AT, "--picture", "x.png"
    )
    assert sequence(shop) == ENTRIES


def test_show_counts(shop: Path) -> None:
    tiers("recompute", shop, *AT)
    assert tiers("show", shop, "--ladder", "status") == [
        "status",
        "level members share",
        "blue 2 50.0%",
        "silver 1 25.0%",
        "gold 1 25.0%",
        "black 0 0.0%",
    ]
    assert tiers_json("show", shop)["ladders"] == {
        "status": {"blue": 2, "silver": 1, "gold": 1, "black": 0},
        "badge": {"none": 3, "collector": 1},
    }


def test_show_members(shop: Path) -> None:
    with loyalty.open(shop) as ledger:
        ledger.set_level("ben", "status", "black", effective_time=day(2023, 9), **WHO)
    tiers("recompute", shop, *AT)
    lines = tiers("show", shop, "eve", "7", "ben", "--ladder", "status")
    assert lines[2:] == [
        "eve status gold 2024-01-01T00:00:00Z 2025-01-01T00:00:00Z",
        "7 status blue opening",
        "ben status black 2023-09-01T00:00:00Z black, for good",
    ]
    assert [row["member"] for row in tiers_json("show", shop, "7", "eve")["tiers"]] == [
        *(7, 7),
        *("eve", "eve"),
    ]
    before = tiers_json("show", shop, "eve", "--as-of", "2023-12-31")
    assert before["as_of"] == "2023-12-31T00:00:00Z"
    assert [row["level"] for row in before["tiers"]] == ["blue", "none"]
    assert "Levels as of 2024-01-01T00:00:00Z" in tiers(
        "show", shop, "eve", "--as-of", "2024-01-01"
    )


def test_explain(shop: Path) -> None:
    tiers("recompute", shop, *AT)
    lines = tiers("explain", shop, "ada", "--ladder", "status")
    assert lines[:3] == [
        "Member 'ada', status",
        "level silver, since 2024-01-01T00:00:00Z",
        "because assessed as of 2024-01-01T00:00:00Z (entry 22)",
    ]
    assert "then he is on blue, if nothing more is posted" in lines
    assert lines[-10:] == [
        "What counts",
        "metric 2024-01-01 now 2025-01-01",
        "spent 150 0 0",
        "visits 1 0 0",
        "What it takes",
        "metric needed there is lacking",
        "to reach gold spent 500 0 500",
        "visits 2 0 2",
        "to stay silver on 2025-01-01 spent 100 0 100",
        "or visits 5 0 5",
    ]


def test_explain_as_of_a_time(shop: Path) -> None:
    tiers("recompute", shop, *AT)
    lines = tiers("explain", shop, "ada", "--ladder", "status", "--as-of", "2023-07-01")
    assert lines[:4] == [
        "Member 'ada', status, as of 2023-07-01T00:00:00Z",
        "level blue, since the opening",
        "because all members begin here",
        "reached then silver",
    ]
    assert "metric then" in lines
    told = tiers_json("explain", shop, "ada", "--as-of", "2024-02-01")
    assert told["as_of"] == "2024-02-01T00:00:00Z"
    assert told["ladders"][0]["level"] == "silver"


def test_history_says_what_became_of_levels(shop: Path) -> None:
    tiers("recompute", shop, *AT)
    shown = cli("history", shop, "ada").stdout
    assert "change_level" in shown
    assert "status: blue to silver" in " ".join(shown.split())


def test_explain_who_gave_a_level(shop: Path) -> None:
    given = ("--ladder", "status", "--level", "black", "--time", "2023-09-01", *BY)
    result = cli("post", shop, "set_level", "7", *given, "--expires", "2024-06-01")
    assert result.exit_code == 0, result.output
    assert "active points" not in result.stdout
    lines = tiers("explain", shop, "7")
    assert "because given by mia: a friend of the house (entry 23)" in lines
    assert "kept on black, until 2024-06-01T00:00:00Z" in lines
    assert "because all members begin here" in lines
    told = tiers_json("explain", shop, "7")
    status, badge = told["ladders"]
    assert (told["member"], status["level"], status["evidence"]) == (7, "black", None)
    assert status["entry"]["reason"] == "a friend of the house"
    assert badge["entry"] is None
    assert badge["to_next"] == [[{"metric": "points", "least": 50, "value": 0}]]


def test_post_refuses_levels_that_are_not_there(shop: Path) -> None:
    given = ("--ladder", "status", "--level", "bronze", *BY)
    result = cli("post", shop, "set_level", "ada", *given)
    assert result.exit_code == 1
    assert "status level_not_found" in lines_of(result)


def test_import_gives_levels(shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "levels.csv"
    file.write_text("ref,member,rank,until\n1,ada,gold,2024-05-01\n2,ben,black,\n3,eve,pink,\n")
    columns = ("-m", "level=rank", "-m", "expires_time=until", "--id-from", "ref")
    constants = [f"--set={pair}" for pair in ("kind=set_level", "ladder=status", "actor=mia")]
    more = ("--set=reason=moved here", "--set=effective_time=2023-09-01")
    result = cli("import", shop, file, *columns, *constants, *more)
    assert result.exit_code == 1, result.output
    assert "1 level_not_found" in lines_of(result)
    rows = tiers_json("show", shop, "ada", "ben", "eve", "--ladder", "status")["tiers"]
    assert [(row["level"], row["kept_until"]) for row in rows] == [
        ("gold", "2024-05-01T00:00:00Z"),
        ("black", None),
        ("blue", None),
    ]


def test_the_example_in_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    section = TEXT[TEXT.index("## Tiers") : TEXT.index("## Numbers")]
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL))
    (tmp_path / "club.toml").write_text(blocks["toml"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    example = doctest.DocTestParser().get_doctest(blocks["pycon"], {}, "README.md", None, 0)
    told: list[str] = []
    assert doctest.DocTestRunner().run(example, out=told.append).failed == 0, "".join(told)
    for command, shown in commands(blocks["shellsession"]):
        printed = run(["sh", "-c", command], tmp_path)
        assert re.fullmatch(re.escape(shown).replace("…", ".+"), printed), f"{command}\n{printed}"

"""`loyalty post`: single postings by hand."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import loyalty
from loyalty.cli import app

TIME = ("--time", "2024-05-01T12:00:00Z")
WHO = ("--actor", "mia", "--reason", "two cards")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A ledger with the members 7 (an integer), "7" and "ada", who have 100 points each."""
    path = tmp_path / "shop"
    with loyalty.create(path) as ledger:
        members: tuple[int | str, ...] = (7, "7", "ada")
        for member in members:
            ledger.open_member(member, effective_time=1)
            ledger.earn(member, 100, effective_time=1_704_103_200_000_000, id=f"gift of {member!r}")
    return path


def post(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["post", *map(str, arguments)])


def post_json(*arguments: object, exit_code: int = 0) -> Any:
    result = post(*arguments, "--json")
    assert result.exit_code == exit_code, result.stderr
    return json.loads(result.stdout)


def test_for_people(shop: Path) -> None:
    result = post(shop, "redeem", "ada", 30, "--id", "order-1", *TIME)
    assert result.exit_code == 0, result.stderr
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["status", "posted"],
        ["id", "order-1"],
        ["effective", "2024-05-01T12:00:00Z"],
        ["entry", "8"],
        ["moved", "-30"],
        ["active", "points", "70"],
    ]


def test_a_refusal_says_what_was_possible(shop: Path) -> None:
    result = post(shop, "redeem", "ada", 130, *TIME)
    assert result.exit_code == 1
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[:2] == ["status insufficient_points", "possible were 100"]


def test_repeating_the_command_posts_once(shop: Path) -> None:
    arguments = (shop, "earn", "ada", 5, "--id", "order-1", *TIME)
    first, second = post_json(*arguments), post_json(*arguments)
    assert (first["status"], second["status"]) == ("posted", "already_exists")
    assert second == first | {"status": "already_exists"}


def test_an_id_is_made_up_and_told(shop: Path) -> None:
    earned = post_json(shop, "earn", "ada", 5)
    taken_back = post_json(shop, "reverse", "ada", "--related", earned["id"])
    assert (taken_back["status"], taken_back["points"]) == ("posted", -5)


def test_points_below_zero(shop: Path) -> None:
    reply = post_json(shop, "adjust", "ada", "-20", *WHO)
    assert (reply["points"], reply["balance"]) == (-20, 80)


@pytest.mark.parametrize(
    ("key", "key_type", "member"), [("7", "auto", 7), ("7", "int", 7), ("7", "text", "7")]
)
def test_either_sort_of_key(shop: Path, key: str, key_type: str, member: int | str) -> None:
    assert post_json(shop, "earn", key, 1, "--key-type", key_type)["member"] == member
    with loyalty.open(shop) as ledger:
        assert ledger.balance(member).active == 101


def test_a_member_that_may_be_of_either_sort(shop: Path) -> None:
    unclear = post(shop, "open_member", "8")
    assert unclear.exit_code == 2
    assert "--key-type" in unclear.stderr
    unknown = post(shop, "earn", "8", 1)
    assert unknown.exit_code == 2
    assert "there is no member 8 or '8'; nothing was posted" in unknown.stderr
    assert post_json(shop, "open_member", "8", "--key-type", "text")["member"] == "8"
    assert post_json(shop, "earn", "8", 1)["member"] == "8"


def test_a_life(shop: Path) -> None:
    """Every option reaches its field."""
    held = post_json(shop, "hold", "ada", 40, *TIME, "--deadline", "2024-05-01T13:00:00Z")
    assert (held["balance"], held["held"]) == (60, 40)
    captured = post_json(shop, "capture", "ada", 15, *TIME, "--related", held["id"])
    assert (captured["balance"], captured["held"]) == (85, 0)
    limits = ("--floor", "-50", "--ceiling", "none")
    assert post_json(shop, "set_limits", "ada", *TIME, *limits, *WHO)["status"] == "posted"
    assert post_json(shop, "redeem", "ada", 130, *TIME)["arrears"] == 45
    earned = post_json(
        *(shop, "earn", "ada", 60, *TIME, "--money", 1250, "--tag", 9),
        *("--activates", "2024-06-01", "--expires", "2025-06-01"),
        *("--rule", "base", "--channel", "web", "--location", "north", "--category", "food"),
    )
    assert earned["pending"] == 60
    given = post_json(shop, "adjust", "7", 1, *TIME, "--expires", "never", *WHO)
    merged = post_json(shop, "merge_members", "ada", "--other-member", "7", *TIME, *WHO)
    assert (given["status"], merged["status"]) == ("posted", "posted")
    with loyalty.open(shop) as ledger:
        assert ledger.balance(7) == ledger.balance("ada")
        rows = ledger.statement("ada").to_pylist()
    (row,) = (row for row in rows if row["sequence"] == earned["sequence"])
    told = {
        "points": 60,
        "money": 1250,
        "tag": 9,
        "rule": "base",
        "channel": "web",
        "location": "north",
        "category": "food",
    }
    assert told.items() <= row.items()
    assert (row["activates_time"].month, row["expires_time"].year) == (6, 2025)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("gift", "ada", 1), "unknown 'gift'"),
        (("redeem", "ada"), "points: a posting of kind 'redeem' must say how many"),
        (("earn", "ada", 1, "--currency", "miles"), "unknown 'miles'"),
        (("earn", "ada", 1, "--time", "noon"), "'noon' is no date or time"),
        (("earn", "ada", 1, "--ceiling", "much"), "--ceiling much: not an integer"),
        (("earn", "ada", 1, "--raeson", "x"), "--raeson"),
        (("earn", "ada", 1, "--key-type", "int"), "'ada' is not an integer"),
    ],
)
def test_what_cannot_be_posted(shop: Path, arguments: tuple[object, ...], complaint: str) -> None:
    result = post(shop, *arguments)
    assert result.exit_code == 2
    assert complaint in " ".join(result.stderr.replace("│", " ").split())
    with loyalty.open(shop) as ledger:
        assert ledger.info().sequence == 7

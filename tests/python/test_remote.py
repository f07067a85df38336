"""`loyalty.connect`: what a server tells of a ledger is what the ledger itself tells."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import loyalty
from loyalty.cli import app

from .rpc_server import Server, serve
from .tier_shop import make_shop

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "format-1"
AS_OF = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)


@pytest.fixture
def golden(tmp_path: Path) -> Iterator[tuple[loyalty.Ledger, loyalty.Ledger]]:
    """A ledger of all kinds of entries, opened read-only, and as its server tells of it."""
    path = Path(shutil.copytree(GOLDEN, tmp_path / "ledger"))
    with (
        serve(path) as server,
        loyalty.open(path, read_only=True) as here,
        loyalty.connect(server.address) as there,
    ):
        yield here, there


@pytest.fixture
def server(path: Path) -> Iterator[Server]:
    make_shop(path).close()
    with serve(path) as server:
        yield server


@pytest.fixture
def shop(server: Server) -> Iterator[loyalty.Ledger]:
    with loyalty.connect(server.address) as shop:
        yield shop


def members_of(ledger: loyalty.Ledger) -> tuple[list[int], list[str]]:
    table = ledger.balances(currency="points").to_arrow()
    keys = zip(table["member"].to_pylist(), table["member_is_text"].to_pylist(), strict=True)
    known = [key if is_text else int(key) for key, is_text in keys if key is not None]
    numbers = [key for key in known if isinstance(key, int)]
    texts = [key for key in known if isinstance(key, str)]
    assert numbers
    assert texts
    return numbers, texts


def all_members_of(ledger: loyalty.Ledger) -> list[int | str]:
    numbers, texts = members_of(ledger)
    return [*numbers, *texts]


def same(told: loyalty.Table, known: loyalty.Table) -> bool:
    return bool(told.to_arrow().equals(known.to_arrow())) and told.metadata == known.metadata


def test_entries_are_the_same(golden: tuple[loyalty.Ledger, loyalty.Ledger]) -> None:
    here, there = golden
    sequence = here.info().sequence
    assert same(there.changes(1, sequence), here.changes(1, sequence))
    assert same(there.changes(5, 7), here.changes(5, 7))
    for entry in range(1, sequence + 1):
        known, told = here.explain(entry), there.explain(entry)
        assert told == known or str(told) == str(known)


def test_statements_are_the_same(golden: tuple[loyalty.Ledger, loyalty.Ledger]) -> None:
    here, there = golden
    for member in all_members_of(here):
        assert same(there.statement(member), here.statement(member))
        past = loyalty.AsOf(sequence=30)
        assert same(there.statement(member, as_of=past), here.statement(member, as_of=past))
        first = there.statement(member, limit=2)
        if first.metadata["next_cursor"] is None:
            continue
        rest = there.statement(member, cursor=first.metadata["next_cursor"])
        assert len(first) + len(rest) == len(here.statement(member))


@pytest.mark.parametrize("currency", ["points", "miles"])
def test_balances_are_the_same(
    golden: tuple[loyalty.Ledger, loyalty.Ledger], currency: str
) -> None:
    here, there = golden
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=30)
    for question in ({"at": later}, {"as_of": AS_OF}, {"as_of": loyalty.AsOf(sequence=20)}):
        for members in members_of(here):
            known = here.balances(members, currency, **question)
            assert same(there.balances(members, currency, **question), known)
    assert there.balance("ada", currency) == here.balance("ada", currency)


def test_what_is_told_of_the_ledger_is_the_same(
    golden: tuple[loyalty.Ledger, loyalty.Ledger],
) -> None:
    here, there = golden
    assert there.digest == here.digest
    assert there.currencies == here.currencies
    assert there.program == here.program
    assert there.program_version == here.program_version
    assert same(there.totals(), here.totals())
    known, told = here.info(), there.info()
    assert (told.sequence, told.members, told.digest) == (
        known.sequence,
        known.members,
        known.digest,
    )


def test_levels_are_the_same(golden: tuple[loyalty.Ledger, loyalty.Ledger]) -> None:
    here, there = golden
    for members in members_of(here):
        assert same(there.tiers(members), here.tiers(members))
        assert same(there.tiers(members, ladder="status"), here.tiers(members, ladder="status"))
    for member in all_members_of(here):
        assert there.tier_progress(member, as_of=AS_OF) == here.tier_progress(member, as_of=AS_OF)
    at = dt.datetime.now(dt.UTC)
    told, known = (each.recompute_tiers(at, dry_run=True) for each in (there, here))
    assert same(told.changes, known.changes)
    assert same(told.moves, known.moves)
    assert (told.assessed, told.levels, told.program_version) == (
        known.assessed,
        known.levels,
        known.program_version,
    )
    assert same(there.expire(at, dry_run=True), here.expire(at, dry_run=True))


@pytest.mark.parametrize(
    "ask",
    [
        lambda ledger: ledger.balances(),
        lambda ledger: ledger.balances(as_of=AS_OF),
        lambda ledger: ledger.tiers(),
        lambda ledger: ledger.totals(as_of=AS_OF),
        lambda ledger: ledger.liability(),
        lambda ledger: ledger.verify(),
        lambda ledger: ledger.checkpoint(),
    ],
)
def test_what_takes_the_whole_ledger_says_where_to_ask(
    shop: loyalty.Ledger, ask: Callable[[loyalty.Ledger], Any]
) -> None:
    with pytest.raises(loyalty.UnsupportedError, match="open its directory read-only"):
        ask(shop)


def test_runs_journal_and_say_what_they_did(shop: loyalty.Ledger) -> None:
    shop.earn("eve", 200, money=200_00).raise_for_status()
    told: list[tuple[int, int]] = []

    def tell(done: int, total: int) -> bool:
        told.append((done, total))
        return True

    run = shop.recompute_tiers(progress=tell)
    assert run.finished_sequence > run.started_sequence > 0
    assert "eve" in run.changes.to_arrow()["member"].to_pylist()
    assert told
    assert told[-1][0] == told[-1][1]
    assert len(shop.recompute_tiers().changes) == 0
    with pytest.raises(loyalty.InvalidInputError, match="time"):
        shop.recompute_tiers(dt.datetime.now(dt.UTC) + dt.timedelta(days=9))
    with pytest.raises(loyalty.NotFoundError, match="medals"):
        shop.recompute_tiers(ladders=["medals"])


def test_programmes_are_applied(shop: loyalty.Ledger) -> None:
    program = shop.program
    larger = loyalty.Program.from_json(program.to_json().replace('"Shop"', '"Larger shop"'))
    assert shop.apply_program(larger, actor="mia", reason="grown") == 2
    assert shop.program == larger
    assert shop.program_at(1) == program


def test_callers_are_known_and_may_do_what_their_roles_say(
    server: Server, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.stop() == 0
    clients = tmp_path / "clients.toml"
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"  # of "test"
    clients.write_text(f'[clients.till]\nroles = ["read"]\ntoken_sha256 = "{digest}"\n')
    with serve(path, "--clients", str(clients)) as guarded:
        with pytest.raises(loyalty.UnauthenticatedError):
            loyalty.connect(guarded.address)
        with (
            loyalty.connect(guarded.address, token="test") as ledger,
            pytest.raises(loyalty.ForbiddenError, match="till does not have the role post"),
        ):
            ledger.earn("ada", 5)
        monkeypatch.setenv("LOYALTY_TOKEN", "test")
        with loyalty.connect(guarded.address) as ledger:
            assert ledger.balance("ada").active == 15


@pytest.mark.parametrize(
    "address",
    [
        "localhost:7461",
        "http://localhost:7461",
        "loyalty://",
        "loyalty://localhost:seven",
        "loyalty://localhost:70000",
        "loyalty://localhost/ledger",
        "loyalty://token@localhost",
    ],
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(loyalty.InvalidInputError, match="address"):
        loyalty.connect(address)


def test_asyncio(server: Server) -> None:
    async def shop() -> tuple[list[int], str]:
        async with await loyalty.connect_async(server.address, calls_max=4) as ledger:
            assert ledger.currencies == ("points",)
            replies = await asyncio.gather(*(ledger.earn("ada", 1) for _ in range(20)))
            with pytest.raises(loyalty.MemberNotFoundError):
                await ledger.balance("nobody")
            return [reply.sequence for reply in replies], await ledger.digest

    with loyalty.connect(server.address) as beside:
        before = beside.balance("ada").active
        sequences, digest = asyncio.run(shop())
        assert len(set(sequences)) == 20
        assert beside.balance("ada").active == before + 20
        assert beside.digest == digest


def test_the_command_line_takes_an_address(server: Server) -> None:
    def run(*arguments: str) -> Any:
        ended = CliRunner().invoke(app, [*arguments, "--json"])
        assert ended.exit_code == 0, ended.output
        return json.loads(ended.stdout)

    address = server.address
    assert run("balance", address, "ada")["balances"]["points"]["active"] == 15
    assert run("post", address, "earn", "ada", "7")["status"] == "posted"
    assert run("balance", address, "ada")["balances"]["points"]["active"] == 22
    assert run("info", address)["members"] == 4
    assert run("program", "diff", address, address)["changes"] == []
    refused = CliRunner().invoke(app, ["verify", address])
    assert refused.exit_code == 2
    assert "read-only" in refused.output

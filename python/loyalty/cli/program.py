"""``loyalty program``: check, show, compare and apply programmes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

import loyalty
from loyalty._remote import is_address
from loyalty.cli.arguments import AsJson, LedgerPlace, open_ledger
from loyalty.cli.output import NOT_DONE, complain, facts, print_json, screen, table
from loyalty.program import Program

app = typer.Typer(
    name="program",
    help="The loyalty programme: currencies, policies, earn rules and ladders, as a document"
    " (docs/programme.md).",
    rich_markup_mode="markdown",
    no_args_is_help=True,
)

# What a table shows always, and all that is by default.
_ALWAYS = (
    *("currency", "rule", "points_per_money", "expiry", "pending"),
    *("ladder", "upgrade", "downgrade", "metric", "of", "window", "level", "needs"),
)
_PLAIN = """
name = "plain"
time_zone = "UTC"
[currencies.plain]
[rules.plain]
currency = "plain"
[ladders.plain]
[ladders.plain.metrics.plain]
of = "money"
window = { model = "lifetime" }
[[ladders.plain.levels]]
name = "plain"
[[ladders.plain.levels]]
name = "plainer"
by_invitation = true
"""
_TITLES = {
    "currencies": "Currencies",
    "rules": "Earn rules",
    "ladders": "Ladders",
    "metrics": "Metrics",
    "levels": "Levels",
}

ProgramFile = Annotated[
    Path,
    typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A programme, in TOML."),
]
Side = Annotated[
    str,
    typer.Argument(help="A programme in TOML, or a ledger: its directory or address."),
]


@app.command()
def check(file: ProgramFile, as_json: AsJson = False) -> None:
    """Check a programme, and show what it says.

    The exit code is 2 if something is wrong: all problems are told, each with its line.
    """
    with _all_problems():
        program = Program.read(file)
    if as_json:
        print_json(json.loads(program.to_json()))
        return
    _show(program)


@app.command()
def show(
    ledger: LedgerPlace,
    version: Annotated[
        int | None, typer.Option(metavar="N", help="This version; the one in force if not given.")
    ] = None,
    as_toml: Annotated[
        bool, typer.Option("--toml", help="Print a document, to change and apply.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a ledger's programme: the one in force, or an earlier one."""
    if as_json and as_toml:
        raise typer.BadParameter("choose one of --json and --toml")
    with open_ledger(ledger, read_only=True) as opened:
        in_force = opened.program_version
        try:
            program = opened.program if version is None else opened.program_at(version)
        except loyalty.NotFoundError as error:
            complain(str(error))
            raise typer.Exit(NOT_DONE) from error
    if as_json:
        print_json(json.loads(program.to_json()))
    elif as_toml:
        typer.echo(program.to_toml(), nl=False)
    else:
        shown = in_force if version is None else version
        _show(program, f"{shown}, in force" if shown == in_force else f"{shown} of {in_force}")


@app.command()
def diff(old: Side, new: Side, as_json: AsJson = False) -> None:
    """Show what changes from one programme to another; of a ledger, the one in force."""
    with _all_problems():
        before, after = _program_of(old), _program_of(new)
    changes = before.diff(after).to_pylist()
    if as_json:
        print_json({"changes": changes})
        return
    _show_changes(changes)


@app.command()
def apply(
    ledger: LedgerPlace,
    file: ProgramFile,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would change, and if it may.")
    ] = False,
    actor: Annotated[str | None, typer.Option(help="Who applies it.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    as_json: AsJson = False,
) -> None:
    """Put a programme in force for all that is posted from now on, and show what changes.

    It becomes the next version; every version is kept. The one that is in force already stays.
    """
    with _all_problems():
        program = Program.read(file)
        with open_ledger(ledger, read_only=dry_run) as opened:
            now, version = opened.program, opened.program_version
            _check_change(opened, now, program)
            applied = version
            if not dry_run:
                applied = opened.apply_program(program, actor=actor, reason=reason)
    changes = now.diff(program).to_pylist()
    if as_json:
        print_json({"dry_run": dry_run, "was": version, "version": applied, "changes": changes})
        return
    _show_changes(changes)
    if dry_run:
        screen().print(f"It may be applied. Version {version} stays in force: this was a dry run.")
    elif applied == version:
        screen().print(f"Version {version} stays in force.")
    else:
        screen().print(f"Version {applied} is in force.")


@contextmanager
def _all_problems() -> Iterator[None]:
    """Print a message of several lines as it is: editors find file and line in it."""
    try:
        yield
    except loyalty.InvalidInputError as error:
        first, *others = str(error).split("\n")
        complain(first)
        for other in others:
            typer.echo(other, err=True)
        raise typer.Exit(NOT_DONE) from error


def _program_of(side: str) -> Program:
    if not is_address(side) and not Path(side).is_dir():
        if not Path(side).exists():
            raise typer.BadParameter(f"there is no file or directory {side!r}")
        return Program.read(Path(side))
    with open_ledger(side, read_only=True) as opened:
        return opened.program


def _check_change(opened: loyalty.Ledger, now: Program, program: Program) -> None:
    """Refuse what the programme in force does not allow to change."""
    try:
        program.check_change(now, opened.currencies)
    except loyalty.InvalidInputError:
        # Allowed all the same where nobody has an account; to find out takes reading all members.
        used = [
            name
            for name in opened.currencies
            if (opened.balances(currency=name)["last_sequence"] > 0).any()
        ]
        program.check_change(now, used)


def _show(program: Program, version: str | None = None) -> None:
    rows = [("programme", program.name), ("time zone", program.time_zone)]
    if version is not None:
        rows.insert(0, ("version", version))
    screen().print(facts(rows))
    plain = Program.from_toml(_PLAIN).summary()
    for title, lines in program.summary().items():
        if not lines:
            continue
        columns = [
            column
            for column in lines[0]
            if column in _ALWAYS or any(line[column] != plain[title][0][column] for line in lines)
        ]
        cells = [[line[column] for column in columns] for line in lines]
        names = [column.replace("_", " ") for column in columns]
        screen().print(table(names, cells, left=names, title=_TITLES[title]))


def _show_changes(changes: list[dict[str, Any]]) -> None:
    if not changes:
        screen().print("Nothing changes.")
    for change in changes:
        typer.echo(change["key"])
        for sign, side in (("-", "old"), ("+", "new")):
            if change[side] is not None:
                typer.echo(f"  {sign} {change[side]}")

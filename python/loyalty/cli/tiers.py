"""``loyalty tiers``: assess members on the programme's ladders, and show where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import TimeRemainingColumn

import loyalty
from loyalty.cli.arguments import (
    AsJson,
    KeyType,
    LedgerPlace,
    Member,
    MemberKeyType,
    candidate_keys,
    open_ledger,
    parse_time,
)
from loyalty.cli.output import print_json, progress, screen
from loyalty.cli.tier_files import read_members, write_changes
from loyalty.cli.tier_tables import (
    changes_table,
    counts_table,
    moves_table,
    progress_tables,
    rows_of,
    run_facts,
    standings_table,
)

app = typer.Typer(
    name="tiers",
    help="Levels of members: assess them, and show where they stand and why (docs/tiers.md).",
    rich_markup_mode="markdown",
    no_args_is_help=True,
)

_PICTURES = (".png", ".svg")
_OUTPUTS = (".csv", ".parquet", ".arrow")

At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="Assess as of this date or time, UTC; now if not given. Never of the future.",
    ),
]
Ladders = Annotated[
    list[str] | None,
    typer.Option("--ladder", metavar="NAME", help="Only this ladder; may be repeated."),
]
MembersFile = Annotated[
    Path | None,
    typer.Option(
        "--members",
        metavar="FILE",
        help="Only these members: a text file with one key a line (- for standard input), or a CSV"
        " or Parquet file with the column member.",
    ),
]
FileKeyType = Annotated[
    KeyType,
    typer.Option(
        "--key-type",
        help="Whether the keys in FILE are integers or texts. auto: integers if all look like it"
        " and there are such members, else texts.",
    ),
]
PictureFile = Annotated[
    Path | None,
    typer.Option(
        "--picture",
        metavar="FILE",
        help="Also draw who went from which level to which: a .png or .svg (needs matplotlib).",
    ),
]


@app.command()
def recompute(
    ledger: LedgerPlace,
    at: At = None,
    ladder: Ladders = None,
    members: MembersFile = None,
    key_type: FileKeyType = KeyType.AUTO,
    picture: PictureFile = None,
    as_json: AsJson = False,
) -> None:
    """Assess members on the programme's ladders, and journal whose level changes.

    Run again, it changes nothing. It may be interrupted: run it again, and it goes on where it was.

    ```
    loyalty tiers recompute shop --picture moves.png
    loyalty tiers recompute shop --at 2024-12-31 --ladder status --members vips.csv
    ```
    """
    _check_picture(picture)
    run = _assess(ledger, at, ladder, members, key_type, dry_run=False)
    _draw(run, picture)
    if as_json:
        print_json(_told(run))
        return
    _show_moves(run)
    screen().print(run_facts(run, picture=picture))


@app.command()
def diff(
    ledger: LedgerPlace,
    at: At = None,
    ladder: Ladders = None,
    members: MembersFile = None,
    key_type: FileKeyType = KeyType.AUTO,
    rows: Annotated[
        int, typer.Option(min=0, metavar="N", help="Show at most so many of those who move.")
    ] = 20,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write all changes to this .csv, .parquet or .arrow file."
        ),
    ] = None,
    picture: PictureFile = None,
    as_json: AsJson = False,
) -> None:
    """Show who would move between levels, and journal nothing.

    `--json` and `--output` have all changes: also levels that are kept for longer, whose from and
    to are the same.
    """
    _check_picture(picture)
    _check_file(output, _OUTPUTS)
    run = _assess(ledger, at, ladder, members, key_type, dry_run=True)
    _draw(run, picture)
    if output is not None:
        write_changes(run, output)
    if as_json:
        print_json({**_told(run), "changes": rows_of(run.changes.to_arrow())})
        return
    _show_moves(run)
    if rows:
        screen().print(changes_table(run, rows))
    screen().print(run_facts(run, picture=picture, output=output))


@app.command()
def show(
    ledger: LedgerPlace,
    member: Annotated[
        list[str] | None, typer.Argument(metavar="MEMBER", help="Members' keys.")
    ] = None,
    ladder: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this one of the programme's ladders.")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Where they stood then, UTC; only of named members."),
    ] = None,
    key_type: MemberKeyType = KeyType.AUTO,
    as_json: AsJson = False,
) -> None:
    """Show where members stand; without MEMBER, how many there are on each level."""
    if as_of is not None and not member:
        raise typer.BadParameter("--as-of needs a MEMBER")
    time = parse_time(as_of)
    with open_ledger(ledger, read_only=True) as opened:
        ladders = _ladders(opened, None if ladder is None else [ladder])
        if not member:
            counts = _counts(opened, ladders)
        else:
            # One by one: integers and texts make no column together.
            keys = [_key(opened, text, key_type) for text in member]
            tables = [opened.tiers([key], ladder=ladder, as_of=time) for key in keys]
    if member:
        rows = [row for table in tables for row in rows_of(table.to_arrow())]
        if as_json:
            print_json({"as_of": time, "tiers": rows})
        else:
            screen().print(standings_table(rows, time))
    elif as_json:
        print_json({"ladders": counts})
    else:
        screen().print(*(counts_table(name, of) for name, of in counts.items()))


@app.command()
def explain(
    ledger: LedgerPlace,
    member: Member,
    ladder: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this one of the programme's ladders.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="TIME", help="How it was then, UTC; now, by default.")
    ] = None,
    key_type: MemberKeyType = KeyType.AUTO,
    as_json: AsJson = False,
) -> None:
    """Show why a member is on his level, what he lacks to the next, and what it takes to stay."""
    time = parse_time(as_of)
    with open_ledger(ledger, read_only=True) as opened:
        ladders = _ladders(opened, None if ladder is None else [ladder])
        key = _key(opened, member, key_type)
        with _naming(as_of, "--as-of"):
            progress_then = opened.tier_progress(key, as_of=time)
        found = [on for on in progress_then if on.ladder in ladders]
        standings = opened.tiers([key], as_of=time).to_pylist()
        entries = {row["ladder"]: _entry(opened, row["sequence"]) for row in standings}
    if as_json:
        told = [asdict(on) | {"entry": entries[on.ladder]} for on in found]
        print_json({"member": key, "as_of": time, "ladders": told})
        return
    for on in found:
        screen().print(*progress_tables(key, on, entries[on.ladder], time))


def _assess(
    ledger: str,
    at: str | None,
    ladders: list[str] | None,
    members: Path | None,
    key_type: KeyType,
    *,
    dry_run: bool,
) -> loyalty.TierRun:
    time = parse_time(at)
    with open_ledger(ledger, read_only=dry_run) as opened:
        wanted = _ladders(opened, ladders)
        keys = None if members is None else read_members(opened, members, key_type)
        with progress(TimeRemainingColumn()) as bar, _naming(at, "--at"):
            task = bar.add_task("assessing", total=None)
            return opened.recompute_tiers(
                time,
                ladders=wanted,
                members=keys,
                dry_run=dry_run,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )


@contextmanager
def _naming(time: str | None, option: str) -> Iterator[None]:
    """Say which time it is that cannot be."""
    try:
        yield
    except loyalty.InvalidInputError as error:
        named = f"{option} {time}: " if time else ""
        raise loyalty.InvalidInputError(f"{named}{error}") from error


def _ladders(opened: loyalty.Ledger, wanted: list[str] | None) -> list[str]:
    """The ladders, each once; all if none is named."""
    known = list(opened.program.ladders)
    if not known:
        raise loyalty.InvalidInputError(
            "the programme has no ladders: add one, [ladders.NAME], and apply it with: loyalty"
            " program apply"
        )
    for name in wanted or ():
        if name not in known:
            raise loyalty.NotFoundError(
                f"--ladder {name}: the programme has no such ladder; it has: {', '.join(known)}"
            )
    return list(dict.fromkeys(wanted or known))


def _counts(opened: loyalty.Ledger, ladders: list[str]) -> dict[str, dict[str, int]]:
    """How many members are on each level of each ladder."""
    standings = opened.tiers().to_arrow().group_by(["ladder", "level"])
    rows = standings.aggregate([([], "count_all")]).to_pylist()
    found = {(row["ladder"], row["level"]): row["count_all"] for row in rows}
    of = opened.program.ladders
    return {
        name: {level.name: found.get((name, level.name), 0) for level in of[name].levels}
        for name in ladders
    }


def _key(opened: loyalty.Ledger, text: str, key_type: KeyType) -> int | str:
    keys = candidate_keys(text, key_type)
    for key in keys:
        if opened.balances([key], opened.currencies[0])["found"][0]:
            return key
    raise loyalty.MemberNotFoundError(f"there is no member {' or '.join(map(repr, keys))}")


def _entry(opened: loyalty.Ledger, sequence: int | None) -> dict[str, Any] | None:
    """What made the level what it is: a run, or somebody."""
    if sequence is None:
        return None
    (row,) = opened.changes(sequence, 1).to_pylist()
    return {name: row[name] for name in ("sequence", "kind", "effective_time", "actor", "reason")}


def _check_file(path: Path | None, suffixes: tuple[str, ...]) -> None:
    """Refuse, before a long run, a file that could not be written after it."""
    if path is None:
        return
    if path.suffix not in suffixes:
        raise typer.BadParameter(f"{str(path)!r} must end in {' or '.join(suffixes)}")
    if not path.parent.is_dir():
        raise typer.BadParameter(f"{str(path)!r}: there is no directory {str(path.parent)!r}")


def _check_picture(path: Path | None) -> None:
    _check_file(path, _PICTURES)
    if path is not None:
        import_module("loyalty._tier_picture")  # says if Matplotlib is missing


def _draw(run: loyalty.TierRun, path: Path | None) -> None:
    if path is not None:
        run.picture().savefig(path)


def _show_moves(run: loyalty.TierRun) -> None:
    for ladder in run.levels:
        screen().print(moves_table(run, ladder))


def _told(run: loyalty.TierRun) -> dict[str, Any]:
    names = (
        *("at", "dry_run", "assessed", "passed_over", "through_sequence", "program_version"),
        *("started_sequence", "finished_sequence"),
    )
    return {name: getattr(run, name) for name in names} | {"moves": run.moves.to_pylist()}

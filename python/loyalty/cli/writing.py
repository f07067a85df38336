"""``loyalty init`` and ``loyalty import``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import TextColumn, TimeRemainingColumn

import loyalty
from loyalty.cli.arguments import AsJson, KeyType, LedgerPlace, check_zone, open_ledger
from loyalty.cli.output import NEEDS_A_LOOK, facts, number, print_json, progress, screen
from loyalty.importing import ImportOptions, ImportSummary, import_file, parse_pairs
from loyalty.program import Program


class FileFormat(StrEnum):
    """How a file is written."""

    AUTO = "auto"
    CSV = "csv"
    PARQUET = "parquet"


def init(
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="The directory to make; it may exist if it is empty."),
    ],
    currency: Annotated[
        list[str] | None,
        typer.Option(
            help="A currency of the ledger; may be repeated. The first one is the default."
        ),
    ] = None,
    program: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Its programme, in TOML (docs/programme.md), which has the currencies.",
        ),
    ] = None,
) -> None:
    """Make an empty ledger.

    Without --currency or --program it has one currency, named points.
    """
    if program and currency:
        raise typer.BadParameter("--program has the currencies: leave out --currency")
    read = Program.read(program) if program else None
    currencies = tuple(currency or ["points"])
    with loyalty.create(directory, currencies=currencies, program=read) as made:
        screen().print(f"Made the ledger {directory} with {', '.join(made.currencies)}.")


def import_(
    ledger: LedgerPlace,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="A CSV (also .csv.gz) or Parquet file.",
        ),
    ],
    mapped: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            "-m",
            metavar="FIELD=COLUMN",
            help="Take a field from a column of another name.",
        ),
    ] = None,
    constants: Annotated[
        list[str] | None,
        typer.Option(
            "--set", "-s", metavar="FIELD=VALUE", help="Give a field the same value in all rows."
        ),
    ] = None,
    id_from: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN[,COLUMN]",
            help="Make each row's id of these columns, where the file has no id column. They must"
            " tell one row from another: two rows with the same values are one posting. @row stands"
            " for the file's content and the row's number.",
        ),
    ] = None,
    open_members: Annotated[
        bool,
        typer.Option("--open-members", help="Open members that are new, as of their first row."),
    ] = False,
    key_type: Annotated[
        KeyType,
        typer.Option(help="What the members' keys are. auto: integers if the first rows' all are."),
    ] = KeyType.AUTO,
    zone: Annotated[
        str,
        typer.Option(
            callback=check_zone,
            metavar="ZONE",
            help="The zone of times that name none, as Europe/Paris.",
        ),
    ] = "UTC",
    money_decimals: Annotated[
        int,
        typer.Option(
            min=0,
            max=9,
            help="Decimals of the money in the file: 2 for 12.34; 0 for 1234, in cents.",
        ),
    ] = 0,
    file_format: Annotated[
        FileFormat, typer.Option("--format", help="auto goes by the file's name.")
    ] = FileFormat.AUTO,
    delimiter: Annotated[
        str | None, typer.Option(help="Of a CSV file; a comma, or a tab in .tsv, if not given.")
    ] = None,
    rejected: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where rejected rows go, with their numbers and reasons: FILE.rejected.csv if not"
            " given. Replaced by every import.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Post the rows of a file.

    The columns that feed a posting: id, kind (earn, redeem, and so on: see `loyalty post`), member,
    currency, points (of an earn without, the programme's rule makes them of the money), money,
    effective_time, expires_time, activates_time, deadline_time, floor, ceiling, other_member, rule,
    channel, location, category, actor, reason, ladder, level, related (an id), tag. Other columns
    are left alone.

    An id is a UUID, or any text that is the same when the row is sent again. Because of it,
    importing a file again, also after a crash, posts only what is not there yet. Rows that cannot
    be posted do not stop the import: they are written down with the reason, and the exit code is 1.

    ```
    loyalty import shop sales.csv -m member=card -m effective_time=sold_at
      -s kind=earn --id-from receipt,line --money-decimals 2 --open-members
    ```
    """
    options = ImportOptions(
        columns=parse_pairs("--map", mapped or []),
        constants=parse_pairs("--set", constants or []),
        id_from=tuple(id_from.split(",")) if id_from else (),
        key_type=key_type.value,
        zone=zone,
        money_decimals=money_decimals,
        open_members=open_members,
        file_format=file_format.value,
        delimiter=delimiter,
        rejected_path=rejected,
    )
    counts = TextColumn("{task.fields[counts]}", markup=False)
    with open_ledger(ledger) as opened, progress(counts, TimeRemainingColumn()) as bar:
        task = bar.add_task(file.name, total=None, counts="")

        def show(done: int, total: int, so_far: ImportSummary) -> None:
            text = f"{so_far.posted:,} posted, {so_far.rejected.total():,} rejected"
            bar.update(task, completed=done, total=total, counts=text)

        summary = import_file(opened, file, options, progress=show)
        digest = opened.digest
    if as_json:
        print_json({**vars(summary), "digest": digest})
    else:
        _show(summary, digest)
    if summary.rejected:
        raise typer.Exit(NEEDS_A_LOOK)


def _show(summary: ImportSummary, digest: str) -> None:
    rows = [
        ("rows read", number(summary.rows)),
        ("posted", number(summary.posted)),
        ("already there", number(summary.already_there)),
        ("rejected", number(summary.rejected.total())),
        *((f"  {count:,}", why) for why, count in summary.rejected.most_common()),
    ]
    if summary.rejected_path:
        rows.append(("rejected rows in", str(summary.rejected_path)))
    if summary.members_opened:
        rows.append(("members opened", number(summary.members_opened)))
    rows.append(
        ("members' keys", {"int": "integers", "text": "texts", None: "none"}[summary.key_type])
    )
    if summary.unused_columns:
        rows.append(("columns not used", ", ".join(summary.unused_columns)))
    rate = summary.rows / max(summary.elapsed_s, 1e-9)
    rows += [("time", f"{summary.elapsed_s:.1f} s, {rate:,.0f} rows/s"), ("digest", digest)]
    screen().print(facts(rows))

"""The commands, and how a fault of any of them ends.

Exit codes: 0 done; 1 done, and something needs a look (rejected rows, problems found); 2 not done
(usage, or a fault); 130 interrupted.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import loyalty
from loyalty.cli import demo, expiry, explain, posting, program, reading, report, tiers, writing
from loyalty.cli.output import INTERRUPTED, NOT_DONE, complain
from loyalty.demo import DemoError
from loyalty.importing import MappingError, UnreadableFileError

_EPILOG = (
    "A ledger is one directory, open in one process at a time. Exit codes: 0 done, 1 done but some"
    " rows were rejected or problems were found, 2 usage error or fault, 130 interrupted."
)

# How the engine's messages end where a directory is no ledger.
_NO_LEDGER = ("there is no such directory", "(it has no valid file LEDGER)")


class _Group(TyperGroup):
    """Turns what stops a command into one line on stderr."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # `loyalty history ... | head`: Typer ends quietly
        except (loyalty.LoyaltyError, MappingError, UnreadableFileError, DemoError) as error:
            complain(f"{error}{_hint(error)}")
            raise typer.Exit(NOT_DONE) from error
        except OSError as error:
            named = f"{error.filename}: " if error.filename else ""
            complain(f"{named}{error.strerror or error}")
            raise typer.Exit(NOT_DONE) from error
        except KeyboardInterrupt as error:
            complain("interrupted. What was acknowledged is kept; run the same command to go on.")
            raise typer.Exit(INTERRUPTED) from error


def _hint(error: Exception) -> str:
    """What to do, where the error does not say it."""
    if isinstance(error, loyalty.NotFoundError) and str(error).endswith(_NO_LEDGER):
        return "; name a ledger's directory, or make one with: loyalty init DIR"
    return ""


app = typer.Typer(
    name="loyalty",
    cls=_Group,
    help="A ledger of loyalty points: exact, durable and auditable.",
    epilog=_EPILOG,
    rich_markup_mode="markdown",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"loyalty {loyalty.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    del version  # its callback has ended the program


app.command("init")(writing.init)
app.command("post", context_settings={"ignore_unknown_options": True})(posting.post)
app.command("import")(writing.import_)
app.command("balance")(reading.balance)
app.command("history")(reading.history)
app.command("explain")(explain.explain)
app.command("report")(report.report)
app.command("totals")(reading.totals)
app.command("expire")(expiry.expire)
app.add_typer(program.app)
app.add_typer(tiers.app)
app.command("verify")(reading.verify)
app.command("info")(reading.info)
app.command("demo")(demo.demo)

"""What the commands print: tables, JSON, and progress and complaints on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

DONE = 0
NEEDS_A_LOOK = 1
NOT_DONE = 2
INTERRUPTED = 130

# Into a file or a pipe, nothing is cut to the width of a terminal.
_PIPE_COLUMNS = 240


def screen() -> Console:
    """Standard output. Text is printed as it is: brackets in data are no markup."""
    width = None if sys.stdout.isatty() else _PIPE_COLUMNS
    return Console(markup=False, highlight=False, width=width)


def complain(message: str) -> None:
    """Print a message to stderr, in one line."""
    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    console.print(Text("loyalty: ", style="bold red"), " ".join(message.split()), sep="", end="\n")


def print_json(value: Any) -> None:
    """Print JSON: integers exact, instants as ISO 8601 in UTC, ids as hex."""
    sys.stdout.write(json.dumps(value, default=_as_json, ensure_ascii=False, indent=2) + "\n")


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def instant(value: datetime) -> str:
    """UTC, with as many decimals as it has: ``2017-01-31T09:30:00Z``."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def number(value: int) -> str:
    """With thousands separators."""
    return f"{value:,}"


def size(count: int) -> str:
    """Bytes, in the largest unit that leaves at least one."""
    value = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{count} bytes" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    left: Iterable[str] = (),
    title: str = "",
) -> Table:
    """A table of texts, right-aligned except the columns named in `left`."""
    result = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left", title_style="bold")
    for column in columns:
        result.add_column(column, justify="left" if column in set(left) else "right", no_wrap=True)
    for row in rows:
        result.add_row(*row)
    return result


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Names and values below each other."""
    result = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    result.add_column(style="dim", no_wrap=True)
    result.add_column(overflow="fold")
    for name, value in rows:
        result.add_row(name, value)
    return result


def progress(*more: ProgressColumn) -> Progress:
    """A progress bar on stderr; silent where that is not a terminal."""
    console = Console(stderr=True, markup=False, highlight=False)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        *more,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )

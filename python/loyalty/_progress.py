"""Telling how far a long call is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Called with (done, total) about ten times a second, and at the end; False stops the call.
ProgressCallback = Callable[[int, int], object]
ProgressLike = bool | ProgressCallback | None


@contextmanager
def progress_callback(progress: ProgressLike, what: str) -> Iterator[ProgressCallback | None]:
    """Give the callback for a ``progress`` argument: True draws a bar (needs rich)."""
    if callable(progress):
        yield progress
    elif not progress:
        yield None
    else:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns) as bar:
            task = bar.add_task(what, total=None)

            def show(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            yield show

"""A progress display for a person: on a terminal only, and only for work that takes a while."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_PATIENCE_SECONDS = 2


@contextmanager
def progress(what: str) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes the count so far and shows it once two seconds have passed."""
    started, is_wanted = time.monotonic(), sys.stderr.isatty()
    display = Progress(
        SpinnerColumn(),
        TextColumn("{task.description} {task.completed:,.0f}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = display.add_task(what, total=None)

    def report(count: int) -> None:
        if is_wanted and time.monotonic() - started >= _PATIENCE_SECONDS:
            display.start()
            display.update(task, completed=count)

    try:
        yield report
    finally:
        if display.live.is_started:
            display.stop()

"""One pass, or one pass after the other: refresh what changed, then run the tasks that are due."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from embedded.actions import utc_now
from embedded.database import LakeError
from embedded.refresh import Refresh, refresh
from embedded.tasks import TaskRun, run_due_tasks

PASS_SECONDS = 0.2  # between two looks; a look that finds nothing costs some milliseconds


@dataclass(frozen=True)
class Tick:
    """What one pass did."""

    refreshes: list[Refresh] = field(default_factory=list)
    task_runs: list[TaskRun] = field(default_factory=list)

    def in_words(self) -> list[str]:
        """Return one line for each thing that was done, or one that says that nothing was."""
        lines = [
            f"refreshed {one.name}: {one.changed_rows:,} rows written, {one.removed_rows:,} removed"
            f" ({one.action.lower()}, {one.seconds:.2f} s)"
            for one in self.refreshes
        ]
        lines += [
            f"task {one.name} "
            + (f"failed: {one.error}" if one.error else f"succeeded ({one.seconds:.2f} s)")
            for one in self.task_runs
        ]
        return lines or ["nothing to do"]


def tick(connection: duckdb.DuckDBPyConnection, as_of: datetime | None = None) -> Tick:
    """Make one pass as of a moment in UTC, by default now; the same lake gives the same result."""
    refreshes = refresh(connection)
    return Tick(refreshes, run_due_tasks(connection, as_of or utc_now()))


def run(
    connection: duckdb.DuckDBPyConnection, stop: threading.Event, report: Callable[[str], None]
) -> None:
    """Make passes until `stop` is set. What a pass cannot do is reported; the next tries again."""
    pause = PASS_SECONDS
    while not stop.wait(pause):
        try:
            done = tick(connection)
        except (duckdb.Error, LakeError) as error:
            report(f"pass failed, trying again: {str(error).splitlines()[0]}")
            pause = min(pause * 2, 30)
            continue
        pause = PASS_SECONDS
        if done.refreshes or done.task_runs:
            for line in done.in_words():
                report(line)

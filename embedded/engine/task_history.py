"""How runs of tasks ended: what is noted of it, and what becomes of a task that failed."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from embedded.engine.registry import RESUME, SCHEMA, Task
from embedded.engine.storage import Connection
from runtime.clock import backoff

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 2, 300  # before a failed task is tried again


@dataclass(frozen=True)
class TaskRun:
    """How one run of a task ended, in wall time; `error` is None when it succeeded.

    `outlook` says what becomes of a task that failed; `why` is set while a command that the task
    started goes on, and says what for.
    """

    name: str
    seconds: float
    error: str | None
    outlook: str | None = None
    why: str | None = None

    def summary_line(self) -> str:
        """Return what became of the task, in one line."""
        if self.error:
            return f"task {self.name} failed: {self.error}; {self.outlook}"
        if self.why:
            return f"task {self.name} started: {self.why}"
        return f"task {self.name} succeeded ({self.seconds:.2f} s)"


def retry_pause(failures: int) -> timedelta:
    """Return how long a task waits after its n-th failure in a row: 2^n seconds, 5 minutes most."""
    return backoff(failures, _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)


def record_success(open_: Connection, task: Task, as_of: datetime, started: float) -> None:
    """Within a transaction, note that a task has run: its failures are forgotten."""
    has_failed = task.consecutive_failures > 0 or task.failed_as_of is not None
    if task.schedule is not None or has_failed:  # else there is nothing to remember
        open_.execute(
            f"update {SCHEMA}.tasks set consecutive_failures = 0, failed_as_of = null,"
            " last_as_of = ? where name = ?",
            [as_of, task.name],
        )
    record(open_, task, "SUCCEEDED", None, as_of, started)


def record_failure(
    open_: Connection,
    task: Task,
    as_of: datetime,
    started: float,
    error: str | None,
) -> str:
    """Within a transaction, note a failure; return what becomes of the task.

    A command has had its time, and waits for the next one.
    """
    failures = task.consecutive_failures + 1
    is_suspended = task.is_suspended or failures >= task.suspend_after_failures
    open_.execute(
        f"update {SCHEMA}.tasks set consecutive_failures = ?, is_suspended = ?, failed_as_of = ?"
        " where name = ?",
        [failures, is_suspended, as_of, task.name],
    )
    record(open_, task, "FAILED", error, as_of, started)
    if is_suspended:
        return f"suspended after {failures} failures in a row: {RESUME}"
    if task.command:
        return f"trying again in {task.schedule}"
    return f"trying again in {retry_pause(failures).total_seconds():.0f} s"


def record(
    open_: Connection,
    task: Task,
    state: str,
    error: str | None,
    as_of: datetime,
    started: float,
) -> None:
    """Within a transaction, add a line to the history: SUCCEEDED, FAILED, EXECUTING or SKIPPED."""
    open_.execute(
        f"insert into {SCHEMA}.task_history values (?, ?, ?, ?, now()::timestamp, ?)",
        [task.name, state, error, as_of, time.perf_counter() - started],
    )

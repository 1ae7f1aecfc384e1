"""Tasks: statements that run when a stream has data, or on a schedule, all or nothing.

A task's statements, its stream's offset and the note of its success are one transaction.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from embedded.database import LakeError, transact
from embedded.functions import load_model_that_serves
from embedded.intervals import parse_interval
from embedded.registry import RESUME, SCHEMA, Task, streams, tasks
from embedded.streams import hand_out, may_have_data, move_offset

_LONGEST_PAUSE_SECONDS = 300  # before a failed task is tried again


@dataclass(frozen=True)
class TaskRun:
    """How one run of a task ended, in wall time; `error` is None when it succeeded.

    `outlook` says what becomes of a task that failed.
    """

    name: str
    seconds: float
    error: str | None
    outlook: str | None = None


def run_due_tasks(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> list[TaskRun]:
    """Run every resumed task whose stream has data or whose schedule has come round.

    A task that failed waits before it is tried again, each time twice as long.
    """
    runs = [
        _run(connection, task, as_of, only_with_data=True)
        for task in tasks(connection).values()
        if not task.is_suspended and _is_due(connection, task, as_of)
    ]
    return [run for run in runs if run is not None]


def run_task(connection: duckdb.DuckDBPyConnection, task: Task, as_of: datetime) -> TaskRun | None:
    """Run one task now, whatever its state; a failure is recorded and returned, not raised."""
    return _run(connection, task, as_of, only_with_data=False)


def _run(
    connection: duckdb.DuckDBPyConnection, task: Task, as_of: datetime, *, only_with_data: bool
) -> TaskRun | None:
    started = time.perf_counter()
    error = outlook = None
    connection.execute(f"set variable as_of = timestamp '{as_of.isoformat(sep=' ')}'")
    try:
        has_run = transact(
            connection,
            lambda open_: _run_statements(
                open_, task, as_of, started, only_with_data=only_with_data
            ),
        )
        if not has_run:
            return None
    except (duckdb.Error, LakeError) as failure:
        error = str(failure).strip().splitlines()[0]
        outlook = transact(
            connection, lambda open_: _record_failure(open_, task, as_of, started, error)
        )
    return TaskRun(task.name, time.perf_counter() - started, error, outlook)


def retry_pause(failures: int) -> timedelta:
    """Return how long a task waits after its n-th failure in a row: 2^n seconds, 5 minutes most."""
    return timedelta(seconds=min(2 ** min(failures, 30), _LONGEST_PAUSE_SECONDS))


def _is_due(connection: duckdb.DuckDBPyConnection, task: Task, as_of: datetime) -> bool:
    if task.failed_as_of is not None:
        pause = retry_pause(task.consecutive_failures)
        if task.failed_as_of <= as_of < task.failed_as_of + pause:
            return False
    if task.stream is not None:
        return may_have_data(connection, streams(connection)[task.stream])
    if task.schedule is None or task.last_as_of is None:
        return task.schedule is not None
    return as_of >= task.last_as_of + parse_interval(task.schedule, f"task {task.name}: schedule")


def _run_statements(
    connection: duckdb.DuckDBPyConnection,
    task: Task,
    as_of: datetime,
    started: float,
    *,
    only_with_data: bool,
) -> bool:
    """Run the task's statements; without them, when its stream nets to nothing, return False."""
    if task.stream is not None:
        stream = streams(connection)[task.stream]
        snapshot, count = hand_out(connection, stream)
        if count == 0 and only_with_data:
            move_offset(connection, stream, snapshot)
            return False
    load_model_that_serves(connection)
    for statement in duckdb.extract_statements(task.body):
        connection.execute(statement)
    if task.stream is not None:
        move_offset(connection, stream, snapshot)
    connection.execute(
        f"update {SCHEMA}.tasks set consecutive_failures = 0, failed_as_of = null,"
        " last_as_of = ? where name = ?",
        [as_of, task.name],
    )
    _record(connection, task, "SUCCEEDED", None, as_of, started)
    return True


def _record_failure(
    connection: duckdb.DuckDBPyConnection,
    task: Task,
    as_of: datetime,
    started: float,
    error: str | None,
) -> str:
    """Note a failure; return what becomes of the task."""
    failures = task.consecutive_failures + 1
    is_suspended = task.is_suspended or failures >= task.suspend_after_failures
    connection.execute(
        f"update {SCHEMA}.tasks set consecutive_failures = ?, is_suspended = ?, failed_as_of = ?"
        " where name = ?",
        [failures, is_suspended, as_of, task.name],
    )
    _record(connection, task, "FAILED", error, as_of, started)
    if is_suspended:
        return f"suspended after {failures} failures in a row: {RESUME}"
    return f"trying again in {retry_pause(failures).total_seconds():.0f} s"


def _record(
    connection: duckdb.DuckDBPyConnection,
    task: Task,
    state: str,
    error: str | None,
    as_of: datetime,
    started: float,
) -> None:
    connection.execute(
        f"insert into {SCHEMA}.task_history values (?, ?, ?, ?, now()::timestamp, ?)",
        [task.name, state, error, as_of, time.perf_counter() - started],
    )

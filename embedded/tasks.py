"""Tasks: statements that run when a stream has data, or on a schedule, all or nothing.

A task's statements, its stream's offset and the note of its success are one transaction.
"""

import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from embedded.database import LakeError, transact
from embedded.functions import load_churn_model
from embedded.registry import SCHEMA, Task, streams, tasks
from embedded.streams import fix_bounds, has_data, move_offset

_UNITS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600}


@dataclass(frozen=True)
class TaskRun:
    """How one run of a task ended; `error` is None when it succeeded; seconds are wall time."""

    name: str
    seconds: float
    error: str | None


def run_due_tasks(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> list[TaskRun]:
    """Run every resumed task whose stream has data or whose schedule has come round."""
    return [
        run_task(connection, task, as_of)
        for task in tasks(connection).values()
        if not task.is_suspended and _is_due(connection, task, as_of)
    ]


def run_task(connection: duckdb.DuckDBPyConnection, task: Task, as_of: datetime) -> TaskRun:
    """Run one task now, whatever its state; a failure is recorded and returned, not raised."""
    started = time.perf_counter()
    error = None
    connection.execute(f"set variable as_of = timestamp '{as_of.isoformat(sep=' ')}'")
    try:
        transact(connection, lambda open_: _run_statements(open_, task, as_of, started))
    except (duckdb.Error, LakeError) as failure:
        error = str(failure).strip().splitlines()[0]
        transact(connection, lambda open_: _record_failure(open_, task, as_of, started, error))
    return TaskRun(task.name, time.perf_counter() - started, error)


def schedule_interval(schedule: str) -> timedelta:
    """Return the interval of a schedule such as '10 SECONDS', '60 MINUTES' or '1 HOUR'."""
    match = re.fullmatch(r"(\d+)\s+(SECOND|MINUTE|HOUR)S?", schedule.strip(), re.IGNORECASE)
    if match is None:
        raise LakeError(f"schedule '{schedule}' is not understood here: write '60 MINUTES'")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2].upper()])


def _is_due(connection: duckdb.DuckDBPyConnection, task: Task, as_of: datetime) -> bool:
    if task.stream is not None:
        return has_data(connection, streams(connection)[task.stream])
    if task.schedule is None or task.last_as_of is None:
        return task.schedule is not None
    return as_of >= task.last_as_of + schedule_interval(task.schedule)


def _run_statements(
    connection: duckdb.DuckDBPyConnection, task: Task, as_of: datetime, started: float
) -> None:
    stream = streams(connection)[task.stream] if task.stream else None
    snapshot = fix_bounds(connection, stream) if stream else None
    load_churn_model(connection)
    for statement in duckdb.extract_statements(task.body):
        connection.execute(statement)
    if stream is not None and snapshot is not None:
        move_offset(connection, stream, snapshot)
    connection.execute(
        f"update {SCHEMA}.tasks set consecutive_failures = 0, last_as_of = ? where name = ?",
        [as_of, task.name],
    )
    _record(connection, task, "SUCCEEDED", None, as_of, started)


def _record_failure(
    connection: duckdb.DuckDBPyConnection,
    task: Task,
    as_of: datetime,
    started: float,
    error: str | None,
) -> None:
    failures = task.consecutive_failures + 1
    connection.execute(
        f"update {SCHEMA}.tasks set consecutive_failures = ?, is_suspended = ? where name = ?",
        [failures, task.is_suspended or failures >= task.suspend_after_failures, task.name],
    )
    _record(connection, task, "FAILED", error, as_of, started)


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

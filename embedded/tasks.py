"""Tasks: statements that run when a stream has data, or on a schedule, all or nothing.

A task's statements, its stream's offset and the note of its success are one transaction.
"""

import time
from datetime import datetime

import duckdb

from embedded.commands import Commands
from embedded.computed_task import Computed, ComputedTask
from embedded.database import transact
from embedded.functions import load_model_that_serves
from embedded.intervals import parse_interval
from embedded.registered import Registered
from embedded.registry import Task, streams
from embedded.streams import hand_out, move_offset
from embedded.task_history import TaskRun, record_failure, record_success, retry_pause
from runtime.errors import EngineError, first_line


def run_due_tasks(
    connection: duckdb.DuckDBPyConnection,
    known: Registered,
    as_of: datetime,
    commands: Commands,
    computed: dict[str, ComputedTask] | None = None,
) -> list[TaskRun]:
    """Run every resumed task whose stream has data or whose schedule has come round.

    A task that failed waits before it is tried again, each time twice as long. Commands are
    started, and go on: `commands` tells when they have ended. Who makes pass after pass keeps
    `computed`, in which the tasks of streams have their working copies.
    """
    due = [
        task
        for task in known.tasks.values()
        if not (task.is_suspended or commands.is_running(task.name)) and _is_due(known, task, as_of)
    ]
    runs = [
        commands.begin(task, as_of)
        if task.command
        else _run(connection, task, as_of, _computed_task(connection, task, computed))
        for task in due
    ]
    return [run for run in runs if run is not None]


def run_task(connection: duckdb.DuckDBPyConnection, task: Task, as_of: datetime) -> TaskRun | None:
    """Run one task now, whatever its state, a command to its end.

    Returns None when its stream or its query has nothing for it; a failure is recorded and
    returned, not raised.
    """
    if task.command is None:
        return _run(connection, task, as_of, only_with_data=False)
    commands = Commands(connection)
    begun = commands.begin(task, as_of)
    return next(iter(commands.ended(wait=True)), begun)


def _computed_task(
    connection: duckdb.DuckDBPyConnection, task: Task, kept: dict[str, ComputedTask] | None
) -> ComputedTask | None:
    """Return what computes a stream's task on its working copy, if there is to be one."""
    if kept is None or task.stream is None:
        return None
    if task.name not in kept or kept[task.name].task.body != task.body:
        kept[task.name] = ComputedTask(connection, task)
    return kept[task.name]


def _run(
    connection: duckdb.DuckDBPyConnection,
    task: Task,
    as_of: datetime,
    on_copy: ComputedTask | None = None,
    *,
    only_with_data: bool = True,
) -> TaskRun | None:
    started = time.perf_counter()
    error = outlook = None
    connection.execute(f"set variable as_of = timestamp '{as_of.isoformat(sep=' ')}'")
    computed: Computed | None = None

    def compute() -> None:
        nonlocal computed
        computed = on_copy.compute(as_of) if on_copy is not None else None

    def work(open_: duckdb.DuckDBPyConnection) -> bool:
        if on_copy is None or computed is None:
            return _run_statements(open_, task, as_of, started, only_with_data=only_with_data)
        on_copy.write(computed)
        move_offset(open_, computed.stream, computed.snapshot)
        if computed.changes:
            record_success(open_, task, as_of, started)
        return computed.changes > 0

    try:
        has_run = transact(connection, work, before=compute)
        if on_copy is not None and computed is not None:
            on_copy.confirm(computed)
        if not has_run:
            return None
    except (duckdb.Error, EngineError) as failure:
        error = first_line(failure)
        outlook = transact(
            connection, lambda open_: record_failure(open_, task, as_of, started, error)
        )
    return TaskRun(task.name, time.perf_counter() - started, error, outlook)


def _is_due(known: Registered, task: Task, as_of: datetime) -> bool:
    if task.failed_as_of is not None:
        pause = retry_pause(task.consecutive_failures)
        if task.failed_as_of <= as_of < task.failed_as_of + pause:
            return False
    if task.stream is not None:
        return known.may_have_data(known.streams[task.stream])
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
    record_success(connection, task, as_of, started)
    return True

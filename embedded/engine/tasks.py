"""Tasks: statements that run when a stream has data, or on a schedule, all or nothing.

A task's statements, its stream's offset and the note of its success are one transaction.
"""

import time
from collections.abc import Mapping
from datetime import datetime

import duckdb

from embedded.engine.dbt_commands import Commands
from embedded.engine.intervals import parse_interval
from embedded.engine.registry import DynamicTable, Stream, Task, streams
from embedded.engine.statements import Statements
from embedded.engine.streams import hand_out, move_offset
from embedded.engine.task_history import TaskRun, record_failure, record_success, retry_pause
from runtime.errors import EngineError, first_line

_AS_OF = "getvariable('as_of')"


def run_due_tasks(
    statements: Statements,
    known: Mapping[str, Task],
    tables: Mapping[str, DynamicTable],
    as_of: datetime,
    commands: Commands,
) -> list[TaskRun]:
    """Run every resumed task whose stream has data or whose schedule has come round.

    A task that failed waits before it is tried again, each time twice as long. Commands are
    started, and go on: `commands` tells when they have ended.
    """
    placed = streams(statements.connection)
    due = [
        task
        for task in known.values()
        if not (task.is_suspended or commands.is_running(task.name))
        and _is_due(task, placed, tables, as_of)
    ]
    runs = [
        commands.begin(statements, task, as_of) if task.command else _run(statements, task, as_of)
        for task in due
    ]
    return [run for run in runs if run is not None]


def run_task(statements: Statements, task: Task, as_of: datetime) -> TaskRun | None:
    """Run one task now, whatever its state, a command to its end.

    Returns None when its stream or its query has nothing for it; a failure is recorded and
    returned, not raised.
    """
    if task.command is None:
        return _run(statements, task, as_of, only_with_data=False)
    commands = Commands()
    begun = commands.begin(statements, task, as_of)
    return next(iter(commands.ended(statements, wait=True)), begun)


def _is_due(
    task: Task,
    placed: Mapping[str, Stream],
    tables: Mapping[str, DynamicTable],
    as_of: datetime,
) -> bool:
    if task.failed_as_of is not None:
        pause = retry_pause(task.consecutive_failures)
        if task.failed_as_of <= as_of < task.failed_as_of + pause:
            return False
    if task.stream is not None:
        stream = placed[task.stream]
        source = tables.get(stream.source)
        return source is not None and source.version > (stream.consumed_version or 0)
    if task.schedule is None or task.last_as_of is None:
        return task.schedule is not None
    return as_of >= task.last_as_of + parse_interval(task.schedule, f"task {task.name}: schedule")


def _run(
    statements: Statements, task: Task, as_of: datetime, *, only_with_data: bool = True
) -> TaskRun | None:
    started = time.perf_counter()

    def work() -> bool:
        return _run_statements(statements, task, as_of, started, only_with_data=only_with_data)

    with statements.opened.writer_lock:
        try:
            if not statements.transact(work):
                return None
        except (duckdb.Error, EngineError) as failure:
            if isinstance(failure, duckdb.FatalException):
                raise
            error = first_line(failure)
            outlook = statements.transact(
                lambda: record_failure(statements.connection, task, as_of, started, error)
            )
            return TaskRun(task.name, time.perf_counter() - started, error, outlook)
    return TaskRun(task.name, time.perf_counter() - started, None)


def _run_statements(
    statements: Statements,
    task: Task,
    as_of: datetime,
    started: float,
    *,
    only_with_data: bool,
) -> bool:
    """Run the task's statements; without them, when its stream nets to nothing, return False."""
    connection, rows = statements.connection, 0
    if task.stream is not None:
        stream = streams(connection)[task.stream]
        version, rows = hand_out(statements, stream)
        if not rows and only_with_data:
            move_offset(statements, stream, version)
            return False
    statements.opened.before_tasks(connection)
    clock = statements.table("clock", "select cast(null as timestamp) as as_of")
    connection.execute(f"insert into {clock} values (?)", [as_of])
    for text in split_statements(task.body):
        _run_statement(statements, task, text, as_of, rows)
    if task.stream is not None:
        move_offset(statements, stream, version)
    record_success(connection, task, as_of, started)
    return True


def _run_statement(
    statements: Statements, task: Task, text: str, as_of: datetime, rows: int
) -> None:
    """Run one statement: prepared when it runs with every pass, and may be prepared.

    A plan would keep the value of a variable, so the moment stands in a table.
    """
    moment = f"timestamp '{as_of.isoformat(sep=' ')}'"
    is_merge = text.lstrip().lower().startswith("merge")  # which DuckDB does not prepare
    if task.stream is None or is_merge:
        statements.connection.execute(text.replace(_AS_OF, moment))
    else:
        statements.run(text.replace(_AS_OF, "(select as_of from temp.main.clock)"), rows)


def split_statements(body: str) -> list[str]:
    """Return the statements of a body, each as its text."""
    return [one.query.strip().rstrip(";") for one in duckdb.extract_statements(body)]

"""Tasks: statements that run when a stream has data, or on a schedule, all or nothing.

A task's statements, its stream's offset and the note of its success are one transaction.
"""

import re
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import duckdb

from embedded.engine.dbt_commands import Commands
from embedded.engine.intervals import parse_interval
from embedded.engine.registry import DynamicTable, Stream, Task, refresh_key_of, streams
from embedded.engine.set_aside import (
    Key,
    definition_of,
    excluded_keys,
    failing_keys,
    is_of_rows,
    key_table,
    release_keys,
    set_aside,
    to_be_tried_again,
)
from embedded.engine.statements import Statements, at_moment
from embedded.engine.storage import CATALOG
from embedded.engine.streams import hand_out, hand_out_again, move_offset
from embedded.engine.task_history import TaskRun, record_failure, record_success, retry_pause
from runtime.errors import EngineError, first_line


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
    placed, released = streams(statements.connection), to_be_tried_again(statements)
    due = [
        task
        for task in known.values()
        if not (task.is_suspended or commands.is_running(task.name))
        and (task.name in released or _is_due(task, placed, tables, as_of))
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
    interval = parse_interval(task.schedule, f"task {task.name}: schedule")
    # A clock that was set back must not stop anything.
    return not task.last_as_of <= as_of < task.last_as_of + interval


def _run(
    statements: Statements, task: Task, as_of: datetime, *, only_with_data: bool = True
) -> TaskRun | None:
    started = time.perf_counter()

    def work() -> bool:
        has_run = _run_statements(statements, task, as_of, only_with_data=only_with_data)
        if has_run:
            record_success(statements.connection, task, as_of, started)
        return has_run

    with statements.opened.writer_lock:
        try:
            try:
                has_run = statements.transact(work)
            except duckdb.Error as error:
                if not is_of_rows(error) or not _set_failing_keys_aside(statements, task, as_of):
                    raise
                has_run = statements.transact(work)
        except (duckdb.Error, EngineError) as failure:
            if isinstance(failure, duckdb.FatalException):
                raise
            error = first_line(failure)
            outlook = statements.transact(
                lambda: record_failure(statements.connection, task, as_of, started, error)
            )
            return TaskRun(task.name, time.perf_counter() - started, error, outlook)
    return TaskRun(task.name, time.perf_counter() - started, None) if has_run else None


class _Rows(NamedTuple):
    """The rows that a task is about: where all their keys are, and which columns are the key."""

    place: str
    keys: Sequence[str]


def _rows_of(statements: Statements, task: Task) -> _Rows | None:
    """Return what a task can be divided by; None when it can only be run whole."""
    if task.stream is not None:
        source = streams(statements.connection)[task.stream].source
        keys = refresh_key_of(statements.connection, source)
        return _Rows(f"temp.main.{task.stream}", keys)
    if task.divided_by is None:
        return None
    return _Rows(f"{CATALOG}.main.{task.divided_by.relations[0]}", task.divided_by.key)


def _run_statements(
    statements: Statements,
    task: Task,
    as_of: datetime,
    *,
    only_with_data: bool,
    only_keys: Sequence[Key] | None = None,
) -> bool:
    """Run the task's statements; without them, when its stream nets to nothing, return False.

    `only_keys` are the keys of the rows that it is about, by default all that are not set aside.
    """
    connection, count, body = statements.connection, 0, task.body
    if task.stream is not None:
        stream = streams(connection)[task.stream]
        version, count = hand_out(statements, stream)
        count += _hand_out_released(statements, task, stream)
        if not count and only_with_data:
            move_offset(statements, stream, version)
            return False
    if (rows := _rows_of(statements, task)) is not None:
        body = _restrict(statements, task, rows, only_keys)
    statements.opened.before_tasks(connection)
    clock = statements.table("clock", "select cast(null as timestamp) as as_of")
    connection.execute(f"insert into {clock} values (?)", [as_of])
    for text in split_statements(body):
        _run_statement(statements, task, text, as_of, count)
    if task.stream is not None:
        move_offset(statements, stream, version)
    return True


def _hand_out_released(statements: Statements, task: Task, stream: Stream) -> int:
    """Add the rows that were left out and are to be tried again; return how many."""
    rows = _rows_of(statements, task)
    if rows is None:
        return 0
    query = f"from {rows.place}"
    released = release_keys(statements, task.name, _definition(task), query, rows.keys)
    return 0 if released is None else hand_out_again(statements, stream, released)


def _restrict(
    statements: Statements, task: Task, rows: _Rows, only_keys: Sequence[Key] | None
) -> str:
    """Leave out the rows whose keys were set aside, or all but some; return the task's body."""
    query, using = f"from {rows.place}", f"using ({', '.join(rows.keys)})"
    if only_keys is not None:
        place = key_table(statements, f"only_{task.name}", query, rows.keys, only_keys)
        kept = f"semi join {place} {using}"
    elif excluded := excluded_keys(statements, task.name, _definition(task), query, rows.keys):
        kept = f"anti join {excluded} {using}"
    else:
        return task.body
    if task.stream is not None:
        copy = statements.table(f"kept_{task.stream}", query)
        for statement in (
            f"insert into {copy} {query} {kept}",
            f"truncate {rows.place}",
            f"insert into {rows.place} from {copy}",
        ):
            statements.connection.execute(statement)
        return task.body
    body = task.body
    for relation in task.divided_by.relations if task.divided_by else []:
        stored = f'"{CATALOG}"."main"."{relation}"'
        view = statements.view(f"kept_{task.name}_{relation}", f"from {stored} {kept}")
        # Wherever it is read, and not where rows of it are written.
        body = re.sub(rf"(?<!delete from )(?<!into )(?<!update ){stored}", view, body)
    return body


def _definition(task: Task) -> str:
    return definition_of(task.body, task.divided_by)


def _set_failing_keys_aside(statements: Statements, task: Task, as_of: datetime) -> bool:
    """Set the keys aside with whose rows the task fails; return whether any explain it."""
    if (rows := _rows_of(statements, task)) is None:
        return False

    def concerned() -> list[Key]:
        if task.stream is not None:
            stream = streams(statements.connection)[task.stream]
            hand_out(statements, stream)
            _hand_out_released(statements, task, stream)
            _restrict(statements, task, rows, None)
        keys = ", ".join(rows.keys)
        return statements.connection.execute(
            f"select distinct {keys} from {rows.place} order by all"
        ).fetchall()

    def attempt(keys: Sequence[Key]) -> None:
        statements.attempt(
            lambda: _run_statements(statements, task, as_of, only_with_data=False, only_keys=keys)
        )

    failing = failing_keys(statements.transact(concerned), attempt)
    if failing is None:
        return False
    set_aside(statements, task.name, _definition(task), rows.keys, failing, as_of)
    return True


def _run_statement(
    statements: Statements, task: Task, text: str, as_of: datetime, rows: int
) -> None:
    """Run one statement: prepared when it runs with every pass, and may be prepared."""
    is_merge = text.lstrip().lower().startswith("merge")  # which DuckDB does not prepare
    if task.stream is None or is_merge:
        statements.connection.execute(at_moment(text, as_of))
    else:
        statements.run(at_moment(text), rows)


def split_statements(body: str) -> list[str]:
    """Return the statements of a body, each as its text."""
    return [one.query.strip().rstrip(";") for one in duckdb.extract_statements(body)]

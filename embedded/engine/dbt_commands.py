"""Commands: what a task has dbt do when its query returns a row, in a thread of this process.

A pass starts a command and goes on: training may take minutes, and nothing waits for it. It ends
with the process that started it; its task is then due again at its next time.
"""

import threading
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import duckdb

from embedded.engine.dbt import run_dbt
from embedded.engine.registry import SCHEMA, Task, tasks
from embedded.engine.statements import Statements, at_moment
from embedded.engine.storage import database
from embedded.engine.task_history import TaskRun, record, record_failure, record_success
from runtime.errors import EngineError, first_line


class _Running(threading.Thread):
    """dbt in a thread; `error` is what it failed with, once it has ended."""

    def __init__(self, task: Task, as_of: datetime, started: float, home: Path) -> None:
        super().__init__(name=task.name, daemon=True)
        self.as_of, self.started = as_of, started
        self.error: str | None = None
        target_path = str((home / "dbt" / task.name).absolute())  # nobody else's compiled models
        # By the thread that has the file already: another one would wait for whoever asks for it.
        self._pin = ExitStack()
        self._pin.enter_context(database(home).pinned())
        self._arguments = (*(task.command or ()), "--target-path", target_path)

    def run(self) -> None:
        with self._pin:
            try:
                run_dbt(*self._arguments)
            except Exception as error:
                self.error = first_line(error)


class Commands:
    """The commands that run at present, by the name of their task."""

    def __init__(self) -> None:
        self._running: dict[str, _Running] = {}

    def is_running(self, name: str) -> bool:
        """Tell whether a task's command goes on."""
        return name in self._running

    def begin(self, statements: Statements, task: Task, as_of: datetime) -> TaskRun | None:
        """Start a task's command if its query returns a row, whose first column says why.

        Returns None when there is nothing to do; a query that fails is noted and returned.
        """
        started = time.perf_counter()
        try:
            why = statements.transact(lambda: _reason(statements, task, as_of, started))
        except (duckdb.Error, EngineError) as failure:
            return _failed(statements, task, as_of, started, first_line(failure))
        if why is None:
            return None
        self._running[task.name] = _Running(task, as_of, started, statements.opened.home)
        self._running[task.name].start()
        return TaskRun(task.name, 0.0, None, why=why)

    def ended(self, statements: Statements, *, wait: bool = False) -> list[TaskRun]:
        """Note and return the commands that have ended, all of them if they are waited for."""
        done = []
        for name, running in list(self._running.items()):
            if wait:
                running.join()
            if running.is_alive():
                continue
            del self._running[name]
            # A task that was taken out of the project meanwhile has no notes.
            if (task := tasks(statements.connection).get(name)) is not None:
                done.append(_note(statements, task, running))
        return done


def _note(statements: Statements, task: Task, running: _Running) -> TaskRun:
    as_of, started = running.as_of, running.started
    if running.error is not None:
        return _failed(statements, task, as_of, started, running.error)
    connection = statements.connection
    statements.transact(lambda: record_success(connection, task, as_of, started))
    return TaskRun(task.name, time.perf_counter() - started, None)


def _failed(
    statements: Statements, task: Task, as_of: datetime, started: float, error: str
) -> TaskRun:
    def work() -> str:
        _note_begin(statements, task, as_of)  # what cannot even be asked waits like the rest
        return record_failure(statements.connection, task, as_of, started, error)

    outlook = statements.transact(work)
    return TaskRun(task.name, time.perf_counter() - started, error, outlook)


def _reason(statements: Statements, task: Task, as_of: datetime, started: float) -> str | None:
    """Return why the command is to be run, None if it is not; note which."""
    connection = statements.connection
    row = connection.execute(at_moment(task.body, as_of)).fetchone()
    _note_begin(statements, task, as_of)
    state = "SKIPPED" if row is None else "EXECUTING"
    record(connection, task, state, None, as_of, started)
    return None if row is None else str(row[0])


def _note_begin(statements: Statements, task: Task, as_of: datetime) -> None:
    statements.connection.execute(
        f"update {SCHEMA}.tasks set last_as_of = ? where name = ?", [as_of, task.name]
    )

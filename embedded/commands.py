"""Commands: what a task has dbt do when its query returns a row, in a process of its own.

A pass starts a command and goes on: training may take minutes, and nothing waits for it. It ends
with the scheduler that started it; its task is then due again at its next time.
"""

import time
from dataclasses import dataclass
from datetime import datetime

import duckdb

from embedded.database import lake_path, transact
from embedded.processes import Dbt
from embedded.registry import SCHEMA, Task, tasks
from embedded.task_history import TaskRun, record, record_failure, record_success
from runtime.errors import EngineError, first_line


@dataclass(frozen=True)
class _Running:
    as_of: datetime
    started: float
    dbt: Dbt


class Commands:
    """The commands that run at present, by the name of their task."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._running: dict[str, _Running] = {}

    def is_running(self, name: str) -> bool:
        """Tell whether a task's command goes on."""
        return name in self._running

    def begin(self, task: Task, as_of: datetime) -> TaskRun | None:
        """Start a task's command if its query returns a row, whose first column says why.

        Returns None when there is nothing to do; a query that fails is noted and returned.
        """
        started = time.perf_counter()
        try:
            why = transact(self._connection, lambda open_: _reason(open_, task, as_of, started))
        except (duckdb.Error, EngineError) as failure:
            return self._failed(task, as_of, started, first_line(failure))
        if why is None:
            return None
        target = (lake_path() / "dbt" / task.name).resolve()  # nobody else's compiled models
        dbt = Dbt(*task.command, "--target-path", str(target))
        self._running[task.name] = _Running(as_of, started, dbt)
        return TaskRun(task.name, 0.0, None, why=why)

    def ended(self, *, wait: bool = False) -> list[TaskRun]:
        """Note and return the commands that have ended, all of them if they are waited for."""
        done = []
        for name, running in list(self._running.items()):
            if wait:
                running.dbt.wait()
            if running.dbt.is_running:
                continue
            del self._running[name]
            done.append(self._note(name, running))
        return done

    def stop(self) -> None:
        """End what still runs; a command that was cut off has changed nothing."""
        for running in self._running.values():
            running.dbt.stop()
        self._running = {}

    def _note(self, name: str, running: _Running) -> TaskRun:
        task, as_of, started = tasks(self._connection)[name], running.as_of, running.started
        error = running.dbt.error()
        if error is not None:
            return self._failed(task, as_of, started, error)
        transact(self._connection, lambda open_: record_success(open_, task, as_of, started))
        return TaskRun(name, time.perf_counter() - started, None)

    def _failed(self, task: Task, as_of: datetime, started: float, error: str) -> TaskRun:
        def work(open_: duckdb.DuckDBPyConnection) -> str:
            _note_begin(open_, task, as_of)  # what cannot even be asked waits like the rest
            return record_failure(open_, task, as_of, started, error)

        outlook = transact(self._connection, work)
        return TaskRun(task.name, time.perf_counter() - started, error, outlook)


def _reason(
    open_: duckdb.DuckDBPyConnection, task: Task, as_of: datetime, started: float
) -> str | None:
    """Return why the command is to be run, None if it is not; note which."""
    row = open_.execute(task.body).fetchone()
    _note_begin(open_, task, as_of)
    record(open_, task, "SKIPPED" if row is None else "EXECUTING", None, as_of, started)
    return None if row is None else str(row[0])


def _note_begin(open_: duckdb.DuckDBPyConnection, task: Task, as_of: datetime) -> None:
    open_.execute(f"update {SCHEMA}.tasks set last_as_of = ? where name = ?", [as_of, task.name])

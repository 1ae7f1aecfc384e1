"""A task that is computed on a working copy in memory, and then written to the lake at once.

What it writes is what it would have written on the lake itself.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import duckdb

from embedded.changes import current_snapshot
from embedded.churn_model import MODEL_TABLES
from embedded.database import OvertakenError
from embedded.definitions import Definitions, lake_definitions, schema_version, view_queries
from embedded.functions import load_churn_model
from embedded.refresh import Refresh
from embedded.registry import DynamicTable, Stream, Task, streams
from embedded.staged_task import StagedTask, staged_task
from embedded.working_copy import OutOfStepError, WorkingCopy
from runtime.errors import EngineError

Result = TypeVar("Result")


@dataclass(frozen=True)
class Computed:
    """What a task is to write, as of the snapshot of the lake that its copy was in step with."""

    stream: Stream
    snapshot: int
    changes: int  # that the stream handed out
    rows: Mapping[int, int] = field(default_factory=dict)  # by the number of the statement


class ComputedTask:
    """One task with its working copy, kept between its runs."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, task: Task) -> None:
        self.task = task
        self._connection = connection
        self._copy = WorkingCopy(connection, f"working_{task.name}")
        self._start_anew()

    def forget(self) -> None:
        """Forget the copy, which is made anew when it is needed."""
        self._copy.forget()
        self._start_anew()

    def _start_anew(self) -> None:
        self._staged: StagedTask | None = None
        self._definitions: Definitions = {}
        self._schema_version: int | None = None
        self._has_model = False
        self._is_written = True
        self._impossible_with: int | None = None  # the version of the definitions

    def follow(self, refreshes: Sequence[Refresh], tables: Mapping[str, DynamicTable]) -> None:
        """Change the copy as refreshes, which are written, have changed the lake."""
        if self._staged is not None:
            self._in_transaction(lambda: self._copy.follow(refreshes, tables))

    def compute(self, as_of: datetime) -> Computed | None:
        """Compute the task when it is this process's turn to write, before its transaction.

        Returns None when it must be run on the lake itself.
        """
        if not self._is_written:  # the copy is ahead of the lake
            self.forget()
        try:
            return self._compute(as_of)
        except OutOfStepError:  # and all is forgotten by now
            return self._compute(as_of)

    def write(self, computed: Computed) -> None:
        """Within the task's transaction, write what was computed; raises OvertakenError."""
        if self._staged is None or current_snapshot(self._connection) != computed.snapshot:
            raise OvertakenError
        self._staged.write(computed.rows)

    def confirm(self, computed: Computed) -> None:
        """Note that what was computed is written: copy and lake are in step again."""
        statements = self._staged.plan.statements if self._staged else ()
        changed_rows: Counter[str] = Counter()
        for number, rows in computed.rows.items():
            if rows:
                changed_rows[statements[number].target] += rows
        for target, rows in changed_rows.items():
            self._copy.note_own_change(target, rows)
        self._is_written = True

    def _compute(self, as_of: datetime) -> Computed | None:
        # Statements are prepared after the transaction that makes their tables: else their plans
        # would not be kept.
        if self._staged is None and not self._in_transaction(self._stage):
            impossible_with = self._schema_version
            self.forget()
            self._impossible_with = impossible_with
            return None
        return self._in_transaction(lambda: self._run(as_of))

    def _in_transaction(self, work: Callable[[], Result]) -> Result:
        """Run `work` in a transaction that reads one snapshot of the lake and writes the copy."""
        self._connection.execute("begin transaction")
        try:
            result = work()
            self._connection.execute("commit")
        except BaseException:
            with suppress(duckdb.Error):
                self._connection.execute("rollback")
            self.forget()
            raise
        return result

    def _run(self, as_of: datetime) -> Computed | None:
        snapshot = current_snapshot(self._connection)
        if schema_version(self._connection, snapshot) != self._schema_version:
            self._check_definitions(snapshot)
        stream, changes = streams(self._connection)[self.task.stream], self._copy.changes(snapshot)
        count = self._copy.hand_out(stream, changes, snapshot)
        self._copy.bring_up(changes, snapshot)
        if not count:
            return Computed(stream, snapshot, count)
        if not self._load_model(changes):
            return None
        self._is_written = False
        return Computed(stream, snapshot, count, self._staged.run(as_of))

    def _check_definitions(self, snapshot: int) -> None:
        """Raise OutOfStepError when something that the task needs is defined otherwise now."""
        needed = self._staged.plan.tables | self._staged.plan.views
        now = lake_definitions(self._connection)
        if any(now.get(name) != self._definitions[name] for name in needed):
            raise OutOfStepError
        self._definitions = now
        self._schema_version = schema_version(self._connection, snapshot)

    def _stage(self) -> bool:
        """Put all that the task needs on the copy; return whether that can be."""
        snapshot = current_snapshot(self._connection)
        self._schema_version = schema_version(self._connection, snapshot)
        if self._schema_version == self._impossible_with:
            return False
        self._definitions = lake_definitions(self._connection)
        found = staged_task(self.task, self._copy, self._definitions)
        stream = streams(self._connection)[self.task.stream]
        if found is None or not found.place(stream, view_queries(self._definitions), snapshot):
            return False
        self._staged = found
        return True

    def _load_model(self, changes: Mapping[str, list[int]]) -> bool:
        """Load the model when it may be another one; return whether it can serve."""
        self._has_model = self._has_model and MODEL_TABLES.isdisjoint(changes)
        if not self._has_model:
            with suppress(EngineError):
                load_churn_model(self._connection)
                self._has_model = True
        return self._has_model

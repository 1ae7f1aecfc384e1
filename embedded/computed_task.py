"""A task whose statements are computed on a working copy, and then written to the lake at once.

What it writes is what it would have written on the lake itself. Rows that a statement inserts are
kept in a stage of their own and put into the lake from there. A delete or a merge is done twice, on
the copy and on the lake, from the same rows of the copy.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from graphlib import TopologicalSorter
from typing import TypeVar

import duckdb

from embedded.changes import current_snapshot
from embedded.churn_model import MODEL_TABLES
from embedded.database import CATALOG, LakeError, OvertakenError
from embedded.definitions import Definitions, lake_definitions, schema_version
from embedded.functions import load_churn_model
from embedded.query_tree import redirect, source_tables
from embedded.refresh import Refresh
from embedded.registry import DynamicTable, Stream, Task, streams
from embedded.task_plan import TaskPlan, plan, redirect_relations
from embedded.working_copy import OutOfStepError, WorkingCopy

_AS_OF = "getvariable('as_of')"

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
        self._execute = connection.execute
        self._connection = connection
        self._copy = WorkingCopy(connection, f"working_{task.name}")
        self._clock = self._copy.named("clock")
        self._start_anew()

    def forget(self) -> None:
        """Forget the copy, which is made anew when it is needed."""
        self._copy.forget()
        self._start_anew()

    def _start_anew(self) -> None:
        self._plan: TaskPlan | None = None
        self._runs: list[str] = []  # what runs each statement
        self._definitions: Definitions = {}
        self._schema_version: int | None = None
        self._has_model = False
        self._is_written = True
        self._impossible_with: int | None = None  # the version of the definitions

    def follow(self, refreshes: Sequence[Refresh], tables: Mapping[str, DynamicTable]) -> None:
        """Change the copy as refreshes, which are written, have changed the lake."""
        if self._plan is not None:
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
        if current_snapshot(self._connection) != computed.snapshot:
            raise OvertakenError
        stages: dict[str, list[str]] = {}
        for number, one in enumerate(self._plan.statements if self._plan else ()):
            if not computed.rows.get(number):
                continue
            if not one.is_insert:
                self._execute(f"{one.verb} {_stored(one.target)} {self._on_copy(one.query)}")
            else:
                stages.setdefault(one.target, []).append(f"from {self._stage(number)}")
        for target, rows in stages.items():
            self._execute(f"insert into {_stored(target)} {' union all '.join(rows)}")

    def confirm(self, computed: Computed) -> None:
        """Note that what was computed is written: copy and lake are in step again."""
        statements = self._plan.statements if self._plan else ()
        for target in {statements[number].target for number, rows in computed.rows.items() if rows}:
            self._copy.note_own_change(target)
        self._is_written = True

    def _compute(self, as_of: datetime) -> Computed | None:
        # Statements are prepared after the transaction that makes their tables: else their plans
        # would not be kept.
        if self._plan is None and not self._in_transaction(self._make_plan):
            impossible_with = self._schema_version
            self.forget()
            self._impossible_with = impossible_with
            return None
        return self._in_transaction(lambda: self._run_plan(as_of))

    def _in_transaction(self, work: Callable[[], Result]) -> Result:
        """Run `work` in a transaction that reads one snapshot of the lake and writes the copy."""
        self._execute("begin transaction")
        try:
            result = work()
            self._execute("commit")
        except BaseException:
            with suppress(duckdb.Error):
                self._execute("rollback")
            self.forget()
            raise
        return result

    def _run_plan(self, as_of: datetime) -> Computed | None:
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
        if not self._runs:
            self._prepare()
        self._is_written = False
        return Computed(stream, snapshot, count, self._run(as_of))

    def _check_definitions(self, snapshot: int) -> None:
        """Raise OutOfStepError when something that the plan needs is defined otherwise now."""
        needed = self._plan.tables | self._plan.views
        now = lake_definitions(self._connection)
        if any(now.get(name) != self._definitions[name] for name in needed):
            raise OutOfStepError
        self._definitions = now
        self._schema_version = schema_version(self._connection, snapshot)

    def _make_plan(self) -> bool:
        """Put all that the task needs on the copy; return whether that can be."""
        snapshot = current_snapshot(self._connection)
        self._schema_version = schema_version(self._connection, snapshot)
        if self._schema_version == self._impossible_with:
            return False
        self._definitions = lake_definitions(self._connection)
        queries = {name: one for name, one in self._definitions.items() if isinstance(one, str)}
        tables = frozenset(self._definitions.keys() - queries.keys())
        task_plan = plan(self.task.body, tables, queries)
        if task_plan is None:
            return False
        self._copy.add_stream(streams(self._connection)[self.task.stream], snapshot)
        self._execute(f"create table if not exists {self._clock} (as_of timestamp)")
        for number, one in enumerate(task_plan.statements):
            empty = f"from {_stored(one.target)} limit 0"
            self._execute(f"create table if not exists {self._stage(number)} as {empty}")
        changed = {one.target for one in task_plan.statements if not one.is_insert}
        for table in task_plan.tables:
            if self._copy.add(table, snapshot):
                continue
            if table in changed:
                return False
            self._add_view(table, self._stored_and_staged(table, task_plan))
        order = TopologicalSorter({name: source_tables(queries[name]) for name in task_plan.views})
        for name in order.static_order():
            if name in task_plan.views:
                sources = {one: one for one in source_tables(queries[name])}
                query = redirect(queries[name], sources, self._copy.catalog)
                self._add_view(name, self._with_clock(query))
        self._plan = task_plan
        return True

    def _stored_and_staged(self, table: str, task_plan: TaskPlan) -> str:
        """Return a query for a table that stays in the lake, and what the task has put into it."""
        targets = [one.target for one in task_plan.statements]
        stages = [self._stage(number) for number, one in enumerate(targets) if one == table]
        return " union all ".join(f"from {one}" for one in [_stored(table), *stages])

    def _add_view(self, name: str, query: str) -> None:
        self._execute(f"create or replace view {self._copy.named(name)} as {query}")

    def _load_model(self, changes: Mapping[str, list[int]]) -> bool:
        """Load the model when it may be another one; return whether it can serve."""
        self._has_model = self._has_model and MODEL_TABLES.isdisjoint(changes)
        if not self._has_model:
            with suppress(LakeError):
                load_churn_model(self._connection)
                self._has_model = True
        return self._has_model

    def _prepare(self) -> None:
        """Have the statements planned, once, if nothing that they read stays in the lake."""
        is_in_memory = all(table in self._copy for table in self._plan.tables)
        for number, one in enumerate(self._plan.statements):
            if one.is_insert:
                head = f"insert into {self._stage(number)} ({one.columns})"
            else:
                head = f"{one.verb} {self._copy.named(one.target)}"
            text = f"{head} {self._on_copy(one.query)}"
            if is_in_memory and one.verb != "merge into":  # which DuckDB does not prepare
                name = f"{self._copy.catalog}_{number}"
                self._execute(f"prepare {name} as {self._with_clock(text)}")
                text = f"execute {name}"
            self._runs.append(text)

    def _run(self, as_of: datetime) -> dict[int, int]:
        """Run the statements on the copy; return how many rows each has put in or changed."""
        rows = {}
        self._execute(f"delete from {self._clock}")
        self._execute(f"insert into {self._clock} values (?)", [as_of])
        for number in range(len(self._runs)):
            self._execute(f"delete from {self._stage(number)}")
        for number, (text, one) in enumerate(zip(self._runs, self._plan.statements, strict=True)):
            row = self._execute(text).fetchone()
            rows[number] = row[0] if row else 0
            if rows[number] and one.is_insert and one.target in self._copy:
                target = self._copy.named(one.target)
                self._execute(f"insert into {target} from {self._stage(number)}")
        return rows

    def _on_copy(self, query: str) -> str:
        stream = self.task.stream
        redirected = redirect_relations(query, self._copy.catalog)
        return redirected.replace(f"temp.main.{stream}", self._copy.named(stream))

    def _with_clock(self, query: str) -> str:
        """Let a query read the moment from a table: a plan would keep the value of a variable."""
        return query.replace(_AS_OF, f"(select as_of from {self._clock})")

    def _stage(self, number: int) -> str:
        return self._copy.named(f"stage_{number}")


def _stored(table: str) -> str:
    return f"{CATALOG}.main.{table}"

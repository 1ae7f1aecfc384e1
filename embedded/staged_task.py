"""A task's statements on its working copy: run there, and then written to the lake from there.

Rows that a statement inserts are kept in a stage of their own and put into the lake from there. A
delete or a merge is done twice, on the copy and on the lake, from the same rows of the copy.
"""

from collections.abc import Mapping
from datetime import datetime
from graphlib import TopologicalSorter

from embedded.database import CATALOG
from embedded.definitions import Definitions, view_queries
from embedded.query_tree import redirect, source_tables
from embedded.registry import Stream, Task
from embedded.task_plan import TaskPlan, plan, redirect_relations
from embedded.working_copy import WorkingCopy

_AS_OF = "getvariable('as_of')"


class StagedTask:
    """One task's plan, with the tables, views and prepared statements that it has on a copy."""

    def __init__(self, task: Task, copy: WorkingCopy, task_plan: TaskPlan) -> None:
        self.plan = task_plan
        self._task, self._copy = task, copy
        self._execute = copy.connection.execute
        self._clock = copy.named("clock")
        self._runs: list[str] = []  # what runs each statement, once it is known

    def run(self, as_of: datetime) -> dict[int, int]:
        """Run the statements on the copy; return how many rows each has put in or changed."""
        if not self._runs:
            self._prepare()
        rows = {}
        self._execute(f"delete from {self._clock}")
        self._execute(f"insert into {self._clock} values (?)", [as_of])
        for number in range(len(self._runs)):
            self._execute(f"delete from {self._stage(number)}")
        for number, (text, one) in enumerate(zip(self._runs, self.plan.statements, strict=True)):
            row = self._execute(text).fetchone()
            rows[number] = row[0] if row else 0
            if rows[number] and one.is_insert and one.target in self._copy:
                target = self._copy.named(one.target)
                self._execute(f"insert into {target} from {self._stage(number)}")
        return rows

    def write(self, rows: Mapping[int, int]) -> None:
        """Do in the lake what the last run did on the copy, given how many rows each statement."""
        stages: dict[str, list[str]] = {}
        for number, one in enumerate(self.plan.statements):
            if not rows.get(number):
                continue
            if not one.is_insert:
                self._execute(f"{one.verb} {_stored(one.target)} {self._on_copy(one.query)}")
            else:
                stages.setdefault(one.target, []).append(f"from {self._stage(number)}")
        for target, staged in stages.items():
            self._execute(f"insert into {_stored(target)} {' union all '.join(staged)}")

    def place(self, stream: Stream, queries: Mapping[str, str], snapshot: int) -> bool:
        """Put all that the statements need on the copy; return whether that can be."""
        self._copy.add_stream(stream, snapshot)
        self._execute(f"create table if not exists {self._clock} (as_of timestamp)")
        for number, one in enumerate(self.plan.statements):
            empty = f"from {_stored(one.target)} limit 0"
            self._execute(f"create table if not exists {self._stage(number)} as {empty}")
        changed = {one.target for one in self.plan.statements if not one.is_insert}
        for table in self.plan.tables:
            if self._copy.add(table, snapshot):
                continue
            if table in changed:
                return False
            self._add_view(table, self._stored_and_staged(table))
        order = TopologicalSorter({name: source_tables(queries[name]) for name in self.plan.views})
        for name in order.static_order():
            if name in self.plan.views:
                sources = {one: one for one in source_tables(queries[name])}
                query = redirect(queries[name], sources, self._copy.catalog)
                self._add_view(name, self._with_clock(query))
        return True

    def _stored_and_staged(self, table: str) -> str:
        """Return a query for a table that stays in the lake, and what the task has put into it."""
        targets = [one.target for one in self.plan.statements]
        stages = [self._stage(number) for number, one in enumerate(targets) if one == table]
        return " union all ".join(f"from {one}" for one in [_stored(table), *stages])

    def _add_view(self, name: str, query: str) -> None:
        self._execute(f"create or replace view {self._copy.named(name)} as {query}")

    def _prepare(self) -> None:
        """Have the statements planned, once, if nothing that they read stays in the lake."""
        is_in_memory = all(table in self._copy for table in self.plan.tables)
        for number, one in enumerate(self.plan.statements):
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

    def _on_copy(self, query: str) -> str:
        stream = self._task.stream
        redirected = redirect_relations(query, self._copy.catalog)
        return redirected.replace(f"temp.main.{stream}", self._copy.named(stream))

    def _with_clock(self, query: str) -> str:
        """Let a query read the moment from a table: a plan would keep the value of a variable."""
        return query.replace(_AS_OF, f"(select as_of from {self._clock})")

    def _stage(self, number: int) -> str:
        return self._copy.named(f"stage_{number}")


def staged_task(task: Task, copy: WorkingCopy, definitions: Definitions) -> StagedTask | None:
    """Return a task as it can be staged on a copy; None if it must be run on the lake itself."""
    queries = view_queries(definitions)
    task_plan = plan(task.body, frozenset(definitions.keys() - queries.keys()), queries)
    return None if task_plan is None else StagedTask(task, copy, task_plan)


def _stored(table: str) -> str:
    return f"{CATALOG}.main.{table}"

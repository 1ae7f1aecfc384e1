"""What the registry holds, as a pass needs it; the next pass reads only what has changed since."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import duckdb

from embedded.changes import changes_since, committed_at, current_snapshot
from embedded.registry import (
    DynamicTable,
    RefreshFailure,
    Stream,
    Task,
    dynamic_tables,
    refresh_failures,
    streams,
    tasks,
    with_states,
)

Part = TypeVar("Part")


@dataclass(frozen=True)
class Registered:
    """What the registry holds, by name, and which snapshot was the last to change a table's rows.

    It may be out of date at once: whoever writes makes sure, in the transaction, that it holds.
    """

    snapshot: int
    last_changes: dict[str, int]
    tables: dict[str, DynamicTable]
    failing: dict[str, RefreshFailure]
    tasks: dict[str, Task]
    streams: dict[str, Stream]

    def after_changes(self, tables: Iterable[str]) -> "Registered":
        """Return the same, knowing that rows of some tables were changed since."""
        return replace(
            self, last_changes=self.last_changes | dict.fromkeys(tables, self.snapshot + 1)
        )

    def may_have_data(self, stream: Stream) -> bool:
        """Tell whether rows were written since the offset; the net of them may be nothing."""
        changed = self.last_changes.get(stream.source)
        return changed is not None and changed > (stream.offset_snapshot or 0)


def read_registered(
    connection: duckdb.DuckDBPyConnection, last: Registered | None = None
) -> Registered:
    """Return what the registry holds now, given what it held; raises EngineError before a build."""
    snapshot = current_snapshot(connection)  # what is committed meanwhile is read twice
    if last is not None and snapshot == last.snapshot:
        return last
    if last is None or committed_at(connection, last.snapshot) is None:
        return _read_all(connection, snapshot)
    changes = {one.table: one.snapshot for one in changes_since(connection, last.snapshot)}

    def renewed(part: Part, read: Callable[[], Part], *tables: str) -> Part:
        return part if changes.keys().isdisjoint(tables) else read()

    tables = renewed(last.tables, lambda: dynamic_tables(connection), "dynamic_tables")
    return Registered(
        snapshot,
        last.last_changes | changes,
        renewed(tables, lambda: with_states(connection, tables), "refresh_states"),
        renewed(last.failing, lambda: refresh_failures(connection), "refresh_failures"),
        renewed(last.tasks, lambda: tasks(connection), "tasks", "task_commands"),
        renewed(last.streams, lambda: streams(connection), "streams"),
    )


def _read_all(connection: duckdb.DuckDBPyConnection, snapshot: int) -> Registered:
    placed = streams(connection)
    oldest = min((one.offset_snapshot or 0 for one in placed.values()), default=snapshot)
    changes = {one.table: one.snapshot for one in changes_since(connection, oldest)}
    return Registered(
        snapshot,
        changes,
        dynamic_tables(connection),
        refresh_failures(connection),
        tasks(connection),
        placed,
    )

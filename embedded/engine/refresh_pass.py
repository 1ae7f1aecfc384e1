"""Dynamic tables: one pass brings them all up to date, each after what it reads.

A pass is one transaction, from the tables that are loaded to the last dynamic table.
"""

import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from graphlib import CycleError, TopologicalSorter

from embedded.engine.changes import prune_log
from embedded.engine.refresh import (
    Pass,
    compute_keys,
    concerned_keys,
    refresh_table,
)
from embedded.engine.registry import (
    INCREMENTAL,
    SCHEMA,
    DynamicTable,
    Position,
    Stream,
    dynamic_tables,
    streams,
)
from embedded.engine.set_aside import failing_keys, set_aside
from embedded.engine.sql_tree import source_tables
from embedded.engine.statements import Statements
from runtime.errors import EngineError


@dataclass(frozen=True)
class Refresh:
    """What one pass did to one dynamic table; rows are counted, seconds are wall time.

    `oldest_change` is when the oldest row arrived that it took in, where that is known.
    """

    name: str
    action: str
    changed_rows: int
    removed_rows: int
    seconds: float
    oldest_change: datetime | None


class TableError(Exception):
    """One dynamic table could not be refreshed; its cause says why."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def refresh(statements: Statements, names: Collection[str] | None = None) -> list[Refresh]:
    """Bring every dynamic table, or some and those they read, up to date; return what was done.

    A table whose sources did not change is not touched; when none did, nothing is written at all.
    Raises EngineError for a table that cannot be refreshed by its key.
    """
    try:
        return try_refresh(statements, names)
    except TableError as error:
        raise error.__cause__ from None


def try_refresh(statements: Statements, names: Collection[str] | None = None) -> list[Refresh]:
    """Do the same; raises TableError, which names the table that failed."""
    with statements.opened.refresh_lock:
        return statements.transact(lambda: _refresh_all(statements, names))


def _refresh_all(statements: Statements, names: Collection[str] | None) -> list[Refresh]:
    tables = dynamic_tables(statements.connection)
    wanted = set(tables) if names is None else set(names) & set(tables)
    wanted |= {one for name in wanted for one in tables[name].reads if one in tables}
    placed = streams(statements.connection)
    current = Pass(statements, tables, _followed(tables, placed, wanted))
    done: list[Refresh] = []
    order = _in_order({name: _sources(tables[name]) for name in wanted})
    order = [name for name in order if name in wanted]
    for name in order:
        started, table = time.perf_counter(), tables[name]
        try:
            written = refresh_table(current, table)
        except Exception as error:
            raise TableError(name) from error
        if written is not None:
            seconds = time.perf_counter() - started
            done.append(Refresh(name, *written, seconds, _oldest_change(current, table)))
    _remember(current, done, order)
    return done


def set_failing_keys_aside(statements: Statements, name: str, at: datetime) -> bool:
    """Set the keys aside that a table cannot be refreshed with; return whether any explain it.

    What it reads must be up to date.
    """

    def attempt(keys: Sequence[tuple[object, ...]]) -> None:
        statements.attempt(lambda: compute_keys(Pass(statements, tables), tables[name], keys))

    with statements.opened.refresh_lock:
        tables = dynamic_tables(statements.connection)
        if tables[name].refresh_mode != INCREMENTAL:
            return False
        keys = statements.transact(lambda: concerned_keys(Pass(statements, tables), tables[name]))
        failing = failing_keys(keys, attempt)
        if failing is None:
            return False
        table = tables[name]
        set_aside(statements, name, table.definition, table.refresh_key, failing, at)
    return True


def _followed(
    tables: Mapping[str, DynamicTable], placed: Mapping[str, Stream], wanted: set[str]
) -> frozenset[str]:
    """Return the tables whose changes a stream, or a table that is not refreshed now, will need."""
    behind = {
        source for name, table in tables.items() if name not in wanted for source in table.seen
    }
    return frozenset(behind | {one.source for one in placed.values()})


def _sources(table: DynamicTable) -> Collection[str]:
    try:
        return source_tables(table.query)
    except EngineError as error:
        raise TableError(table.name) from error


def _in_order(sources: Mapping[str, Collection[str]]) -> list[str]:
    try:
        return list(TopologicalSorter(sources).static_order())
    except CycleError as error:
        circle = " reads ".join(reversed(error.args[1]))
        raise EngineError(f"dynamic tables read each other in a circle: {circle}") from error


def _oldest_change(current: Pass, table: DynamicTable) -> datetime | None:
    """Return when the oldest row arrived that a table takes in now; None if that is not known."""
    if not table.seen:
        return None
    arrivals = []
    for (source, seen), news in current.news.items():
        if source in table.reads and news.new_rows and news.first_new_row is not None and seen:
            arrivals.append(current.arrival_of(source, news.first_new_row))
    return min((one for one in arrivals if one is not None), default=None)


def _remember(current: Pass, done: list[Refresh], order: list[str]) -> None:
    """Note what was done, and how much of its sources each table has read now."""
    execute, refreshed = current.statements.connection.execute, {one.name for one in done}
    next_rows: dict[str, dict[str, int]] = {}
    states = []
    for name in order:
        table = current.tables[name]
        seen = current.seen(table)
        next_rows[name] = _next_rows(seen, next_rows)
        if name in refreshed or (seen, next_rows[name]) != (table.seen, table.next_rows):
            read = json.dumps(seen), json.dumps(next_rows[name])
            state = [name, table.definition, current.version(name), *read]
            states.append([*state, None if name in refreshed else table.refreshed_at])
    for table in current.tables.values():
        # Of a table that was filled anew nobody can tell what was in it before.
        lost = current.filled & table.seen.keys()
        if lost and table.name not in order:
            read = {name: one for name, one in table.seen.items() if name not in lost}
            execute(
                f"update {SCHEMA}.refresh_states set seen = ? where name = ?",
                [json.dumps(read), table.name],
            )
    if states:
        execute(
            f"delete from {SCHEMA}.refresh_states where name in (select unnest(?::varchar[]))",
            [[state[0] for state in states]],
        )
        rows = ", ".join(["(?, ?, ?, ?, ?, coalesce(?, now()::timestamp))"] * len(states))
        execute(
            f"insert into {SCHEMA}.refresh_states values {rows}",
            [value for state in states for value in state],
        )
    if done:
        rows = ", ".join(["(?, ?, ?, ?, now()::timestamp, ?)"] * len(done))
        execute(
            f"insert into {SCHEMA}.refresh_history values {rows}",
            [
                value
                for one in done
                for value in (one.name, one.action, one.changed_rows, one.removed_rows, one.seconds)
            ],
        )
    for one in done:
        if one.action != INCREMENTAL:
            current.statements.drop(*(f"{kind}_{one.name}" for kind in ("stored", "computed")))
    _prune(current, order)


def _next_rows(
    seen: Mapping[str, Position], next_rows: Mapping[str, Mapping[str, int]]
) -> dict[str, int]:
    """Return which rows of each loaded table come next through these sources."""
    found: dict[str, int] = {}
    for source, position in seen.items():
        through = {source: position[1]} if isinstance(position, tuple) else next_rows[source]
        for name, rows in through.items():
            found[name] = min(found.get(name, rows), rows)
    return found


def _prune(current: Pass, names: Collection[str]) -> None:
    """Delete logged changes that no table has still to read; streams consume in their tasks."""
    for name in {one for table in names for one in current.tables[table].reads}:
        if name in current.tables:
            prune_log(current.statements, name)

"""Dynamic tables: one pass brings them all up to date, each after what it reads.

A pass first computes, which takes most of its time and holds nobody up, and then writes all that
differs in one short transaction. Only tables that are filled anew are written as they are computed.
"""

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from graphlib import CycleError, TopologicalSorter

import duckdb

from embedded.changes import current_snapshot
from embedded.database import transact
from embedded.hot_tables import HotTables
from embedded.query_tree import all_sources, source_tables
from embedded.refresh_difference import changed_keys, fresh_rows, write_difference
from embedded.refresh_pass import Pass, WholeTableError
from embedded.refresh_step import refresh_one
from embedded.registry import (
    SCHEMA,
    DynamicTable,
    dynamic_tables,
    with_states,
)
from runtime.errors import EngineError


@dataclass(frozen=True)
class Refresh:
    """What one pass did to one dynamic table; rows are counted, seconds are wall time.

    `oldest_change` is when the oldest change was made that it took in, where that is known.
    """

    name: str
    action: str
    changed_rows: int
    removed_rows: int
    seconds: float
    oldest_change: datetime | None


class _OvertakenError(Exception):
    """Somebody else refreshed while this pass was computing."""


def refresh(
    connection: duckdb.DuckDBPyConnection,
    names: Collection[str] | None = None,
    known: Mapping[str, DynamicTable] | None = None,
    hot: HotTables | None = None,
) -> list[Refresh]:
    """Bring every dynamic table, or some and those they read, up to date; return what was done.

    All tables move together, in the order of their dependence, from one snapshot. A table whose
    sources did not change is not touched; when none did, nothing is written at all. `known` spares
    a look into the registry; when it is out of date by then, that is found out and made good. Who
    refreshes again and again keeps `hot`, in which tables stay in memory.
    Raises EngineError for a table that cannot be refreshed by its key.
    """
    while True:
        try:
            return _compute_then_write(connection, names, known, hot)
        except WholeTableError:
            return transact(connection, lambda open_: _write_at_once(open_, names))
        except _OvertakenError:
            known = None


def _compute_then_write(
    connection: duckdb.DuckDBPyConnection,
    names: Collection[str] | None,
    known: Mapping[str, DynamicTable] | None,
    hot: HotTables | None,
) -> list[Refresh]:
    connection.execute("begin transaction")
    try:
        current = _start(connection, names, known, hot, at_once=False)
        done = _refresh_all(current)
        connection.execute("commit")  # what was computed lies in temporary tables
    except BaseException:
        connection.execute("rollback")
        if hot is not None:
            hot.forget()
        raise
    if done:
        transact(connection, lambda open_: _write(open_, current, done))
    for one in done if hot is not None else []:
        rows_out, rows_in = current.waiting.get(one.name, (0, 0))
        if rows_out or rows_in:
            changed = changed_keys(one.name) if rows_out else None
            table, growth = current.tables[one.name], rows_in - rows_out
            hot.replace(table, changed, fresh_rows(one.name), growth)
    return done


def _write(connection: duckdb.DuckDBPyConnection, current: Pass, done: list[Refresh]) -> None:
    # A query that was changed meanwhile is of no concern: what is written is noted as built of the
    # one before, and the next pass builds the table anew.
    tables = {name: current.tables[name] for name in current.sources if name in current.tables}
    if any(now.state != tables[now.name].state for now in with_states(connection, tables).values()):
        raise _OvertakenError
    for one in done:
        write_difference(current, current.tables[one.name])
    _remember(current, done)


def _write_at_once(
    connection: duckdb.DuckDBPyConnection, names: Collection[str] | None
) -> list[Refresh]:
    current = _start(connection, names, None, None, at_once=True)
    if done := _refresh_all(current):
        _remember(current, done)
    return done


def _start(
    connection: duckdb.DuckDBPyConnection,
    names: Collection[str] | None,
    known: Mapping[str, DynamicTable] | None,
    hot: HotTables | None,
    *,
    at_once: bool,
) -> Pass:
    tables = dict(known) if known is not None else dynamic_tables(connection)
    sources = {name: source_tables(table.query) for name, table in tables.items()}
    if names is not None:
        queries = {name: table.query for name, table in tables.items()}
        wanted = set(names).union(*(all_sources(name, queries) for name in names))
        sources = {name: sources[name] for name in wanted & sources.keys()}
    return Pass(connection, current_snapshot(connection), tables, sources, at_once, hot)


def _refresh_all(current: Pass) -> list[Refresh]:
    done: list[Refresh] = []
    try:
        order = list(TopologicalSorter(current.sources).static_order())
    except CycleError as error:
        circle = " reads ".join(reversed(error.args[1]))
        raise EngineError(f"dynamic tables read each other in a circle: {circle}") from error
    for name in order:
        started, table = time.perf_counter(), current.tables.get(name)
        if table is not None and (counts := refresh_one(current, table)) is not None:
            seconds, change = time.perf_counter() - started, current.oldest_change(table)
            done.append(Refresh(name, *counts, seconds, change))
    return done


def _remember(current: Pass, done: list[Refresh]) -> None:
    """Note what was done, and that all tables of the pass are now as of its snapshot."""
    refreshed = {one.name for one in done}
    history = [
        (one.name, one.action, one.changed_rows, one.removed_rows, one.seconds) for one in done
    ]
    current.connection.execute(
        f"insert into {SCHEMA}.refresh_history values "
        + ", ".join(["(?, ?, ?, ?, now()::timestamp, ?)"] * len(done)),
        [value for row in history for value in row],
    )
    connection, names = current.connection, list(current.sources)
    connection.execute(
        f"delete from {SCHEMA}.refresh_states where name in (select unnest(?::varchar[]))", [names]
    )
    connection.execute(
        f"insert into {SCHEMA}.refresh_states values "
        + ", ".join(
            f"(?, ?, ?, ?, ?, {'now()::timestamp' if name in refreshed else '?'})" for name in names
        ),
        [value for name in names for value in _state(current, name, refreshed)],
    )


def _state(current: Pass, name: str, refreshed: set[str]) -> list[object]:
    table = current.tables[name]
    seen = json.dumps(current.seen(name))
    state = [name, table.definition, current.snapshot, current.versions[name], seen]
    return state if name in refreshed else [*state, table.refreshed_at]

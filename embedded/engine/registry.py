"""What dbt registered and what the engine remembers of it: the schema `embedded`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import duckdb

from embedded.engine.sql_tree import all_sources
from embedded.engine.storage import CATALOG, Connection, transact
from runtime.errors import NOT_BUILT, EngineError

SCHEMA = f"{CATALOG}.embedded"
INCREMENTAL = "INCREMENTAL"  # the refresh mode that needs a key
RESUME = "'dbt run-operation resume_tasks' goes on with it"

_TABLES = f"""
create schema if not exists {SCHEMA};
create table if not exists {SCHEMA}.dynamic_tables (
    name varchar, query varchar, refresh_key varchar, refresh_mode varchar, target_lag varchar,
    suspend_after_failures integer, rebuilds integer
);
-- Apart from the definitions, because every refresh writes it. `seen` is how much of each source
-- the last refresh has read: see changes.py. `next_rows` are the numbers of the rows of loaded
-- tables that come next, directly or through other dynamic tables.
create table if not exists {SCHEMA}.refresh_states (
    name varchar, built_of varchar, version bigint, seen varchar, next_rows varchar,
    refreshed_at timestamp
);
create view if not exists {SCHEMA}.table_sources as
    select states.name, entries.key as source, cast(entries.value as bigint) as next_row
    from {SCHEMA}.refresh_states as states, json_each(states.next_rows) as entries;
-- When the rows of the tables that are loaded arrived: describe_arrivals() fills it.
create view if not exists {SCHEMA}.arrivals as
    select cast(null as varchar) as source, cast(null as bigint) as row_number,
        cast(null as timestamp) as loaded_at
    limit 0;
create table if not exists {SCHEMA}.refresh_failures (
    name varchar, error varchar, consecutive_failures integer, is_suspended boolean,
    failed_at timestamp
);
-- Keys that a table or task cannot do, each a JSON object: see set_aside.py.
create table if not exists {SCHEMA}.set_aside (
    name varchar, definition varchar, key varchar, error varchar, since timestamp
);
create table if not exists {SCHEMA}.refresh_lags (
    name varchar, refreshed_at timestamp, lag_seconds double
);
create table if not exists {SCHEMA}.refresh_history (
    name varchar, refresh_action varchar, changed_rows bigint, removed_rows bigint,
    refreshed_at timestamp, seconds double
);
create table if not exists {SCHEMA}.streams (
    name varchar, source varchar, consumed_version bigint
);
create table if not exists {SCHEMA}.tasks (
    name varchar, body varchar, stream varchar, schedule varchar, divided_by varchar,
    is_suspended boolean, suspend_after_failures integer, consecutive_failures integer,
    last_as_of timestamp, failed_as_of timestamp
);
-- What a task has dbt do when its body, a query, returns a row: arguments of dbt, a JSON list.
create table if not exists {SCHEMA}.task_commands (name varchar, command varchar);
create table if not exists {SCHEMA}.procedures (name varchar, body varchar, parameters varchar);
create table if not exists {SCHEMA}.task_history (
    name varchar, state varchar, error varchar, as_of timestamp,
    started_at timestamp, seconds double
);
"""

# How much of a source a refresh has read: of a dynamic table its version; of any other table how
# many rows, the number of the row that comes next, and a hash of the last ones.
Position = int | tuple[int, int, str]


@dataclass(frozen=True)
class DynamicTable:
    """One dynamic table: what dbt asks for, and up to where it is built.

    `reads` are the tables that it is made of, directly or through other dynamic tables;
    `definition` stands for its query and key, `built_of` for those that it was last built of.
    """

    name: str
    query: str
    refresh_key: tuple[str, ...]
    refresh_mode: str
    target_lag: str
    suspend_after_failures: int | None
    definition: str
    reads: frozenset[str] = frozenset()
    built_of: str | None = None
    version: int = 0
    seen: dict[str, Position] = field(default_factory=dict)
    next_rows: dict[str, int] = field(default_factory=dict)
    refreshed_at: datetime | None = None

    @property
    def is_built(self) -> bool:
        """Whether the table holds what its present query says."""
        return self.built_of == self.definition


@dataclass(frozen=True)
class Stream:
    """One stream: the changes of `source` after `consumed_version` are still to be consumed."""

    name: str
    source: str
    consumed_version: int | None


class Division(NamedTuple):
    """Relations that a task's statements read, and the key by which the rows of all are told apart.

    The first relation has all keys.
    """

    key: list[str]
    relations: list[str]


@dataclass(frozen=True)
class Task:
    """One task: statements that run when `stream` has data, or every `schedule`.

    With a command, dbt's arguments, the body is a query, and dbt is run if it returns a row.
    `divided_by` says by which keys the task is tried again when it fails because of some rows; one
    with a stream goes by the key of the stream's table.
    """

    name: str
    body: str
    stream: str | None
    schedule: str | None
    is_suspended: bool
    suspend_after_failures: int
    consecutive_failures: int
    last_as_of: datetime | None
    failed_as_of: datetime | None
    divided_by: "Division | None"
    command: tuple[str, ...] | None


@dataclass(frozen=True)
class RefreshFailure:
    """A dynamic table whose last refreshes failed, and whether that has suspended it."""

    name: str
    error: str
    consecutive_failures: int
    is_suspended: bool
    failed_at: datetime


def create_registry(connection: Connection) -> None:
    """Create the registry's tables where they are missing."""
    present = connection.execute(
        "select count(*) from duckdb_tables()"
        f" where database_name = '{CATALOG}' and schema_name = 'embedded'"
        " and not starts_with(table_name, 'changes_')"
    ).fetchone()
    if present and present[0] < _TABLES.count("create table"):
        transact(connection, lambda open_: open_.execute(_TABLES))


def dynamic_tables(connection: Connection) -> dict[str, DynamicTable]:
    """Return every registered dynamic table by name; raises EngineError before the first build."""
    rows = _rows(
        connection,
        "select name, query, refresh_key, refresh_mode, target_lag, suspend_after_failures,"
        " md5(concat_ws('|', query, refresh_key, rebuilds)), built_of, version, seen, next_rows,"
        " refreshed_at"
        f" from {SCHEMA}.dynamic_tables left join {SCHEMA}.refresh_states using (name)"
        " order by name",
    )
    queries = {row[0]: row[1] for row in rows}
    return {
        row[0]: DynamicTable(
            *row[:2],
            tuple(json.loads(row[2])),
            *row[3:7],
            frozenset(all_sources(row[0], queries)),
            row[7],
            row[8] or 0,
            _positions(json.loads(row[9] or "{}")),
            json.loads(row[10] or "{}"),
            row[11],
        )
        for row in rows
    }


def _positions(stored: dict[str, Any]) -> dict[str, Position]:
    return {name: tuple(one) if isinstance(one, list) else one for name, one in stored.items()}


def refresh_key_of(connection: Connection, name: str) -> tuple[str, ...]:
    """Return the refresh key of a dynamic table; raises EngineError when there is none."""
    query = f"select refresh_key from {SCHEMA}.dynamic_tables where name = ?"
    if not (rows := _rows(connection, query, [name])):
        raise EngineError(f"there is no dynamic table {name}: {NOT_BUILT}")
    return tuple(json.loads(rows[0][0]))


def streams(connection: Connection) -> dict[str, Stream]:
    """Return every registered stream by name; raises EngineError before the first build."""
    rows = _rows(connection, f"select name, source, consumed_version from {SCHEMA}.streams")
    return {row[0]: Stream(*row) for row in rows}


def tasks(connection: Connection) -> dict[str, Task]:
    """Return every registered task by name; raises EngineError before the first build."""
    rows = _rows(
        connection,
        "select name, body, stream, schedule, is_suspended, suspend_after_failures,"
        " consecutive_failures, last_as_of, failed_as_of, divided_by, command"
        f" from {SCHEMA}.tasks left join {SCHEMA}.task_commands using (name)"
        " order by stream is null, name",
    )
    return {
        row[0]: Task(
            *row[:-2],
            Division(**json.loads(row[-2])) if row[-2] else None,
            tuple(json.loads(row[-1])) if row[-1] else None,
        )
        for row in rows
    }


def refresh_failures(connection: Connection) -> dict[str, RefreshFailure]:
    """Return the dynamic tables that fail at present, by name."""
    rows = _rows(
        connection,
        "select name, error, consecutive_failures, is_suspended, failed_at"
        f" from {SCHEMA}.refresh_failures",
    )
    return {row[0]: RefreshFailure(*row) for row in rows}


def _rows(connection: Connection, query: str, values: Sequence[str] = ()) -> list[tuple]:
    try:
        return connection.execute(query, values).fetchall()
    except duckdb.CatalogException as error:
        raise EngineError(NOT_BUILT) from error

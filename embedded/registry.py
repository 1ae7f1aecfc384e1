"""What dbt registered and what embedded/ remembers of it: the schema `embedded` inside the lake."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import duckdb

from embedded.database import CATALOG, transact
from runtime.errors import NOT_BUILT, EngineError

SCHEMA = f"{CATALOG}.embedded"
RESUME = "'dbt run-operation resume_tasks' goes on with it"

_TABLES = """
create schema if not exists {schema};
create table if not exists {schema}.dynamic_tables (
    name varchar, query varchar, refresh_key varchar, sorted_by varchar, refresh_mode varchar,
    target_lag varchar, suspend_after_failures integer, reads varchar, rebuilds integer
);
-- On its own, because every refresh writes it: the queries are long, and old rows stay for a while.
create table if not exists {schema}.refresh_states (
    name varchar, built_of varchar, refreshed_to bigint, version bigint, source_versions varchar,
    refreshed_at timestamp
);
create table if not exists {schema}.refresh_failures (
    name varchar, error varchar, consecutive_failures integer, is_suspended boolean,
    failed_at timestamp
);
create table if not exists {schema}.refresh_lags (
    name varchar, refreshed_at timestamp, lag_seconds double
);
create table if not exists {schema}.refresh_history (
    name varchar, refresh_action varchar, changed_rows bigint, removed_rows bigint,
    refreshed_at timestamp, seconds double
);
create table if not exists {schema}.streams (name varchar, source varchar, offset_snapshot bigint);
create table if not exists {schema}.tasks (
    name varchar, body varchar, stream varchar, schedule varchar, is_suspended boolean,
    suspend_after_failures integer, consecutive_failures integer, last_as_of timestamp,
    failed_as_of timestamp
);
-- What a task has dbt do when its body, a query, returns a row: arguments of dbt, a JSON list.
create table if not exists {schema}.task_commands (name varchar, command varchar);
create table if not exists {schema}.procedures (name varchar, body varchar, parameters varchar);
create table if not exists {schema}.task_history (
    name varchar, state varchar, error varchar, as_of timestamp,
    started_at timestamp, seconds double
);
-- Which snapshot changed the rows of which table. A flush of inlined rows changes none.
create view if not exists {schema}.row_changes as
with parts as (
    select snapshot_id, unnest(string_split(changes_made, ',')) as change
    from __ducklake_metadata_{catalog}.ducklake_snapshot_changes
    where changes_made not like '%inline_flush:%'
)
select
    parts.snapshot_id,
    tables.table_name,
    cast(cast(snapshots.snapshot_time as timestamptz) at time zone 'UTC' as timestamp) as changed_at
from parts
inner join __ducklake_metadata_{catalog}.ducklake_table as tables
    on split_part(parts.change, ':', 2) = cast(tables.table_id as varchar)
    and tables.end_snapshot is null
inner join __ducklake_metadata_{catalog}.ducklake_snapshot as snapshots
    on parts.snapshot_id = snapshots.snapshot_id
where split_part(parts.change, ':', 1) in (
    'inserted_into_table', 'deleted_from_table', 'inlined_insert', 'inlined_delete'
);
"""


@dataclass(frozen=True)
class DynamicTable:
    """One dynamic table: what dbt asks for, and up to where it is built.

    `reads` are the tables that it is made of, directly or through other dynamic tables;
    `definition` stands for its query and key, `built_of` for those that it was last built of.
    """

    name: str
    query: str
    refresh_key: tuple[str, ...]
    sorted_by: tuple[str, ...]
    refresh_mode: str
    target_lag: str
    suspend_after_failures: int | None
    reads: frozenset[str]
    definition: str
    built_of: str | None = None
    refreshed_to: int | None = None
    version: int = 0
    source_versions: dict[str, int] = field(default_factory=dict)
    refreshed_at: datetime | None = None

    @property
    def state(self) -> tuple[int, int | None] | None:
        """Return version and snapshot that it was refreshed to; None before the first time."""
        return None if self.built_of is None else (self.version, self.refreshed_to)

    @property
    def is_built(self) -> bool:
        """Whether the table holds what its present query says."""
        return self.built_of == self.definition


_STATE = ("built_of", "refreshed_to", "version", "source_versions", "refreshed_at")


@dataclass(frozen=True)
class Stream:
    """One stream: the changes of `source` after `offset_snapshot` are still to be consumed."""

    name: str
    source: str
    offset_snapshot: int | None


@dataclass(frozen=True)
class Task:
    """One task: statements that run when `stream` has data, or every `schedule`.

    With a command, dbt's arguments, the body is a query, and dbt is run if it returns a row.
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
    command: tuple[str, ...] | None


@dataclass(frozen=True)
class RefreshFailure:
    """A dynamic table whose last refreshes failed, and whether that has suspended it."""

    name: str
    error: str
    consecutive_failures: int
    is_suspended: bool
    failed_at: datetime


def create_registry(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the registry's tables where they are missing."""
    present = connection.execute(
        "select count(*) from duckdb_tables()"
        f" where database_name = '{CATALOG}' and schema_name = 'embedded'"
    ).fetchone()
    if present and present[0] < _TABLES.count("create table"):
        tables = _TABLES.format(schema=SCHEMA, catalog=CATALOG)
        transact(connection, lambda open_: open_.execute(tables))


def dynamic_tables(connection: duckdb.DuckDBPyConnection) -> dict[str, DynamicTable]:
    """Return every registered dynamic table by name; raises EngineError before the first build."""
    rows = _rows(
        connection,
        "select name, query, refresh_key, sorted_by, refresh_mode, target_lag,"
        " suspend_after_failures, reads, md5(concat_ws('|', query, refresh_key, rebuilds))"
        f" from {SCHEMA}.dynamic_tables order by name",
    )
    tables = {
        row[0]: DynamicTable(
            *row[:2],
            tuple(json.loads(row[2])),
            tuple(json.loads(row[3] or "[]")),
            *row[4:7],
            frozenset(json.loads(row[7] or "[]")),
            row[8],
        )
        for row in rows
    }
    return with_states(connection, tables)


def with_states(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, DynamicTable]
) -> dict[str, DynamicTable]:
    """Return dynamic tables with what is remembered of their refreshes at present."""
    rows = _rows(
        connection,
        "select name, built_of, refreshed_to, version, source_versions, refreshed_at"
        f" from {SCHEMA}.refresh_states",
    )
    states = {row[0]: (*row[1:4], json.loads(row[4] or "{}"), row[5]) for row in rows}
    never = (None, None, 0, {}, None)
    return {
        name: replace(table, **dict(zip(_STATE, states.get(name, never), strict=True)))
        for name, table in tables.items()
    }


def refresh_key_of(connection: duckdb.DuckDBPyConnection, name: str) -> tuple[str, ...]:
    """Return the refresh key of a dynamic table; raises EngineError when there is none."""
    query = f"select refresh_key from {SCHEMA}.dynamic_tables where name = ?"
    if not (rows := _rows(connection, query, [name])):
        raise EngineError(f"there is no dynamic table {name}: {NOT_BUILT}")
    return tuple(json.loads(rows[0][0]))


def streams(connection: duckdb.DuckDBPyConnection) -> dict[str, Stream]:
    """Return every registered stream by name; raises EngineError before the first build."""
    rows = _rows(connection, f"select name, source, offset_snapshot from {SCHEMA}.streams")
    return {row[0]: Stream(*row) for row in rows}


def tasks(connection: duckdb.DuckDBPyConnection) -> dict[str, Task]:
    """Return every registered task by name; raises EngineError before the first build."""
    rows = _rows(
        connection,
        "select name, body, stream, schedule, is_suspended, suspend_after_failures,"
        " consecutive_failures, last_as_of, failed_as_of, command"
        f" from {SCHEMA}.tasks left join {SCHEMA}.task_commands using (name)"
        " order by stream is null, name",
    )
    return {
        row[0]: Task(*row[:-1], tuple(json.loads(row[-1])) if row[-1] else None) for row in rows
    }


def refresh_failures(connection: duckdb.DuckDBPyConnection) -> dict[str, RefreshFailure]:
    """Return the dynamic tables that fail at present, by name."""
    rows = _rows(
        connection,
        "select name, error, consecutive_failures, is_suspended, failed_at"
        f" from {SCHEMA}.refresh_failures",
    )
    return {row[0]: RefreshFailure(*row) for row in rows}


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[str] = ()
) -> list[tuple]:
    try:
        return connection.execute(query, values).fetchall()
    except duckdb.CatalogException as error:
        raise EngineError(NOT_BUILT) from error

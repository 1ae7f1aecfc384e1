"""What dbt registered and what embedded/ remembers of it: the schema `embedded` inside the lake."""

import json
from dataclasses import dataclass

import duckdb

from embedded.database import CATALOG, LakeError, transact

SCHEMA = f"{CATALOG}.embedded"
NOT_BUILT = "the lake holds no pipeline yet: run 'dbt build' first"

_TABLES = """
create schema if not exists {schema};
create table if not exists {schema}.dynamic_tables (
    name varchar, query varchar, refresh_key varchar, sorted_by varchar, refresh_mode varchar,
    target_lag varchar,
    built_query varchar, refreshed_to bigint, version bigint, source_versions varchar,
    refreshed_at timestamp
);
create table if not exists {schema}.refresh_history (
    name varchar, refresh_action varchar, changed_rows bigint, removed_rows bigint,
    refreshed_at timestamp, seconds double
);
create table if not exists {schema}.streams (name varchar, source varchar, offset_snapshot bigint);
create table if not exists {schema}.tasks (
    name varchar, body varchar, stream varchar, schedule varchar, is_suspended boolean,
    suspend_after_failures integer, consecutive_failures integer, last_as_of timestamp
);
create table if not exists {schema}.task_history (
    name varchar, state varchar, error varchar, as_of timestamp,
    started_at timestamp, seconds double
);
"""


@dataclass(frozen=True)
class DynamicTable:
    """One dynamic table: what dbt asks for, and up to where it is built."""

    name: str
    query: str
    refresh_key: tuple[str, ...]
    sorted_by: tuple[str, ...]
    refresh_mode: str
    target_lag: str
    built_query: str | None
    refreshed_to: int | None
    version: int
    source_versions: dict[str, int]

    @property
    def is_built(self) -> bool:
        """Whether the table holds what its present query says."""
        return self.built_query == self.query


@dataclass(frozen=True)
class Stream:
    """One stream: the changes of `source` after `offset_snapshot` are still to be consumed."""

    name: str
    source: str
    offset_snapshot: int | None


@dataclass(frozen=True)
class Task:
    """One task: statements that run when `stream` has data, or every `schedule`."""

    name: str
    body: str
    stream: str | None
    schedule: str | None
    is_suspended: bool
    suspend_after_failures: int
    consecutive_failures: int
    last_as_of: object


def create_registry(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the registry's tables where they are missing."""
    present = connection.execute(
        "select count(*) from duckdb_tables()"
        f" where database_name = '{CATALOG}' and schema_name = 'embedded'"
    ).fetchone()
    if present and present[0] < _TABLES.count("create table"):
        transact(connection, lambda open_: open_.execute(_TABLES.format(schema=SCHEMA)))


def dynamic_tables(connection: duckdb.DuckDBPyConnection) -> dict[str, DynamicTable]:
    """Return every registered dynamic table by name; raises LakeError before the first build."""
    rows = _rows(
        connection,
        "select name, query, refresh_key, sorted_by, refresh_mode, target_lag, built_query,"
        f" refreshed_to, version, source_versions from {SCHEMA}.dynamic_tables order by name",
    )
    return {
        row[0]: DynamicTable(
            *row[:2],
            tuple(json.loads(row[2])),
            tuple(json.loads(row[3] or "[]")),
            *row[4:8],
            row[8] or 0,
            json.loads(row[9] or "{}"),
        )
        for row in rows
    }


def streams(connection: duckdb.DuckDBPyConnection) -> dict[str, Stream]:
    """Return every registered stream by name; raises LakeError before the first build."""
    rows = _rows(connection, f"select name, source, offset_snapshot from {SCHEMA}.streams")
    return {row[0]: Stream(*row) for row in rows}


def tasks(connection: duckdb.DuckDBPyConnection) -> dict[str, Task]:
    """Return every registered task by name; raises LakeError before the first build."""
    rows = _rows(
        connection,
        "select name, body, stream, schedule, is_suspended, suspend_after_failures,"
        f" consecutive_failures, last_as_of from {SCHEMA}.tasks order by stream is null, name",
    )
    return {row[0]: Task(*row) for row in rows}


def current_snapshot(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the snapshot that the open transaction reads."""
    row = connection.execute(f"select id from {CATALOG}.current_snapshot()").fetchone()
    if row is None:
        raise LakeError(NOT_BUILT)
    return int(row[0])


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    try:
        return connection.execute(query).fetchall()
    except duckdb.CatalogException as error:
        raise LakeError(NOT_BUILT) from error

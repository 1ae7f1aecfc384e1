"""Actual lag: how old the oldest change was that a refresh took in, once it could be read."""

import json
from collections.abc import Mapping, Sequence

import duckdb

from embedded.database import transact
from embedded.query_tree import all_sources
from embedded.refresh import Refresh
from embedded.registry import SCHEMA, DynamicTable, dynamic_tables

Lag = tuple[str, float]


def remember_what_is_read(connection: duckdb.DuckDBPyConnection) -> None:
    """Register of every dynamic table what it reads, directly or through other ones."""

    def work(open_: duckdb.DuckDBPyConnection) -> None:
        tables = dynamic_tables(open_)
        queries = {name: table.query for name, table in tables.items()}
        for name, table in tables.items():
            reads = all_sources(name, queries)
            if reads != table.reads:
                open_.execute(
                    f"update {SCHEMA}.dynamic_tables set reads = ? where name = ?",
                    [json.dumps(sorted(reads)), name],
                )

    transact(connection, work)


def measure_lags(
    connection: duckdb.DuckDBPyConnection,
    refreshes: Sequence[Refresh],
    before: Mapping[str, DynamicTable],
) -> list[Lag]:
    """Return the actual lag of each refresh, given the tables as they were before, in seconds.

    A table that was filled for the first time, or from changes that maintenance has since
    forgotten, has none.
    """
    if not refreshes:
        return []
    after = dynamic_tables(connection)
    lags = []
    for name in {one.name for one in refreshes}:
        was, now = before[name].refreshed_to, after[name].refreshed_to
        if was is None or now is None:
            continue
        row = connection.execute(
            "select epoch(now()::timestamp) - epoch(min(changed_at))"
            f" from {SCHEMA}.row_changes where snapshot_id > ? and snapshot_id <= ?"
            " and table_name in (select unnest(?::varchar[]))",
            [was, now, sorted(after[name].reads - set(after))],
        ).fetchone()
        if row and row[0] is not None:
            lags.append((name, max(float(row[0]), 0.0)))
    return lags


def record_lags(connection: duckdb.DuckDBPyConnection, lags: Sequence[Lag]) -> None:
    """Keep lags for monitoring; the table is pruned by maintenance."""
    if lags:
        transact(
            connection,
            lambda open_: open_.executemany(
                f"insert into {SCHEMA}.refresh_lags values (?, now()::timestamp, ?)", lags
            ),
        )

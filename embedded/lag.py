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
    stood = {one.name: before[one.name].refreshed_to for one in refreshes}
    stood = {name: snapshot for name, snapshot in stood.items() if snapshot is not None}
    if not stood:
        return []
    changes = connection.execute(
        f"""
        select changes.table_name, changes.snapshot_id, epoch(now()::timestamp) - epoch(changed_at)
        from {SCHEMA}.row_changes as changes
        cross join (select max(refreshed_to) as refreshed_to from {SCHEMA}.refresh_states) as now_at
        where changes.snapshot_id > ? and changes.snapshot_id <= now_at.refreshed_to
        """,
        [min(stood.values())],
    ).fetchall()
    ages = {
        name: [
            age
            for table, snapshot, age in changes
            if snapshot > stood[name] and table in before[name].reads - before.keys()
        ]
        for name in stood
    }
    return [(name, max(0.0, *found)) for name, found in ages.items() if found]


def record_lags(connection: duckdb.DuckDBPyConnection, lags: Sequence[Lag]) -> None:
    """Keep lags for monitoring; the table is pruned by maintenance."""
    if lags:
        transact(
            connection,
            lambda open_: open_.executemany(
                f"insert into {SCHEMA}.refresh_lags values (?, now()::timestamp, ?)", lags
            ),
        )

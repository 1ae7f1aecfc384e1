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
    names = sorted({one.name for one in refreshes if before[one.name].refreshed_to is not None})
    if not names:
        return []
    rows = connection.execute(
        f"""
        select before.name, epoch(now()::timestamp) - epoch(min(changes.changed_at))
        from (select unnest($names) as name, unnest($offsets) as refreshed_to) as before
        inner join {SCHEMA}.dynamic_tables as after on before.name = after.name
        inner join {SCHEMA}.row_changes as changes
            on
                changes.snapshot_id > before.refreshed_to
                and changes.snapshot_id <= after.refreshed_to
                and list_contains(from_json(after.reads, '["varchar"]'), changes.table_name)
        where changes.table_name not in (select name from {SCHEMA}.dynamic_tables)
        group by before.name
        """,
        {"names": names, "offsets": [before[name].refreshed_to for name in names]},
    ).fetchall()
    return [(name, max(seconds, 0.0)) for name, seconds in rows]


def record_lags(connection: duckdb.DuckDBPyConnection, lags: Sequence[Lag]) -> None:
    """Keep lags for monitoring; the table is pruned by maintenance."""
    if lags:
        transact(
            connection,
            lambda open_: open_.executemany(
                f"insert into {SCHEMA}.refresh_lags values (?, now()::timestamp, ?)", lags
            ),
        )

"""Actual lag: how old the oldest change was that a refresh took in, once it could be read."""

import json
from collections.abc import Sequence
from datetime import datetime

import duckdb

from embedded.database import transact
from embedded.query_tree import all_sources
from embedded.refresh import Refresh
from embedded.registry import SCHEMA, dynamic_tables

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


def measure_lags(refreshes: Sequence[Refresh], now: datetime) -> list[Lag]:
    """Return the actual lag of each refresh in seconds, at the moment when it could be read.

    A table that was filled for the first time, or from changes that maintenance has since
    forgotten, has none.
    """
    changes = {one.name: one.oldest_change for one in refreshes if one.oldest_change is not None}
    return [(name, max(0.0, (now - at).total_seconds())) for name, at in changes.items()]


def record_lags(connection: duckdb.DuckDBPyConnection, lags: Sequence[Lag]) -> None:
    """Keep lags for monitoring; the table is pruned by maintenance."""
    if lags:
        transact(
            connection,
            lambda open_: open_.executemany(
                f"insert into {SCHEMA}.refresh_lags values (?, now()::timestamp, ?)", lags
            ),
        )

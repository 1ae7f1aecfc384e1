"""Dynamic tables computed once more from the raw rows, to compare with what refreshing left."""

import json
from graphlib import TopologicalSorter

import duckdb

from embedded.engine.registry import SCHEMA, dynamic_tables
from embedded.engine.sql_tree import redirect, source_tables
from embedded.engine.storage import CATALOG


def differing_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple]]:
    """Return the rows that a table has too many or lacks, each after its sign, by table.

    In the order of their dependence every registered query is computed anew, and reads the tables
    that were computed here, not those in the database. So nothing that refreshing ever wrote goes
    into it, and a mistake that two tables share cannot hide. All of it is one transaction.
    """
    connection.execute("begin transaction")
    try:
        tables = dynamic_tables(connection)
        sources = {name: source_tables(table.query) for name, table in tables.items()}
        found = {}
        for name in TopologicalSorter(sources).static_order():
            if name in tables:
                anew = {source: f"anew_{source}" for source in sources[name] if source in tables}
                query = redirect(tables[name].query, anew)
                connection.execute(f"create or replace temp table anew_{name} as {query}")
                if rows := _difference(connection, f"{CATALOG}.main.{name}", f"temp.anew_{name}"):
                    found[name] = rows
        return found
    finally:
        connection.execute("rollback")


def _difference(connection: duckdb.DuckDBPyConnection, actual: str, expected: str) -> list[tuple]:
    """Compare as bags of rows: a row that is there twice, but should be once, is a difference."""
    return connection.execute(
        f"select '+', * from (from {actual} except all from {expected}) union all"
        f" select '-', * from (from {expected} except all from {actual})"
    ).fetchall()


def row_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return how many rows each dynamic table holds, so that a test knows that it compared any."""
    return {
        name: connection.execute(f"select count(*) from {CATALOG}.main.{name}").fetchall()[0][0]
        for name in dynamic_tables(connection)
    }


def add_dynamic_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    query: str,
    refresh_key: tuple[str, ...] = ("customer_id",),
    mode: str = "INCREMENTAL",
) -> None:
    """Register what macros/objects/dynamic_table.sql registers."""
    connection.execute(
        f"insert into {SCHEMA}.dynamic_tables"
        " (name, query, refresh_key, refresh_mode, target_lag)"
        " values (?, ?, ?, ?, 'DOWNSTREAM')",
        [name, query, json.dumps(refresh_key), mode],
    )

"""How the lake's tables and views are defined, and whether that has changed."""

import re

import duckdb

from embedded.database import CATALOG, METADATA

# By name: a table's number, which is new when it was replaced, and its columns; a view's query.
Definitions = dict[str, tuple[int, tuple[tuple[str, str], ...]] | str]

_VIEW = re.compile(r"CREATE VIEW \S+ AS (.*?);?\s*", re.DOTALL)


def schema_version(connection: duckdb.DuckDBPyConnection, snapshot: int) -> int | None:
    """Return a number that changes with every definition; None for a forgotten snapshot."""
    row = connection.execute(
        f"select schema_version from {METADATA}.ducklake_snapshot where snapshot_id = ?",
        [snapshot],
    ).fetchone()
    return row[0] if row else None


def lake_definitions(connection: duckdb.DuckDBPyConnection) -> Definitions:
    """Return the definitions of all tables, and of the views whose columns have their own names."""
    tables = connection.execute(
        f"""
        select tables.table_name, tables.table_id, columns.columns
        from {METADATA}.ducklake_table as tables
        inner join {METADATA}.ducklake_schema as schemas
            on tables.schema_id = schemas.schema_id and schemas.end_snapshot is null
        inner join (
            select table_name, list((column_name, data_type) order by column_index) as columns
            from duckdb_columns()
            where database_name = '{CATALOG}' and schema_name = 'main'
            group by table_name
        ) as columns on tables.table_name = columns.table_name
        where tables.end_snapshot is null and schemas.schema_name = 'main'
        """
    ).fetchall()
    views = connection.execute(
        "select view_name, sql from duckdb_views()"
        f" where database_name = '{CATALOG}' and schema_name = 'main'"
    ).fetchall()
    queries = {name: _VIEW.fullmatch(sql) for name, sql in views}
    return {name: (number, tuple(columns)) for name, number, columns in tables} | {
        name: match[1] for name, match in queries.items() if match
    }


def view_queries(definitions: Definitions) -> dict[str, str]:
    """Return the queries of the views among definitions, by name."""
    return {name: one for name, one in definitions.items() if isinstance(one, str)}

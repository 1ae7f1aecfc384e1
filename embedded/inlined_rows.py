"""What the catalog holds of the tables beside their files: rows, and deletions of rows."""

import duckdb

from embedded.database import METADATA


def inlined_tables(
    connection: duckdb.DuckDBPyConnection,
) -> list[tuple[str, str, int, list[str] | None]]:
    """Return schema, name and number of each table, and the catalog's tables of its rows."""
    return connection.execute(
        f"""
        select
            schemas.schema_name, tables.table_name, tables.table_id,
            list(inlined.table_name) filter (inlined.table_name is not null)
        from {METADATA}.ducklake_table as tables
        inner join {METADATA}.ducklake_schema as schemas
            on tables.schema_id = schemas.schema_id and schemas.end_snapshot is null
        left join {METADATA}.ducklake_inlined_data_tables as inlined
            on tables.table_id = inlined.table_id
        where tables.end_snapshot is null
        group by all order by all
        """
    ).fetchall()


def inlined_deletions(connection: duckdb.DuckDBPyConnection, number: int) -> int:
    """Count the deletions from files that the catalog holds; most tables have no table of them."""
    try:
        row = connection.execute(
            f"select count(*) from {METADATA}.ducklake_inlined_delete_{number}"
        ).fetchone()
    except duckdb.CatalogException:
        return 0
    return int(row[0]) if row else 0


def tables_with_deletions(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Return schema and name of each table some of whose files have deleted rows."""
    return connection.execute(
        f"""
        with deletions as (
            select table_id from {METADATA}.ducklake_delete_file where end_snapshot is null
            union
            select cast(regexp_extract(table_name, '^ducklake_inlined_delete_(.*)$', 1) as bigint)
            from duckdb_tables()
            where
                database_name = '{METADATA}'
                and starts_with(table_name, 'ducklake_inlined_delete_')
        )
        select schemas.schema_name, tables.table_name
        from {METADATA}.ducklake_table as tables
        inner join {METADATA}.ducklake_schema as schemas
            on tables.schema_id = schemas.schema_id and schemas.end_snapshot is null
        inner join deletions on tables.table_id = deletions.table_id
        where tables.end_snapshot is null
        order by all
        """
    ).fetchall()

"""What the catalog holds of the tables beside their files: rows, and deletions of rows."""

from typing import NamedTuple

import duckdb

from embedded.database import METADATA


class InlinedTable(NamedTuple):
    """One table, and the catalog's own tables of its rows, if there are any."""

    schema: str
    name: str
    number: int
    rows: list[str] | None


def inlined_tables(connection: duckdb.DuckDBPyConnection) -> list[InlinedTable]:
    """Return every table with what the catalog holds of it."""
    rows = connection.execute(
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
    return [InlinedTable(*row) for row in rows]


def inlined_deletions(connection: duckdb.DuckDBPyConnection, number: int) -> int:
    """Count the deletions from files that the catalog holds; most tables have no table of them."""
    return sum(_inlined_deletions_by_file(connection, number).values())


def _inlined_deletions_by_file(
    connection: duckdb.DuckDBPyConnection, number: int
) -> dict[int, int]:
    try:
        rows = connection.execute(
            f"select file_id, count(*) from {METADATA}.ducklake_inlined_delete_{number} group by 1"
        ).fetchall()
    except duckdb.CatalogException:
        return {}
    return dict(rows)


def tables_with_deleted_share(
    connection: duckdb.DuckDBPyConnection, tables: list[InlinedTable], least_share: float
) -> list[InlinedTable]:
    """Return the tables that have a file of whose rows so many are deleted."""
    rows = connection.execute(
        f"""
        select
            files.table_id, files.data_file_id, files.record_count,
            coalesce(sum(deletions.delete_count), 0)
        from {METADATA}.ducklake_data_file as files
        left join {METADATA}.ducklake_delete_file as deletions
            on files.data_file_id = deletions.data_file_id and deletions.end_snapshot is null
        where files.end_snapshot is null
        group by all
        """
    ).fetchall()
    inlined: dict[int, int] = {}  # a file's number is its own in the whole lake
    for number in {row[0] for row in rows}:
        inlined |= _inlined_deletions_by_file(connection, number)
    found = {
        number
        for number, file, count, deleted in rows
        if 0 < least_share * count <= deleted + inlined.get(file, 0)
    }
    return [one for one in tables if one.number in found]

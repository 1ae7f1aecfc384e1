"""Few and whole files: the steps of maintenance that write a table's rows anew.

None of them changes a row, or what the change feed says of it.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import duckdb

from embedded.database import CATALOG, INLINED_ROWS, METADATA
from embedded.inlined_rows import inlined_deletions, inlined_tables, tables_with_deletions
from embedded.registry import dynamic_tables

# Inlined rows are written into a file once they would make a decent one.
FLUSHED_ROWS = 10 * INLINED_ROWS
# Files below this size are merged, once there are some: a row is then rewritten a few times only.
SMALL_FILE_BYTES = 10_000_000
SMALL_FILES = 8
# A file is rewritten without its deleted rows when these are the most of it.
DELETED_SHARE = 0.5

# What is done in one transaction, while every other writer waits: it returns a count.
Part = Callable[[duckdb.DuckDBPyConnection], int]
Step = Callable[[duckdb.DuckDBPyConnection], Iterable[Part]]


def tables_with_readers(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the tables whose change feed is read."""
    tables = dynamic_tables(connection)
    return set(tables).union(*(one.reads for one in tables.values()))


def flush(connection: duckdb.DuckDBPyConnection) -> Iterator[Part]:
    """Write the rows, and the deletions of rows, that the catalog holds into files, table by table.

    Every scan of a table reads all of them from SQLite, so that they must stay few.
    """
    for schema, table, number, inlined in inlined_tables(connection):
        yield partial(_flush_table, schema=schema, table=table, number=number, inlined=inlined)


def _flush_table(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    table: str,
    number: int,
    inlined: list[str] | None,
) -> int:
    """Flush one table.

    DuckLake 1.0 (with DuckDB 1.5.5) loses the images in between of a row that was updated in place
    more than once while it was inlined. Dynamic tables delete and insert instead, so theirs stay
    whole; another table with such a row is left as it is while its change feed is read.
    """
    rows = distinct = 0
    for name in inlined or []:
        row = connection.execute(
            f"select count(*), count(distinct row_id) from {METADATA}.{name}"
        ).fetchone()
        rows, distinct = (rows + row[0], distinct + row[1]) if row else (rows, distinct)
    deletions = inlined_deletions(connection, number)
    if rows + deletions < FLUSHED_ROWS:
        return 0
    if distinct < rows and table in tables_with_readers(connection):
        return 0
    connection.execute(
        f"call ducklake_flush_inlined_data('{CATALOG}', schema_name => ?, table_name => ?)",
        [schema, table],
    )
    return rows + deletions


def rewrite(connection: duckdb.DuckDBPyConnection) -> Iterator[Part]:
    """Write files anew of which most rows are deleted, table by table."""
    for schema, table in tables_with_deletions(connection):
        yield partial(
            _processed,
            call=f"call ducklake_rewrite_data_files('{CATALOG}', ?, schema => ?,"
            f" delete_threshold => {DELETED_SHARE})",
            values=[table, schema],
        )


def merge(connection: duckdb.DuckDBPyConnection) -> Iterator[Part]:
    """Merge the small files of each table that has some."""
    tables = connection.execute(
        f"""
        select schemas.schema_name, tables.table_name
        from {METADATA}.ducklake_data_file as files
        inner join {METADATA}.ducklake_table as tables
            on files.table_id = tables.table_id and tables.end_snapshot is null
        inner join {METADATA}.ducklake_schema as schemas
            on tables.schema_id = schemas.schema_id and schemas.end_snapshot is null
        where files.end_snapshot is null and files.file_size_bytes < {SMALL_FILE_BYTES}
        group by all having count(*) >= {SMALL_FILES} order by all
        """
    ).fetchall()
    for schema, table in tables:
        yield partial(merge_files, schema=schema, table=table, below_bytes=SMALL_FILE_BYTES)


def merge_files(
    connection: duckdb.DuckDBPyConnection, *, schema: str, table: str, below_bytes: int
) -> int:
    """Merge the files of one table that are smaller than that; return how many."""
    call = (
        f"call ducklake_merge_adjacent_files('{CATALOG}', ?, schema => ?,"
        f" max_file_size => {below_bytes})"
    )
    return _processed(connection, call, [table, schema])


def _processed(connection: duckdb.DuckDBPyConnection, call: str, values: list[str]) -> int:
    """Return how many files a compaction has replaced."""
    return sum(row[2] for row in connection.execute(call, values).fetchall())

"""Few and whole files: the steps of maintenance that write a table's rows anew.

None of them changes a row, or what is still to be read of the change feed.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

import duckdb

from embedded.changes import last_rewrite
from embedded.database import CATALOG, INLINED_ROWS, METADATA
from embedded.inlined_rows import (
    InlinedTable,
    inlined_deletions,
    inlined_tables,
    tables_with_deleted_share,
)
from embedded.readers import has_unread_changes, tables_with_readers
from embedded.registry import streams
from embedded.streams import renew_views

# Inlined rows are written into a file once they would make a decent one.
FLUSHED_ROWS = 10 * INLINED_ROWS
# Files below this size are merged, once there are some: a row is then rewritten a few times only.
SMALL_FILE_BYTES = 10_000_000
SMALL_FILES = 8
# A file is rewritten without its deleted rows when these are the most of it.
DELETED_SHARE = 0.5


def nothing(_: duckdb.DuckDBPyConnection) -> None:
    """Do nothing before a part."""


class Part(NamedTuple):
    """What is done in one turn, while every other writer waits; `work` returns a count.

    `work` is one transaction; `before` comes ahead of it, outside of any.
    """

    work: Callable[[duckdb.DuckDBPyConnection], int]
    before: Callable[[duckdb.DuckDBPyConnection], None] = nothing


Step = Callable[[duckdb.DuckDBPyConnection], Iterable[Part]]


class UnreadChangesError(Exception):
    """A table, named by the message, is left as it is until all its changes have been read."""


def flush(connection: duckdb.DuckDBPyConnection) -> Iterator[Part]:
    """Write the rows, and the deletions of rows, that the catalog holds into files, table by table.

    Every scan of a table reads all of them from SQLite, so that they must stay few.
    """
    for one in inlined_tables(connection):
        yield Part(partial(_flush_many, table=one))


def _flush_many(connection: duckdb.DuckDBPyConnection, table: InlinedTable) -> int:
    """Flush one table of which the catalog holds much; return how many rows and deletions.

    DuckLake 1.0 (with DuckDB 1.5.5) loses the images in between of a row that was updated in place
    more than once while it was inlined. Dynamic tables delete and insert instead, so theirs stay
    whole; another table with such a row is left as it is while its change feed is read.
    """
    rows = distinct = 0
    for name in table.rows or []:
        row = connection.execute(
            f"select count(*), count(distinct row_id) from {METADATA}.{name}"
        ).fetchone()
        rows, distinct = (rows + row[0], distinct + row[1]) if row else (rows, distinct)
    deletions = inlined_deletions(connection, table.number)
    if rows + deletions < FLUSHED_ROWS:
        return 0
    if distinct < rows and table.name in tables_with_readers(connection):
        return 0
    _flush(connection, table)
    return rows + deletions


def _flush(connection: duckdb.DuckDBPyConnection, table: InlinedTable) -> None:
    connection.execute(
        f"call ducklake_flush_inlined_data('{CATALOG}', schema_name => ?, table_name => ?)",
        [table.schema, table.name],
    )


def rewrite(connection: duckdb.DuckDBPyConnection) -> Iterator[Part]:
    """Write files anew of which most rows are deleted, table by table.

    DuckLake 1.0 then loses some of the deletions that were made before from the change feed: so a
    table waits until all its changes were read, and streams go on from there. And it brings deleted
    rows back, in the feed and in earlier snapshots, where deletions from the old files are flushed
    later: so they are before.
    """
    for one in tables_with_deleted_share(connection, inlined_tables(connection), DELETED_SHARE):
        yield Part(
            partial(
                _processed,
                call=f"call ducklake_rewrite_data_files('{CATALOG}', ?, schema => ?,"
                f" delete_threshold => {DELETED_SHARE})",
                values=[one.name, one.schema],
            ),
            before=partial(_prepare_rewrite, table=one),
        )
        if _is_new_to_streams(connection, one.name):
            yield Part(_renew_views)


def _prepare_rewrite(connection: duckdb.DuckDBPyConnection, table: InlinedTable) -> None:
    """Flush a table; raises UnreadChangesError when it has to wait."""
    if has_unread_changes(connection, table.name):
        raise UnreadChangesError(table.name)
    _flush(connection, table)


def _is_new_to_streams(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Tell whether a table that a stream reads was rewritten after the stream's offset."""
    return any(
        one.source == table
        and one.offset_snapshot is not None
        and last_rewrite(connection, table, one.offset_snapshot) is not None
        for one in streams(connection).values()
    )


def _renew_views(connection: duckdb.DuckDBPyConnection) -> int:
    renew_views(connection)
    return 0


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
        yield Part(partial(merge_files, schema=schema, table=table, below_bytes=SMALL_FILE_BYTES))


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

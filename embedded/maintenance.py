"""Maintenance of the lake: few files, little history, and nothing that a stream still needs.

The change feed from every stream's offset and from where every dynamic table stands gives the same
rows before and after: nothing past the oldest of these is expired. Readers keep their files for a
grace period. tests/test_maintenance.py shows both.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

import duckdb

from embedded.database import CATALOG, INLINED_ROWS, METADATA, LakeError, connect, transact
from embedded.inlined_rows import inlined_deletions, inlined_tables, tables_with_deletions
from embedded.registry import SCHEMA, dynamic_tables, streams
from embedded.streams import renew_views

# No transaction of the pipeline lasts this long: who has begun to read or write can end in peace.
SNAPSHOT_AGE = "1 hour"
FILE_AGE = "1 hour"
# A loader that was killed leaves files of which the lake knows nothing.
ORPHAN_AGE = "1 day"
# As long as Snowflake keeps the history of refreshes.
HISTORY = "7 days"
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


@dataclass(frozen=True)
class Maintained:
    """What maintenance did: a count for each step, and what went wrong."""

    counts: dict[str, int] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def is_nothing(self) -> bool:
        """Whether there was nothing to do."""
        return not self.errors and not any(self.counts.values())

    def in_words(self) -> str:
        """Return one line."""
        done = [f"{count:,} {what}" for what, count in self.counts.items() if count]
        failed = [f"failed: {what}: {error}" for what, error in self.errors.items()]
        return "maintenance: " + ("; ".join(done + failed) or "nothing to do")


def maintain(pause: Callable[[float], bool] = lambda seconds: False) -> Maintained:
    """Run every step on the lake; one that fails is noted and does not stop the others.

    `pause` is called after each part with the seconds that it took, so that others who write the
    lake can have as long; it returns whether to stop there.

    Each step opens the lake for itself: an internal error of DuckDB ends all that its instance
    does, and the scheduler's must live on. Raises LakeError only when the lake cannot be opened.
    """
    done = Maintained()
    for what, step in STEPS.items():
        with connect(None, create=False) as connection:
            done.counts[what] = 0
            try:
                for part in step(connection):
                    began = time.monotonic()
                    done.counts[what] += transact(connection, part)
                    if pause(time.monotonic() - began):
                        return done
            except (duckdb.Error, LakeError) as error:
                done.errors[what] = str(error).strip().splitlines()[0]
    return done


def oldest_needed_snapshot(connection: duckdb.DuckDBPyConnection) -> int | None:
    """Return the oldest snapshot whose changes are still to be read; None when nobody reads any."""
    needed = [one.offset_snapshot for one in streams(connection).values()]
    needed += [one.refreshed_to for one in dynamic_tables(connection).values()]
    return min((one for one in needed if one is not None), default=None)


def tables_with_readers(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the tables whose change feed is read."""
    tables = dynamic_tables(connection)
    return set(tables).union(*(one.reads for one in tables.values()))


def _prune_history(connection: duckdb.DuckDBPyConnection) -> int:
    deleted = 0
    for table, moment in (
        ("refresh_history", "refreshed_at"),
        ("refresh_lags", "refreshed_at"),
        ("task_history", "started_at"),
    ):
        row = connection.execute(
            f"delete from {SCHEMA}.{table} where {moment} < now()::timestamp - interval '{HISTORY}'"
        ).fetchone()
        deleted += int(row[0]) if row else 0
    return deleted


def _flush(connection: duckdb.DuckDBPyConnection) -> Iterator[Part]:
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


def _rewrite(connection: duckdb.DuckDBPyConnection) -> Iterator[Part]:
    """Write files anew of which most rows are deleted, table by table."""
    for schema, table in tables_with_deletions(connection):
        yield partial(
            _processed,
            call=f"call ducklake_rewrite_data_files('{CATALOG}', ?, schema => ?,"
            f" delete_threshold => {DELETED_SHARE})",
            values=[table, schema],
        )


def _merge(connection: duckdb.DuckDBPyConnection) -> Iterator[Part]:
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
        yield partial(
            _processed,
            call=f"call ducklake_merge_adjacent_files('{CATALOG}', ?, schema => ?,"
            f" max_file_size => {SMALL_FILE_BYTES})",
            values=[table, schema],
        )


def _processed(connection: duckdb.DuckDBPyConnection, call: str, values: list[str]) -> int:
    """Return how many files a compaction has replaced."""
    return sum(row[2] for row in connection.execute(call, values).fetchall())


def _at_once(part: Part) -> Step:
    return lambda _: [part]


def _expire(connection: duckdb.DuckDBPyConnection) -> int:
    """Forget old snapshots, by number: the clock does not tell which came before an offset."""
    needed = oldest_needed_snapshot(connection)
    rows = connection.execute(
        f"""
        select snapshot_id from {METADATA}.ducklake_snapshot
        where
            snapshot_id < coalesce(?, (select id from {CATALOG}.current_snapshot()))
            and cast(snapshot_time as timestamptz) < now() - interval '{SNAPSHOT_AGE}'
        """,
        [needed],
    ).fetchall()
    if rows:
        renew_views(connection)
        numbers = ", ".join(str(number) for (number,) in rows)
        connection.execute(f"call ducklake_expire_snapshots('{CATALOG}', versions => [{numbers}])")
    return len(rows)


def _delete_old_files(connection: duckdb.DuckDBPyConnection) -> int:
    return len(
        connection.execute(
            f"call ducklake_cleanup_old_files('{CATALOG}',"
            f" older_than => now() - interval '{FILE_AGE}')"
        ).fetchall()
    )


def _delete_orphans(connection: duckdb.DuckDBPyConnection) -> int:
    """Delete what writers left behind; raises LakeError rather than touch a file of the lake.

    The lake's own files and those in the folder are told apart by their paths, and paths have been
    spelled in two ways before.
    """
    call = (
        f"call ducklake_delete_orphaned_files('{CATALOG}',"
        f" older_than => now() - interval '{ORPHAN_AGE}'"
    )
    found = [row[0] for row in connection.execute(f"{call}, dry_run => true)").fetchall()]
    if not found:
        return 0
    known = connection.execute(
        f"""
        select count(*) from (
            select path from {METADATA}.ducklake_data_file
            union all select path from {METADATA}.ducklake_delete_file
        ) where parse_filename(path) in (select parse_filename(unnest(?::varchar[])))
        """,
        [found],
    ).fetchone()
    if known and known[0]:
        raise LakeError("files of the lake look like orphans: none was deleted")
    return len(connection.execute(f"{call})").fetchall())


STEPS: dict[str, Step] = {
    "old notes deleted": _at_once(_prune_history),
    "inlined rows written into files": _flush,
    "files rewritten without deleted rows": _rewrite,
    "small files merged": _merge,
    "snapshots expired": _at_once(_expire),
    "unneeded files deleted": _at_once(_delete_old_files),
    "orphaned files deleted": _at_once(_delete_orphans),
}

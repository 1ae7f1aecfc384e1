"""Which snapshot is read, and which ones changed the rows of which tables."""

from datetime import datetime
from typing import NamedTuple

import duckdb

from embedded.database import CATALOG, METADATA
from embedded.registry import SCHEMA
from runtime.errors import NOT_BUILT, EngineError


class Change(NamedTuple):
    """One snapshot has changed rows of one table; the moment is of its commit, in UTC."""

    table: str
    snapshot: int
    changed_at: datetime


def changes_since(connection: duckdb.DuckDBPyConnection, snapshot: int) -> list[Change]:
    """Return what was changed after a snapshot, up to the one that the transaction reads.

    The rows of such a change may net to nothing. Moving rows from the catalog into files, or from
    file to file, is no change.
    """
    rows = connection.execute(
        f"select table_name, snapshot_id, changed_at from {SCHEMA}.row_changes"
        " where snapshot_id > ? order by snapshot_id",
        [snapshot],
    ).fetchall()
    return [Change(*row) for row in rows]


def may_have_changed(connection: duckdb.DuckDBPyConnection, table: str, snapshot: int) -> bool:
    """Tell whether rows of a table were changed after a snapshot, or that snapshot is forgotten."""
    row = connection.execute(
        f"""
        select
            not exists (from {METADATA}.ducklake_snapshot where snapshot_id = $snapshot)
            or exists (
                from {SCHEMA}.row_changes where snapshot_id > $snapshot and table_name = $table
            )
        """,
        {"snapshot": snapshot, "table": table},
    ).fetchone()
    return row is None or row[0]


def last_rewrite(connection: duckdb.DuckDBPyConnection, table: str, after: int) -> int | None:
    """Return the last snapshot after another that rewrote files of a table, if there is one.

    All that was changed before had been read by then: see embedded/compaction.py.
    """
    row = connection.execute(
        f"""
        select max(changes.snapshot_id)
        from {METADATA}.ducklake_snapshot_changes as changes
        inner join {METADATA}.ducklake_table as tables
            on tables.table_name = $table and tables.end_snapshot is null
        where
            changes.snapshot_id > $after
            and list_contains(
                string_split(changes.changes_made, ','), 'rewrite_delete:' || tables.table_id
            )
        """,
        {"after": after, "table": table},
    ).fetchone()
    return row[0] if row else None


def committed_at(connection: duckdb.DuckDBPyConnection, snapshot: int | None) -> datetime | None:
    """Return when a snapshot was made; None when the lake has forgotten it, as maintenance does.

    While it knows a snapshot, it also knows all that was changed since.
    """
    row = connection.execute(
        f"select cast(snapshot_time as timestamptz) from {METADATA}.ducklake_snapshot"
        " where snapshot_id = ?",
        [snapshot],
    ).fetchone()
    return row[0] if row else None


def current_snapshot(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the snapshot that the open transaction reads."""
    row = connection.execute(f"select id from {CATALOG}.current_snapshot()").fetchone()
    if row is None:
        raise EngineError(NOT_BUILT)
    return int(row[0])

"""Streams: the net changes of a dynamic table since an offset, as a stored view.

The view's lower bound is the stream's offset, so that anyone may look without consuming. Only a
task consumes: its transaction fixes both bounds, runs its statements and moves the offset.
"""

import duckdb

from embedded.database import CATALOG, LakeError, transact
from embedded.registry import SCHEMA, Stream, current_snapshot, dynamic_tables, streams


def place_stream(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Create the registered stream's view; a new stream starts at the present snapshot."""

    def work(open_: duckdb.DuckDBPyConnection) -> None:
        stream = streams(open_)[name]
        snapshot = stream.offset_snapshot
        move_offset(open_, stream, current_snapshot(open_) if snapshot is None else snapshot)

    transact(connection, work)


def has_data(connection: duckdb.DuckDBPyConnection, stream: Stream) -> bool:
    """Tell whether the stream has net changes to hand out."""
    row = connection.execute(f"select 1 from {CATALOG}.main.{stream.name} limit 1").fetchone()
    return row is not None


def fix_bounds(connection: duckdb.DuckDBPyConnection, stream: Stream) -> int:
    """Within a consuming transaction, show exactly the changes up to its snapshot; return that."""
    snapshot = current_snapshot(connection)
    if stream.offset_snapshot is None:
        raise LakeError(f"stream {stream.name} has no offset: run 'dbt build' to place it")
    _create_view(connection, stream, stream.offset_snapshot, str(snapshot))
    return snapshot


def move_offset(connection: duckdb.DuckDBPyConnection, stream: Stream, snapshot: int) -> None:
    """Within a consuming transaction, set the offset: what came before is handed out no more."""
    _create_view(connection, stream, snapshot, None)
    connection.execute(
        f"update {SCHEMA}.streams set offset_snapshot = ? where name = ?", [snapshot, stream.name]
    )


def _create_view(
    connection: duckdb.DuckDBPyConnection, stream: Stream, offset: int, until: str | None
) -> None:
    """Create the stream's view over the changes after `offset`, until a snapshot or until now.

    The function's bounds must be literals. Without an upper one they are times, because only then
    can "now" be written; the offset's own time always exists, a snapshot after it may not yet.
    """
    if until is None:
        row = connection.execute(
            f"select snapshot_time from {CATALOG}.snapshots() where snapshot_id = ?", [offset]
        ).fetchone()
        if row is None:
            raise LakeError(
                f"stream {stream.name} is stale: the lake no longer keeps snapshot {offset}"
            )
        bounds = f"timestamptz '{row[0].isoformat()}', now()"
    else:
        bounds = f"{offset}, {until}"
    source = dynamic_tables(connection)[stream.source]
    described = connection.execute(f"describe {CATALOG}.main.{source.name}").fetchall()
    columns = ", ".join(row[0] for row in described)
    keys = ", ".join(source.refresh_key)
    connection.execute(
        f"""
        create or replace view {CATALOG}.main.{stream.name} as
        with changes as (
            select *, change_type in ('insert', 'update_postimage') as is_after
            from ducklake_table_changes('{CATALOG}', 'main', '{source.name}', {bounds})
            where snapshot_id > {offset}
        ),
        numbered as (
            select
                *,
                row_number() over (
                    partition by {keys} order by snapshot_id, is_after
                ) as from_first,
                row_number() over (
                    partition by {keys} order by snapshot_id desc, is_after desc
                ) as from_last
            from changes
        ),
        before as (select {columns} from numbered where from_first = 1 and not is_after),
        after as (select {columns} from numbered where from_last = 1 and is_after),
        -- What is as it was before is no change, whatever happened in between.
        deleted as (select * from before except select * from after),
        inserted as (select * from after except select * from before)
        select
            *,
            count(*) over (partition by {keys}) = 2 as "METADATA$ISUPDATE",
            md5(concat_ws('|', {keys})) as "METADATA$ROW_ID"
        from (
            select *, 'DELETE' as "METADATA$ACTION" from deleted
            union all
            select *, 'INSERT' as "METADATA$ACTION" from inserted
        )
        """
    )

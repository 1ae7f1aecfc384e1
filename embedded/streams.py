"""Streams: the net changes of a dynamic table since an offset.

Anyone may look, without consuming, by a stored view. Only a task consumes: its transaction puts the
changes up to its snapshot into a temporary table of the stream's name, which its statements read,
and moves the offset. So a run writes no definition to the lake, after which every process would
have to read all definitions again.
"""

from typing import NamedTuple

import duckdb

from embedded.changes import committed_at, current_snapshot, last_rewrite
from embedded.database import CATALOG, transact
from embedded.registry import SCHEMA, Stream, dynamic_tables, refresh_key_of, streams
from runtime.errors import EngineError


class Source(NamedTuple):
    """What is to be known of a dynamic table in order to net its changes."""

    name: str
    columns: tuple[str, ...]
    refresh_key: tuple[str, ...]


def source_of(connection: duckdb.DuckDBPyConnection, stream: Stream) -> Source:
    """Return what is to be known of a stream's table."""
    described = connection.execute(f"describe {CATALOG}.main.{stream.source}").fetchall()
    columns = tuple(row[0] for row in described)
    return Source(stream.source, columns, refresh_key_of(connection, stream.source))


def place_stream(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Create the registered stream's view; a new stream starts at the present snapshot."""

    def work(open_: duckdb.DuckDBPyConnection) -> None:
        stream = streams(open_)[name]
        if stream.offset_snapshot is None:
            stream = Stream(stream.name, stream.source, current_snapshot(open_))
            move_offset(open_, stream, stream.offset_snapshot)
        _create_view(open_, stream)

    transact(connection, work)


def has_data(connection: duckdb.DuckDBPyConnection, stream: Stream) -> bool:
    """Tell whether the stream has net changes to hand out."""
    feed = changes_until(connection, stream, current_snapshot(connection))
    changes = net_changes(source_of(connection, stream), feed)
    return connection.execute(f"select 1 from ({changes}) limit 1").fetchone() is not None


def hand_out(connection: duckdb.DuckDBPyConnection, stream: Stream) -> tuple[int, int]:
    """Within a consuming transaction, fill the temporary table with the changes up to its snapshot.

    Returns the snapshot, for move_offset, and the number of rows.
    """
    snapshot = current_snapshot(connection)
    feed = changes_until(connection, stream, snapshot)
    changes = net_changes(source_of(connection, stream), feed)
    connection.execute(f"create or replace temp table {stream.name} as {changes}")
    row = connection.execute(f"select count(*) from temp.main.{stream.name}").fetchone()
    return snapshot, row[0] if row else 0


def changes_until(connection: duckdb.DuckDBPyConnection, stream: Stream, snapshot: int) -> str:
    """Return a query for the changes between a stream's offset and a snapshot, each of them."""
    if stream.offset_snapshot is None:
        raise EngineError(f"stream {stream.name} has no offset: run 'dbt build' to place it")
    if snapshot > (start := _start(connection, stream)):
        return f"from {_feed(stream, f'{start + 1}, {snapshot}')}"
    return no_changes(stream, snapshot)


def no_changes(stream: Stream, snapshot: int) -> str:
    """Return a query for none of the changes of a stream, with the columns of all of them."""
    return f"from {_feed(stream, f'{snapshot}, {snapshot}')} limit 0"


def move_offset(connection: duckdb.DuckDBPyConnection, stream: Stream, snapshot: int) -> None:
    """Within a consuming transaction, set the offset: what came before is handed out no more."""
    connection.execute(f"drop table if exists temp.main.{stream.name}")
    connection.execute(
        f"update {SCHEMA}.streams set offset_snapshot = ? where name = ?", [snapshot, stream.name]
    )


def renew_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Let all views begin where there is something to hand out.

    To be done in the transaction that forgets older snapshots, and when files were rewritten.
    """
    for stream in streams(connection).values():
        if stream.offset_snapshot is not None and stream.source in dynamic_tables(connection):
            _create_view(connection, stream)


def _create_view(connection: duckdb.DuckDBPyConnection, stream: Stream) -> None:
    """Create the view for those who look: from the stream's offset until the moment of the look.

    The feed's bounds must be literals, and "now" can only be written as a time. So the lower one is
    where the offset is today, and the view leaves out what has been consumed since. A feed that
    begins at a forgotten snapshot, or before files were rewritten, is wrong: see renew_views. Of
    rows that compaction has moved the feed does not tell when they were deleted, and the view may
    leave that out.
    """
    start = _start(connection, stream)
    since = committed_at(connection, start).isoformat()
    offset = f"(select offset_snapshot from {SCHEMA}.streams where name = '{stream.name}')"
    # Materialized, because a filter that is pushed into the feed compares when a row came, and so
    # loses the deletions of rows that came before the offset.
    feed = f"""
        with feed as materialized (from {_feed(stream, f"timestamptz '{since}', now()")})
        from feed where snapshot_id > greatest({offset}, {start})
    """
    changes = net_changes(source_of(connection, stream), feed)
    connection.execute(f"create or replace view {CATALOG}.main.{stream.name} as {changes}")


def _start(connection: duckdb.DuckDBPyConnection, stream: Stream) -> int:
    """Return the snapshot after which there is something to hand out: the offset, or a later one.

    A feed that spans the rewriting of files counts their rows twice, and nothing was left to be
    read then. Raises EngineError when the lake has forgotten the offset's snapshot.
    """
    if committed_at(connection, stream.offset_snapshot) is None:
        raise EngineError(
            f"stream {stream.name} is stale: the lake no longer keeps snapshot"
            f" {stream.offset_snapshot}"
        )
    rewritten = last_rewrite(connection, stream.source, stream.offset_snapshot)
    return stream.offset_snapshot if rewritten is None else rewritten


def _feed(stream: Stream, bounds: str) -> str:
    return f"ducklake_table_changes('{CATALOG}', 'main', '{stream.source}', {bounds})"


def net_changes(source: Source, feed: str) -> str:
    """Return a query for the net of the changes that a query for a part of the feed returns."""
    columns, keys = ", ".join(source.columns), ", ".join(source.refresh_key)
    # An image that was put in and taken out again is no change, whatever happened in between.
    return f"""
        with netted as (
            select
                {columns},
                sum(
                    case when change_type in ('insert', 'update_postimage') then 1 else -1 end
                ) as times
            from ({feed})
            group by {columns}
            having times <> 0
        )
        select
            * exclude (times),
            if(times > 0, 'INSERT', 'DELETE') as "METADATA$ACTION",
            count(*) over (partition by {keys}) = 2 as "METADATA$ISUPDATE",
            md5(concat_ws('|', {keys})) as "METADATA$ROW_ID"
        from netted
    """

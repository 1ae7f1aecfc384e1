"""Streams: the net changes of a dynamic table since an offset, which is a version of that table.

Anyone may look, without consuming, by a stored view over the table's log. Only a task consumes: its
transaction puts the changes into a temporary table of the stream's name, which its statements read,
and moves the offset.
"""

from embedded.engine.changes import create_log, log_of, prune_log
from embedded.engine.registry import (
    SCHEMA,
    DynamicTable,
    Stream,
    dynamic_tables,
    refresh_key_of,
    streams,
)
from embedded.engine.statements import Statements
from embedded.engine.storage import CATALOG
from runtime.errors import EngineError


def place_stream(statements: Statements, name: str) -> None:
    """Create the registered stream's view; a new stream starts at the table's present version."""

    def work() -> None:
        stream = streams(statements.connection)[name]
        source = _source(statements, stream)
        if stream.consumed_version is None:
            _set_offset(statements, stream, source.version)
        create_log(statements, stream.source)
        query = _net_changes(statements, stream)
        statements.connection.execute(f"create or replace view {CATALOG}.main.{name} as {query}")

    statements.transact(work)


def has_data(statements: Statements, stream: Stream) -> bool:
    """Tell whether the stream has net changes to hand out."""
    return bool(
        statements.connection.execute(f"from {CATALOG}.main.{stream.name} limit 1").fetchone()
    )


def hand_out(statements: Statements, stream: Stream) -> tuple[int, int]:
    """Within a consuming transaction, fill the temporary table of the stream's name.

    Returns the version that it goes up to, for move_offset, and the number of rows.
    """
    if stream.consumed_version is None:
        raise EngineError(f"stream {stream.name} has no offset: run 'dbt build' to place it")
    version = statements.count(
        f"select version from {SCHEMA}.refresh_states where name = '{stream.source}'"
    )
    changes = f"from {CATALOG}.main.{stream.name}"
    place = statements.table(stream.name, changes)
    if version == stream.consumed_version:
        return version, 0
    return version, statements.count(f"insert into {place} {changes}")


def hand_out_again(statements: Statements, stream: Stream, keys: str) -> int:
    """Within a consuming transaction, add the present rows of some keys, as if they were new.

    Returns how many; a key whose rows are handed out anyway is left as it is.
    """
    place, columns = (
        f"temp.main.{stream.name}",
        refresh_key_of(statements.connection, stream.source),
    )
    using = ", ".join(columns)
    return statements.count_once(
        f"""
        insert into {place} by name
        select
            *,
            'INSERT' as "METADATA$ACTION",
            false as "METADATA$ISUPDATE",
            md5(concat_ws('|', {using})) as "METADATA$ROW_ID"
        from {CATALOG}.main.{stream.source}
        semi join {keys} using ({using})
        anti join {place} using ({using})
        """
    )


def move_offset(statements: Statements, stream: Stream, version: int) -> None:
    """Within a consuming transaction, set the offset: what came before is handed out no more."""
    _set_offset(statements, stream, version)
    prune_log(statements, stream.source)


def _source(statements: Statements, stream: Stream) -> DynamicTable:
    source = dynamic_tables(statements.connection).get(stream.source)
    if source is None:
        raise EngineError(f"stream {stream.name}: there is no dynamic table {stream.source}")
    return source


def _set_offset(statements: Statements, stream: Stream, version: int) -> None:
    statements.connection.execute(
        f"update {SCHEMA}.streams set consumed_version = ? where name = ?", [version, stream.name]
    )


def _net_changes(statements: Statements, stream: Stream) -> str:
    """Return a query for the net of the changes after the stream's offset.

    An image that was put in and taken out again is no change, whatever happened in between.
    """
    described = statements.connection.execute(f"describe {CATALOG}.main.{stream.source}").fetchall()
    columns = ", ".join(row[0] for row in described)
    keys = ", ".join(refresh_key_of(statements.connection, stream.source))
    return f"""
        with netted as (
            select {columns}, sum(change) as times
            from {log_of(stream.source)}
            where version > (
                select consumed_version from {SCHEMA}.streams where name = '{stream.name}'
            )
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

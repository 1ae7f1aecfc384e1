"""Streams as DuckDB has none: a view of what a table holds now and did not at the stream's offset.

The offset is a copy of the table in a schema that SHOW does not list; a DML statement that reads
the stream sets it to the table as it is.
"""

from fakesnow.server import shared_fs

from tests.snowflake.standin.access import READ
from tests.snowflake.standin.refused import Refused
from tests.snowflake.standin.register import Entry, Register
from tests.snowflake.standin.session import Session


def create(stream: Entry) -> None:
    """Make the view, with the offset at what the table holds now."""
    offset, source = _offset(stream), stream.source
    database = stream.full.split(".")[0]
    for sql in (
        f"create schema if not exists {database}._streams",
        _set_offset(stream),
        f"""
        create or replace view {stream.full} as
        select *, 'INSERT' as "METADATA$ACTION", false as "METADATA$ISUPDATE"
        from (select * from {source} except all select * from {offset})
        union all
        select *, 'DELETE' as "METADATA$ACTION", false as "METADATA$ISUPDATE"
        from (select * from {offset} except all select * from {source})
        """,
    ):
        shared_fs.duck_conn.execute(sql)


def consumed(register: Register, session: Session, sql: str) -> list[str]:
    """Return the statements that move the offsets of the streams that a DML statement reads."""
    found = []
    for name in dict.fromkeys(READ.findall(sql)):
        try:
            stream = register.get("stream", name, session)
        except Refused:
            continue
        if stream:
            found.append(_set_offset(stream))
    return found


def _offset(stream: Entry) -> str:
    database, *rest = stream.full.split(".")
    return f"{database}._streams.{'_'.join(rest)}"


def _set_offset(stream: Entry) -> str:
    return f"create or replace table {_offset(stream)} as select * from {stream.source}"

"""What has changed in a table since somebody last read it.

Other tables than dynamic ones are only ever appended to: what was read of them is a number of rows.
If rows that were read are gone, nobody can tell which, and the reader computes all of its rows
anew. A dynamic table has a version, which each refresh that changes rows counts up. While somebody
follows it who is behind, the refresh also writes the rows that it took out and put in to a log.
"""

from datetime import datetime
from typing import NamedTuple

from embedded.engine.registry import SCHEMA, Position, dynamic_tables
from embedded.engine.statements import Statements
from embedded.engine.storage import CATALOG

_ALL = 2**62  # more versions than there will ever be
_MARKED_ROWS = 256  # whose hash tells whether a table is still the one that was read


class News(NamedTuple):
    """What a source holds now, and from which row on it is new; None if old rows are gone."""

    position: Position
    first_new_row: int | None
    new_rows: int


def news_of_rows(statements: Statements, table: str, seen: Position | None) -> News:
    """Return what was appended to a table that is no dynamic table since it was read."""
    read, next_row, mark = seen if isinstance(seen, tuple) else (0, 0, "")
    name, execute = f"{CATALOG}.main.{table}", statements.connection.execute
    new_rows = f"from {name} where rowid >= {next_row}"
    total, new, newest, found = execute(
        f"select (select count(*) from {name}), (select count(*) {new_rows}),"
        f" (select max(rowid) {new_rows}), {_mark(name, next_row)}"
    ).fetchone() or (0, 0, None, "")
    if total - new != read or found != mark:
        (newest,) = execute(f"select max(rowid) from {name}").fetchone() or (None,)
        return News(_position(statements, name, total, newest), None, total)
    if not new:
        return News((read, next_row, mark), next_row, 0)
    return News(_position(statements, name, total, newest), next_row, new)


def _position(statements: Statements, name: str, rows: int, newest: int | None) -> Position:
    next_row = 0 if newest is None else newest + 1
    row = statements.connection.execute(f"select {_mark(name, next_row)}").fetchone()
    return (rows, next_row, str(row[0]) if row else "")


def _mark(name: str, next_row: int) -> str:
    return (
        f"(select coalesce(cast(sum(hash(marked)) as varchar), '') from {name} as marked"
        f" where rowid >= {next_row - _MARKED_ROWS} and rowid < {next_row})"
    )


def log_of(table: str) -> str:
    """Return the full name of a dynamic table's log of changes."""
    return f'{SCHEMA}."changes_{table}"'


def create_log(statements: Statements, table: str) -> None:
    """Create the log of a dynamic table where it is missing, or give it the table's columns.

    What is still to be consumed stays in it.
    """
    execute, log = statements.connection.execute, log_of(table)
    stored = f"{CATALOG}.main.{table}"
    wanted = [row[:2] for row in execute(f"describe {stored}").fetchall()]
    statements.unlearn(("has log", table))
    present = _columns(statements, table)
    if present == [("version", "BIGINT"), ("change", "TINYINT"), *wanted]:
        return
    empty = f"select 0::bigint as version, 0::tinyint as change, * from {stored} limit 0"
    if not present:
        statements.define(f"create table {log} as {empty}")
        return
    execute(f"create or replace temp table kept_changes as from {log}")
    statements.define(f"create or replace table {log} as {empty}")
    common = ["version", "change", *(name for name, kind in wanted if (name, kind) in present)]
    execute(f"insert into {log} by name select {', '.join(common)} from temp.main.kept_changes")
    execute("drop table temp.main.kept_changes")


def log_removed(statements: Statements, table: str, version: int) -> None:
    """Write all rows of a dynamic table to its log, if it has one, as rows that are taken out."""
    if _columns(statements, table):
        statements.count_once(
            f"insert into {log_of(table)} by name select {version}::bigint as version,"
            f" -1::tinyint as change, * from {CATALOG}.main.{table}"
        )


def _consumed_version(statements: Statements, table: str) -> int:
    """Return up to which version of a dynamic table everybody who follows it has read."""
    return statements.count(
        f"""
        select coalesce(min(version), {_ALL}) from (
            select consumed_version as version from {SCHEMA}.streams where source = '{table}'
            union all
            select try_cast(seen ->> '$.{table}' as bigint)
            from {SCHEMA}.refresh_states semi join {SCHEMA}.dynamic_tables using (name)
        )
        """
    )


def prune_log(statements: Statements, table: str) -> None:
    """Delete the changes of a dynamic table that everybody who follows it has read, if any."""
    if not statements.known(("has log", table), lambda: bool(_columns(statements, table))):
        return
    log, consumed = log_of(table), _consumed_version(statements, table)
    [(oldest, newest)] = statements.run(f"select min(version), max(version) from {log}")
    if oldest is None or oldest > consumed:
        return
    if newest <= consumed:
        statements.connection.execute(f"truncate {log}")  # which costs less than a deletion
    else:
        statements.connection.execute(f"delete from {log} where version <= ?", [consumed])


def oldest_arrival(statements: Statements, table: str, first_row: int) -> datetime | None:
    """Return when the first of the rows from a number on arrived; None if the table does not say.

    A table that is loaded says so in its column loaded_at, in UTC.
    """
    if not has_arrivals(statements, table):
        return None
    rows = f"{CATALOG}.main.{table} where rowid >= {first_row}"
    row = statements.connection.execute(f"select min(loaded_at) from {rows}").fetchone()
    return row[0] if row else None


def has_arrivals(statements: Statements, table: str) -> bool:
    """Tell whether a table says when its rows arrived."""

    def look() -> bool:
        found = statements.connection.execute(
            "select 1 from duckdb_columns()"
            f" where database_name = '{CATALOG}' and schema_name = 'main'"
            " and table_name = ? and column_name = 'loaded_at' and data_type = 'TIMESTAMP'",
            [table],
        )
        return found.fetchone() is not None

    return statements.known(("arrivals", table), look)


def describe_arrivals(statements: Statements) -> None:
    """Have the view embedded.arrivals show the rows of all tables that dynamic tables read."""
    tables = dynamic_tables(statements.connection)
    loaded = {name for table in tables.values() for name in table.reads} - set(tables)
    parts = [
        f"select '{name}' as source, rowid as row_number, loaded_at from {CATALOG}.main.{name}"
        for name in sorted(loaded)
        if has_arrivals(statements, name)
    ]
    if parts:
        statements.define(
            f"create or replace view {SCHEMA}.arrivals as {' union all '.join(parts)}"
        )


def _columns(statements: Statements, table: str) -> list[tuple[str, str]]:
    """Return names and types of the columns of a table's log, none while it has none."""
    return statements.connection.execute(
        "select column_name, data_type from duckdb_columns()"
        f" where database_name = '{CATALOG}' and schema_name = 'embedded' and table_name = ?"
        " order by column_index",
        [f"changes_{table}"],
    ).fetchall()

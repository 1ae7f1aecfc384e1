"""One question to the database, which can change nothing and reaches nothing but the database."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

from embedded.engine.sql_tree import parse, table_functions
from embedded.engine.storage import Connection
from embedded.session import connect
from runtime.errors import EngineError, first_line

# Of DuckDB's table functions those that only return rows: others read files, write a log, make a
# checkpoint, or take the address of an object in memory.
_HARMLESS = {"range", "generate_series", "unnest", "json_each", "json_tree"}
_OF_THE_CATALOG = ("duckdb_", "pragma_")


def query(sql: str, role: str, max_rows: int) -> None:
    """Print the rows of one select statement as a role sees them; raises EngineError.

    The engine runs it in a transaction that cannot write, without access to files, the network or
    settings. What is refused because of what it is, is refused before the file is opened.
    """
    check(sql)
    with connect(role) as connection, _reading_only(connection):
        _check_role(connection, role)
        try:
            connection.sql(sql).show(max_rows=max_rows, max_width=200)
        except duckdb.Error as error:
            raise EngineError(first_line(error)) from error


def check(sql: str) -> None:
    """Raise EngineError unless a text is one statement that only reads."""
    try:
        sql.encode()
    except UnicodeEncodeError as error:
        raise EngineError("the query is not valid UTF-8") from error
    tree = parse(sql)
    if (count := len(tree["statements"])) != 1:
        raise EngineError(f"one select statement can be run, and this is {count or 'none'}")
    for name in table_functions(tree):
        if name not in _HARMLESS and not name.startswith(_OF_THE_CATALOG):
            raise EngineError(f"the function {name} is not for reading the database")


def _check_role(connection: Connection, role: str) -> None:
    """Raise EngineError for a role that no seed names, once the seed is there."""
    try:
        rows = connection.execute("select distinct role_name from manager_regions").fetchall()
    except duckdb.CatalogException:
        return
    known = sorted(name for (name,) in rows)
    for name in role.split(","):
        if name.strip().upper() not in known:
            raise EngineError(
                f"there is no role {name.strip()}: seeds/manager_regions.csv has {', '.join(known)}"
            )


@contextmanager
def _reading_only(connection: Connection) -> Iterator[None]:
    """Let the engine refuse whatever writes or leaves the database, in this process for good."""
    connection.execute("set global enable_external_access = false")
    connection.execute("set global lock_configuration = true")
    connection.execute("begin transaction read only")
    try:
        yield
    finally:
        with suppress(duckdb.Error):  # after a fatal error nothing is answered any more
            connection.execute("rollback")

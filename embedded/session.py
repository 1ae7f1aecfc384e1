"""The project's database with the project's functions, and who asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from embedded.engine import storage
from embedded.engine.storage import Connection, Database, database
from embedded.forgetting import remove_letters_due
from embedded.functions import DEFAULT_ROLE, load_model_that_serves, register_functions


def open_database(home: Path | None = None) -> Database:
    """Return the database of a folder, by default of $CHURN_HOME, with the project's functions."""
    found = database(home)
    found.equip(_prepare, load_model_that_serves)
    return found


def _prepare(connection: Connection) -> None:
    register_functions(connection)
    remove_letters_due(connection)


def existing_database(home: Path | None = None) -> Database:
    """Return the same; raises EngineError when nothing was built in that folder yet."""
    storage.existing_database(home)
    return open_database(home)


@contextmanager
def connect(
    role: str = DEFAULT_ROLE, *, patience_seconds: float | None = None
) -> Iterator[Connection]:
    """Have a connection to the existing database as a role, while the context is open.

    Several roles at once, as a session on Snowflake may have, are written with commas. They preview
    what they would see on Snowflake, and are no protection: whoever can read the file can read all
    of it. Raises EngineError as Database.session does.
    """
    with existing_database().session(patience_seconds) as opened:
        connection = opened.cursor()
        try:
            preview_as(connection, role)
            yield connection
        finally:
            connection.close()


def preview_as(connection: duckdb.DuckDBPyConnection, role: str) -> None:
    """Let a connection ask as a role, or as several with commas."""
    connection.execute("set variable role = cast(? as varchar)", [role])

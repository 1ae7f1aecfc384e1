"""The lake: DuckDB in memory over a DuckLake with a SQLite catalog. Every process opens it here."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import duckdb
from duckdb_extensions import import_extension
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from embedded.turns import turn
from runtime.errors import EngineError, first_line

CATALOG = "lake"
METADATA = f"__ducklake_metadata_{CATALOG}"  # DuckLake's own tables, in SQLite
LARGE = "lake_of_large_rows"
DEFAULT_ROLE = "CHURN_MANAGER"
EXTENSIONS = ("sqlite_scanner", "ducklake")
# Up to this many rows a change is kept in the catalog itself, so that small commits write no files.
# The catalog takes each row as a text of SQL: for more of them, a file is sooner written.
INLINED_ROWS = 100
# Two writers that meet on the catalog are told apart by these words; the loser starts again.
_CONFLICTS = ("database is locked", "Failed to commit DuckLake transaction", "conflict")

# A failed commit may also have these causes, which no second try removes.
_REFUSALS = ("readonly", "read-only", "disk is full", "No space left")

Result = TypeVar("Result")


class OvertakenError(Exception):
    """Somebody else has written to the lake since `before` looked at it: transact does all anew."""


def lake_path() -> Path:
    """Return the folder of the lake: $CHURN_LAKE, or .lake in the working directory."""
    return Path(os.environ.get("CHURN_LAKE") or ".lake")


def connect(role: str | None = DEFAULT_ROLE, *, create: bool = True) -> duckdb.DuckDBPyConnection:
    """Open the lake as the catalog `lake`, with the project's functions, as the named role.

    Without a role there are no functions, which take a while to import: the loader needs none.
    Raises EngineError when the folder cannot be used, holds a lake of another version, or, with
    `create=False`, holds no lake at all.
    """
    if not create and not (lake_path() / "catalog.sqlite").exists():
        raise EngineError(
            f"there is no lake at {lake_path()}: run 'make demo' or 'dbt build' first, "
            "or set CHURN_LAKE to its folder"
        )
    connection = duckdb.connect()
    attach(connection)
    if role is not None:
        # Not at the top, because it takes a while: the start of a loader would take twice as long.
        from embedded.functions import register_functions

        register_functions(connection, role=role)
    return connection


def attach(connection: duckdb.DuckDBPyConnection) -> None:
    """Attach the lake to a connection and make it the default catalog; raises EngineError."""
    path = lake_path()
    try:
        path.mkdir(parents=True, exist_ok=True)
        _load_extensions(connection)
        _limit_threads(connection)
        connection.execute("set timezone = 'UTC'")
        # What does not fit into memory belongs where there is room for the lake.
        connection.execute(f"set temp_directory = '{_quoted(path / 'spill')}'")
        # A missing table must be an error, never a Python variable that happens to have its name.
        connection.execute("set python_enable_replacements = false")
        # Only a single-threaded scan reads the catalog within the open transaction. The others see
        # what was committed since, and then miss rows that maintenance has moved into files.
        connection.execute("set global sqlite_disable_multithreaded_scans = true")
        # DuckLake tells the optimizer what values a table holds now. A change feed also has values
        # that are gone, and comes out with others where the optimizer relies on that.
        connection.execute("set global disabled_optimizers = 'statistics_propagation'")
        _attach_as(connection, CATALOG, INLINED_ROWS)
        connection.execute(f"use {CATALOG}.main")
    except (OSError, duckdb.Error) as error:
        raise EngineError(explain(error)) from error


def _limit_threads(connection: duckdb.DuckDBPyConnection) -> None:
    """Use so many processors as $CHURN_THREADS says, on a machine that has other work to do."""
    threads = os.environ.get("CHURN_THREADS")
    if threads is None:
        return
    if not threads.isdecimal() or int(threads) < 1:
        raise EngineError(f"CHURN_THREADS must be a whole number of at least 1, not '{threads}'")
    connection.execute(f"set threads = {int(threads)}")


def attach_for_large_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Attach the lake once more, as the catalog LARGE, which writes every change into files.

    The catalog itself would take a large row as a text of SQL: twenty times its size, and slowly.
    """
    _attach_as(connection, LARGE, 0)


def _attach_as(connection: duckdb.DuckDBPyConnection, name: str, inlined_rows: int) -> None:
    path = lake_path()
    connection.execute(
        f"attach if not exists 'ducklake:sqlite:{_quoted(path / 'catalog.sqlite')}'"
        f" as {name} (data_path '{_quoted(path / 'data')}',"
        f" override_data_path true, data_inlining_row_limit {inlined_rows},"
        " meta_journal_mode 'WAL', meta_busy_timeout 10000)"
    )


def transact(
    connection: duckdb.DuckDBPyConnection,
    work: Callable[[duckdb.DuckDBPyConnection], Result],
    *,
    before: Callable[[], None] = lambda: None,
    patience_seconds: float = 60,
) -> Result:
    """Run `work` in one transaction, and `before` before it, when it is our turn to write.

    Who loses against another writer nevertheless rolls back and runs all of it again. `work` must
    therefore read what it needs inside, and have no effects outside the lake.
    Raises EngineError when the disk refuses, and whatever `work` itself raises.
    """
    retrying = Retrying(
        retry=retry_if_exception(is_conflict),
        wait=wait_random_exponential(multiplier=0.02, max=1),
        stop=stop_after_delay(patience_seconds),
        reraise=True,
    )
    try:
        with turn(lake_path()):
            return retrying(_once, connection, work, before)
    except (OSError, duckdb.IOException, duckdb.TransactionException) as error:
        raise EngineError(explain(error)) from error


def _once(
    connection: duckdb.DuckDBPyConnection,
    work: Callable[[duckdb.DuckDBPyConnection], Result],
    before: Callable[[], None],
) -> Result:
    before()
    connection.execute("begin transaction")
    try:
        result = work(connection)
        connection.execute("commit")
    except BaseException:
        with suppress(duckdb.Error):  # a failed commit has rolled back already
            connection.execute("rollback")
        raise
    return result


def is_conflict(error: BaseException) -> bool:
    """Tell whether a transaction lost against another writer and may simply be run again."""
    text = str(error)
    return isinstance(error, OvertakenError) or (
        isinstance(error, duckdb.Error)
        and any(word in text for word in _CONFLICTS)
        and not any(word in text for word in _REFUSALS)
    )


def explain(error: BaseException) -> str:
    """Turn an error of the disk or the catalog into one line that says what to do."""
    path, text = lake_path(), str(error)
    line = first_line(error)
    if "version" in text and "DuckLake" in text:
        return f"the lake at {path} was made by another DuckLake version: {line}"
    if "No space left" in text or "disk is full" in text:
        return f"the disk is full at {path}: free some space and run the command again"
    if isinstance(error, PermissionError) or any(
        words in text
        for words in ("Permission denied", "readonly", "read-only", "Read-only", "unable to open")
    ):
        return f"the lake at {path} cannot be written: check its permissions, or set CHURN_LAKE"
    return f"the lake at {path} cannot be used: {line}"


def _load_extensions(connection: duckdb.DuckDBPyConnection) -> None:
    for name in EXTENSIONS:
        try:
            connection.load_extension(name)
        except duckdb.Error:
            _install_extension(name, connection)
            connection.load_extension(name)


def _install_extension(name: str, connection: duckdb.DuckDBPyConnection) -> None:
    try:
        import_extension(name, con=connection)
    except (ImportError, duckdb.Error):  # no wheel for this platform: DuckDB's own repository
        connection.install_extension(name)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")

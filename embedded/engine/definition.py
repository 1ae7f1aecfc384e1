"""A dynamic table as it is defined: its columns, and whether it may be refreshed by its key."""

from collections.abc import Container

import duckdb

from embedded.engine.changes import log_removed
from embedded.engine.incremental_check import NotIncrementalError, check_incremental
from embedded.engine.registry import INCREMENTAL, DynamicTable
from embedded.engine.sql_tree import source_tables
from embedded.engine.statements import Statements
from embedded.engine.storage import CATALOG
from runtime.errors import EngineError


def fit_columns(statements: Statements, tables: Container[str], table: DynamicTable) -> bool:
    """Create the table, or anew if its query has other columns; return whether it is empty."""
    name = f"{CATALOG}.main.{table.name}"
    wanted = _describe(statements, table.query)
    _check_refresh_key(statements, tables, table, {row[0] for row in wanted})
    try:
        present = _describe(statements, name)
    except duckdb.CatalogException:
        present = []
    if wanted != present:
        if present:
            log_removed(statements, table.name, table.version + 1)
        query = f"select * from ({table.query}) limit 0"
        statements.define(f"create or replace table {name} as {query}")
        statements.unlearn(("log", table.name))
    return is_empty(statements, table)


def is_empty(statements: Statements, table: DynamicTable) -> bool:
    """Tell whether a dynamic table has no rows."""
    execute = statements.connection.execute
    return execute(f"from {CATALOG}.main.{table.name} limit 1").fetchone() is None


def _check_refresh_key(
    statements: Statements, tables: Container[str], table: DynamicTable, columns: set[str]
) -> None:
    for source in source_tables(table.query):
        try:
            _describe(statements, f"{CATALOG}.main.{source}")
        except duckdb.CatalogException as error:
            raise _reads_no_table(table, source) from error
        if source not in tables and not _is_table(statements, source):
            raise _reads_no_table(table, source)
    for key in set(table.refresh_key) - columns:
        raise not_by_key(table, f"dynamic table {table.name} has no column {key}")
    statements.unlearn(("looked up", table.name, table.definition))
    looked_up(statements, table)


def looked_up(statements: Statements, table: DynamicTable) -> dict[str, str]:
    """Return the sources of a table that lack its key, with the column that each is looked up by.

    Raises EngineError for a table that its key does not divide.
    """
    if table.refresh_mode != INCREMENTAL:
        return {}

    def look() -> dict[str, str]:
        keyless = {}
        for source in source_tables(table.query):
            present = {row[0] for row in _describe(statements, f"{CATALOG}.main.{source}")}
            if missing := sorted(set(table.refresh_key) - present):
                keyless[source] = missing[0]
        try:
            found = check_incremental(table.query, table.refresh_key, keyless)
        except NotIncrementalError as error:
            raise not_by_key(table, str(error)) from error
        if found and len(source_tables(table.query)) - len(found) != 1:
            raise not_by_key(table, f"it looks up {', '.join(found)} for more than one source")
        return found

    return statements.known(("looked up", table.name, table.definition), look)


def _describe(statements: Statements, what: str) -> list[tuple[str, str]]:
    rows = statements.connection.execute(f"describe {what}").fetchall()
    return [row[:2] for row in rows]


def _is_table(statements: Statements, source: str) -> bool:
    found = statements.connection.execute(
        f"select 1 from duckdb_tables() where database_name = '{CATALOG}'"
        " and schema_name = 'main' and table_name = ?",
        [source],
    ).fetchone()
    return found is not None


def _reads_no_table(table: DynamicTable, source: str) -> EngineError:
    return EngineError(
        f"dynamic table {table.name} reads {source}, which is not a table of the database:"
        " only tables tell what has changed in them"
    )


def not_by_key(table: DynamicTable, reason: str) -> EngineError:
    """Return the error of a table that its key does not divide."""
    return EngineError(
        f"dynamic table {table.name} cannot be refreshed by its key {', '.join(table.refresh_key)}:"
        f" {reason}; name another refresh_key, or set refresh_mode: FULL"
    )

"""Procedures: statements that somebody calls with parameters, all or nothing; the last one answers.

Parameters are variables of the session, which statements read as values and never as SQL.
"""

import json
from collections.abc import Mapping

import duckdb

from embedded.database import transact
from embedded.registry import SCHEMA
from runtime.clock import utc_now
from runtime.errors import NOT_BUILT, EngineError


def call(
    connection: duckdb.DuckDBPyConnection, name: str, arguments: Mapping[str, str | None]
) -> list[tuple]:
    """Run a procedure when it is this process's turn to write; return the rows of its answer.

    Raises EngineError for a procedure that is not registered, or arguments that it does not take.
    """
    try:
        row = connection.execute(
            f"select body, parameters from {SCHEMA}.procedures where name = ?", [name]
        ).fetchone()
    except duckdb.CatalogException as error:
        raise EngineError(NOT_BUILT) from error
    if row is None:
        raise EngineError(f"there is no procedure {name}: run 'dbt build' first")
    body, parameters = row[0], set(json.loads(row[1]))
    if parameters != set(arguments):
        raise EngineError(f"procedure {name} takes {', '.join(sorted(parameters))}")
    connection.execute(f"set variable as_of = timestamp '{utc_now().isoformat(sep=' ')}'")
    for parameter, value in arguments.items():
        connection.execute(f"set variable {parameter} = cast(? as varchar)", [value])
    statements = duckdb.extract_statements(body)

    def work(open_: duckdb.DuckDBPyConnection) -> list[tuple]:
        for statement in statements[:-1]:
            open_.execute(statement)
        return open_.execute(statements[-1]).fetchall()

    return transact(connection, work)

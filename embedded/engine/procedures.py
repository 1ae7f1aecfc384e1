"""Procedures: statements that somebody calls with parameters, all or nothing; the last one answers.

Parameters are variables of the session, which statements read as values and never as SQL. So is who
calls: `caller` is the user of this process, and `role` the role that is asked as, if any.
"""

import json
from collections.abc import Callable, Mapping

import duckdb

from embedded.engine.registry import SCHEMA
from embedded.engine.statements import at_moment
from embedded.engine.storage import Connection, Database, transact
from embedded.engine.tasks import split_statements
from runtime.clock import utc_now
from runtime.errors import NOT_BUILT, EngineError
from runtime.user import user_name


def call(
    database: Database,
    name: str,
    arguments: Mapping[str, str | None],
    patience_seconds: float | None = None,
    role: str | None = None,
    beside: Callable[[Connection], None] = lambda _: None,
) -> list[tuple]:
    """Run a procedure when no other writer is at it; return the rows of its answer.

    Without a role it asks as the one that statements take for the default. `beside` is called
    in the same transaction, after all changes.
    Raises EngineError for a procedure that is not registered, or arguments that it does not take,
    and NotAvailableError when another process keeps the file for longer than `patience_seconds`.
    """
    with database.session(patience_seconds) as opened:
        connection = opened.cursor()
        try:
            body = _body(connection, name, set(arguments))
            asking = {"caller": user_name(), "role": role}
            for parameter, value in {**arguments, **asking}.items():
                _set(connection, parameter, value)
            *changes, answer = split_statements(at_moment(body, utc_now()))

            def work(open_: Connection) -> list[tuple]:
                for statement in changes:
                    open_.execute(statement)
                beside(open_)
                return open_.execute(answer).fetchall()

            return transact(connection, work, opened.writer_lock)
        finally:
            connection.close()


def _set(connection: Connection, parameter: str, value: str | None) -> None:
    try:
        (value or "").encode()
    except UnicodeEncodeError as error:  # half of a pair of UTF-16, which no text can hold
        raise EngineError(f"{parameter} is not valid Unicode") from error
    connection.execute(f"set variable {parameter} = cast(? as varchar)", [value])


def _body(connection: Connection, name: str, given: set[str]) -> str:
    try:
        row = connection.execute(
            f"select body, parameters from {SCHEMA}.procedures where name = ?", [name]
        ).fetchone()
    except duckdb.CatalogException as error:
        raise EngineError(NOT_BUILT) from error
    if row is None:
        raise EngineError(f"there is no procedure {name}: run 'dbt build' first")
    if (parameters := set(json.loads(row[1]))) != given:
        raise EngineError(f"procedure {name} takes {', '.join(sorted(parameters))}")
    return row[0]

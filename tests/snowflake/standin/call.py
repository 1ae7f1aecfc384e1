"""Calls procedures and executes tasks: their bodies as sent, by statements, as their owners.

A call needs USAGE on the procedure. Inside, IS_ROLE_IN_SESSION speaks of the owner, and SYS_CONTEXT
of the session only where the owner has READ SESSION on the account: so the documentation says.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from typing import Any, NamedTuple

from fakesnow.fakes import FakeSnowflakeConnection

from tests.snowflake.standin import streams
from tests.snowflake.standin.access import Access
from tests.snowflake.standin.refused import Refused
from tests.snowflake.standin.register import Entry, Register
from tests.snowflake.standin.running import Run
from tests.snowflake.standin.scripting import script_of
from tests.snowflake.standin.session import Session
from tests.snowflake.standin.statements import QUOTED_BODY, creation, plain

CALL = re.compile(r"call (?P<name>[\w.]+)\((?P<arguments>.*)\)", re.I | re.S)
ARGUMENT = re.compile(r"(\w+) => (null|'(?:[^']|'')*')\s*(?:,|$)", re.I)


class TaskRun(NamedTuple):
    """A row of TASK_HISTORY."""

    name: str
    database_name: str
    schema_name: str
    condition_text: str | None
    state: str
    error_message: str | None
    started: datetime
    completed: datetime


class Caller:
    """Runs bodies on a connection, as their owners."""

    def __init__(
        self,
        register: Register,
        access: Access,
        connect: Callable[[Session], FakeSnowflakeConnection],
        inside: Callable[[Session, Session], AbstractContextManager],
        prepare: Callable[[Session, str], str],
    ) -> None:
        """inside: lets functions answer as in a procedure. prepare: returns what is run for SQL."""
        self._register, self._access = register, access
        self._connect, self._inside, self._prepare = connect, inside, prepare
        self.runs: list[TaskRun] = []

    def call(self, session: Session, sql: str) -> str | None:
        """Run `call name(parameter => 'text', …)`; return SQL for its answer, or None."""
        found = CALL.fullmatch(plain(sql))
        entry = self._register.get("procedure", found["name"], session) if found else None
        if entry is None:
            return None
        if not self._access.may(session, "USAGE", "procedure", entry.full):
            raise Refused(
                "002140",
                f"SQL compilation error:\nUnknown user-defined function {entry.name}",
            )
        self._access.check(session, sql)
        parameters, columns = _head(entry)
        values = {name.lower(): _value(text) for name, text in ARGUMENT.findall(found["arguments"])}
        if set(values) != set(parameters):
            raise Refused(
                "001044",
                f"SQL compilation error:\nInvalid argument types for function '{entry.name}'",
            )
        run = self.run(session, entry, values)
        return _answer(columns, run.answer)

    def run(self, session: Session, entry: Entry, arguments: dict[str, Any]) -> Run:
        """Run the whole body of a procedure or task as its owner."""
        owner = Session(
            session.role, session.secondary, session.warehouse, *entry.schema.split("."),
            user=session.user, owner=entry.owner,
        )  # fmt: skip
        with self._inside(session, owner):
            run = Run(
                script_of(entry.text), self._connect(owner), arguments=arguments,
                rewrite=lambda sql: self._prepare(owner, sql),
                along=lambda sql: streams.consumed(self._register, owner, sql),
            )  # fmt: skip
            run.run()
        return run

    def execute_task(self, session: Session, name: str) -> None:
        """Run a task now. That it fails says only its history, as on an account."""
        entry = self._register.demand("task", name, session)
        self._access.demand(session, "OPERATE", entry)
        started, error = datetime.now(timezone.utc), None
        try:
            self.run(session, entry, {})
        except Exception as failed:
            error = str(failed)
        condition = re.search(r"\bwhen\s+(\S+)", QUOTED_BODY.split(entry.text)[0], re.I)
        self.runs.append(
            TaskRun(
                entry.name, *entry.schema.split("."), condition and condition[1],
                "FAILED" if error else "SUCCEEDED", error, started, datetime.now(timezone.utc),
            )
        )  # fmt: skip

    def history(self) -> str:
        """Return a subquery with the rows of information_schema.task_history()."""
        columns = (
            "name, database_name, schema_name, condition_text, state, error_message,"
            " query_start_time,"
            " completed_time, scheduled_time"
        )
        rows = ", ".join(
            "(" + ", ".join(_literal(value) for value in (*run, run.started)) + ")"
            for run in self.runs
        )
        empty = f"({', '.join(['null'] * 9)})"
        return (
            f"(select * replace ({', '.join(_cast(name) for name in columns.split(', '))})"
            f" from (values {rows or empty}) as history ({columns})"
            f"{'' if rows else ' where 1 = 0'})"
        )


def _head(entry: Entry) -> tuple[list[str], list[str]]:
    head = QUOTED_BODY.split(creation(entry.text).rest)[0]
    found = re.match(r"\s*\((.*?)\)\s*.*?returns table\s*\((.*?)\)", head, re.S)
    return re.findall(r"(\w+) varchar", found[1]), re.findall(r"(\w+) varchar", found[2])


def _cast(column: str) -> str:
    kind = "timestamp_ltz" if column.endswith("_time") else "varchar"
    return f"cast({column} as {kind}) as {column}"


def _value(text: str) -> str | None:
    return None if text.lower() == "null" else text[1:-1].replace("''", "'")


def _answer(columns: list[str], rows: list[tuple]) -> str:
    names = ", ".join(columns)
    if not rows:
        empty = ", ".join(f"cast(null as varchar) as {name}" for name in columns)
        return f"select {empty} where 1 = 0"
    texts = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
    return f"select {names} from (values {texts}) as answer ({names})"


def _literal(value: object) -> str:
    return "null" if value is None else "'" + str(value).replace("'", "''") + "'"

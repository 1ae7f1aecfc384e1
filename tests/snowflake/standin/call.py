"""Runs SQL procedures: the text that was sent, statement by statement on fakesnow, as their owner.

A call needs USAGE on the procedure. Inside, IS_ROLE_IN_SESSION speaks of the owner, and SYS_CONTEXT
of the session only where the owner has READ SESSION on the account: so the documentation says.
"""

import io
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from fakesnow.fakes import FakeSnowflakeConnection
from snowflake.connector.util_text import split_statements

from tests.snowflake.standin.offers import OWNER, Grant
from tests.snowflake.standin.register import Entry, Refused, Register
from tests.snowflake.standin.statements import QUOTED_BODY, create_of, plain

CALL = re.compile(r"call (?P<name>[\w.]+)\((?P<arguments>.*)\)", re.I | re.S)
ARGUMENT = re.compile(r"(\w+) => (null|'(?:[^']|'')*')\s*(?:,|$)", re.I)
BODY = re.compile(
    r"begin transaction;(?P<statements>.*);\s*answer := \((?P<answer>.*)\);\s*commit;", re.I | re.S
)


class Procedure(NamedTuple):
    """A procedure as it was created: its parameters, the columns of its answer, its statements."""

    parameters: list[str]
    columns: list[str]
    statements: list[str]
    answer: str


def call(
    register: Register,
    sql: str,
    roles: tuple[str, ...],
    connect: Callable[[], FakeSnowflakeConnection],
    as_owner: Callable[[bool], AbstractContextManager],
) -> str | None:
    """Run `call name(parameter => 'text', …)`; return SQL for its answer, None for other SQL.

    as_owner: lets functions answer as inside of a procedure, which may read the session or not.
    """
    found = CALL.fullmatch(plain(sql))
    entry = register.get("procedure", found["name"]) if found else None
    if entry is None:
        return None
    procedure = _procedure(entry)
    usage = f"CHURN.PIPELINE.{entry.name}({', '.join(['VARCHAR'] * len(procedure.parameters))})"
    granted = {
        one.grantee_name for one in register.grants if (one.privilege, one.name) == ("USAGE", usage)
    }
    if not (granted | {OWNER}) & set(roles):
        raise Refused("002140", f"Unknown user-defined function {entry.name}")
    values = {name.lower(): value for name, value in ARGUMENT.findall(found["arguments"])}
    if set(values) != set(procedure.parameters):
        raise Refused("002140", f"Invalid argument types for function '{entry.name}'")
    reads_session = Grant("READ SESSION", "ACCOUNT", "", OWNER) in register.grants
    with as_owner(reads_session):
        return _answer(procedure.columns, _run(procedure, values, connect()))


def _procedure(entry: Entry) -> Procedure:
    head, body = QUOTED_BODY.split(create_of(entry.text).rest)[:2]
    parameters, columns = re.match(r"\s*\((.*?)\)\s*(?:copy grants\s+)?returns table\s*\((.*?)\)", head, re.S).groups()
    found = BODY.search(body)
    return Procedure(
        re.findall(r"(\w+) varchar", parameters), re.findall(r"(\w+) varchar", columns),
        [text for text, _ in split_statements(io.StringIO(found["statements"])) if text.strip()],
        found["answer"],
    )  # fmt: skip


def _run(
    procedure: Procedure, values: dict[str, str], connection: FakeSnowflakeConnection
) -> list[tuple]:
    """Run all of it or nothing; parameters are values."""
    bound = re.compile(rf":({'|'.join(values)})\b") if values else re.compile(r"(?!)")
    cursor = connection.cursor()
    cursor.execute("begin")
    try:
        for statement in (*procedure.statements, procedure.answer):
            cursor.execute(bound.sub(lambda one: values[one[1]], statement))
        rows = cursor.fetchall()
        cursor.execute("commit")
    except BaseException:
        cursor.execute("rollback")
        raise
    return rows


def _answer(columns: list[str], rows: list[tuple]) -> str:
    names = ", ".join(columns)
    if not rows:
        empty = ", ".join(f"cast(null as varchar) as {name}" for name in columns)
        return f"select {empty} where 1 = 0"
    texts = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
    return f"select {names} from (values {texts}) as answer ({names})"


def _literal(value: object) -> str:
    return "null" if value is None else "'" + str(value).replace("'", "''") + "'"

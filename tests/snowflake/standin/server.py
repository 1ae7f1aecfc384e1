"""The account's door: fakesnow's own server, with every statement recorded before it is answered.

`python -m tests.snowflake.standin PORT FILE` serves until it is ended; FILE gets one JSON line for
each statement, in the order in which they came.
"""

import gzip
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partialmethod
from inspect import signature
from pathlib import Path

import uvicorn
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.fakes import FakeSnowflakeConnection
from fakesnow.server import query_request as fakesnow_query
from fakesnow.server import routes as fakesnow_routes
from fakesnow.server import shared_fs
from sqlglot.expressions import Expression
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from outreach.addresses import mail_address
from outreach.letters import check_message, draft_message, read_review
from outreach.template import write_from_template
from tests.snowflake.standin.call import call
from tests.snowflake.standin.offers import OWNER, PACKAGES_VIEW, packages_query
from tests.snowflake.standin.procedure import run_procedure
from tests.snowflake.standin.register import Refused, Register, done
from tests.snowflake.standin.show import DATABASE, SCHEMA, dynamic_tables_function, show
from tests.snowflake.standin.stages import Stages
from tests.snowflake.standin.statements import one_line, plain

REGISTER = Register()
USER = "STANDIN"
# Answered with "done", after they were recorded: fakesnow knows neither roles nor sessions.
ACCEPTED = re.compile(
    r"(create database|grant|revoke|use (secondary roles|role|warehouse)|execute task|comment on|"
    r"drop warehouse|"
    r"alter (session|warehouse|account|function|resource monitor|masking policy|row access policy|"
    r"view \S+ (add row access|modify column)|stage|streamlit))\b",
    re.I,
)

# No task runs here. Its arguments hold calls, and those hold calls.
TASK_HISTORY = re.compile(
    r"table\(\s*\w+\.information_schema\.task_history\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\s*\)",
    re.I,
)
NO_TASK_RUNS = """(
    select
        'none' as name, 'none' as schema_name, 'none' as condition_text, 'none' as state,
        'none' as error_message, current_timestamp() as query_start_time,
        current_timestamp() as completed_time, current_timestamp() as scheduled_time
    where 1 = 0
)"""


# fakesnow numbers an array's elements in the order in which they come out of a join, which is any.
FLATTEN = f"""
    create or replace macro {DATABASE}._fs_flatten(input) as table
    select
        hash(to_json(input)) as seq,
        case when json_type(to_json(input)) = 'OBJECT' then key end as key,
        fullkey as path,
        case when json_type(to_json(input)) = 'ARRAY' then cast(key as bigint) end as index,
        value,
        to_json(input) as this
    from json_each(to_json(input))
"""


# Put there by create_message_functions before the first build, as docs/snowflake.md says;
# tests/test_addresses.py runs them from the packed zip.
MESSAGE_FUNCTIONS = (
    write_from_template,
    draft_message,
    check_message,
    read_review,
    mail_address,
)


def transform_in_place() -> None:
    """Let fakesnow copy a statement once, and not before each of its 76 steps: most of its time."""
    transform_all = FakeSnowflakeCursor._transform
    FakeSnowflakeCursor._transform = lambda cursor, statement, parameters: transform_all(
        cursor, statement.copy(), parameters
    )
    Expression.transform = partialmethod(Expression.transform, copy=False)


class Door:
    """Records, refuses, rewrites; then fakesnow answers."""

    def __init__(self, record: Path) -> None:
        self._record = record.open("a", buffering=1)
        self._stage = record.parent / "stage"
        self.stages = Stages(REGISTER, record.parent / "stages")
        self._is_prepared = False
        self._roles: tuple[str, ...] = (OWNER,)
        self._own_connection: FakeSnowflakeConnection | None = None

    def statement(self, sql: str) -> str:
        """Return what fakesnow shall run for a statement; raises Refused."""
        self._record.write(json.dumps({"sql": sql}) + "\n")
        if not self._is_prepared:
            self._ask_as((OWNER,))
            shared_fs.duck_conn.execute(FLATTEN)
            for function in MESSAGE_FUNCTIONS:
                shared_fs.duck_conn.create_function(
                    function.__name__, function, ["VARCHAR"] * len(signature(function).parameters),
                    "VARCHAR", null_handling="special",
                )  # fmt: skip
                name = f"{DATABASE}.{SCHEMA}.{function.__name__}"
                REGISTER.act(f"create function {name}()")
            self._is_prepared = True
        for answer in (show(REGISTER, sql), REGISTER.act(sql), self.stages.answer(sql)):
            if answer is not None:
                return answer
        if (returned := run_procedure(sql, shared_fs.duck_conn, self._stage)) is not None:
            return done(returned)
        text = one_line(sql)
        if text.lower().startswith("put "):
            return sql  # the connector copies the files
        if found := re.match(r"call standin_load\('(\w+)', '(.*)'\)", text, re.I):
            return self._load(found[1], found[2])
        if found := re.match(r"use role (\w+)", text, re.I):
            self._ask_as((found[1].upper(),))
        if found := re.match(r"use secondary roles (?!all|none)(.*)", text, re.I):
            self._ask_as((self._roles[0], *re.findall(r"\w+", found[1].upper())))
        if (answer := call(REGISTER, sql, self._roles, self._connect, self._as_owner)) is not None:
            return answer
        if ACCEPTED.match(text):
            return done("Statement executed successfully.")
        sql = TASK_HISTORY.sub(NO_TASK_RUNS, sql)
        sql = PACKAGES_VIEW.sub(packages_query(), sql)
        if "account_usage" in text.lower():
            return "select 'nothing yet' as what where 1 = 0"
        if text.lower() in ("begin", "begin transaction", "commit", "rollback"):
            return done("Statement executed successfully.")  # fakesnow cannot describe its result
        if "dbt_internal_source" in text.lower():
            # In MERGE … INSERT … VALUES a bare name is the source's; fakesnow takes it for both's.
            sql = re.sub(
                r"(values\s*\()([^()]*)(\)\s*)$",
                lambda m: m[1] + re.sub(r'("\w+")', r"DBT_INTERNAL_SOURCE.\1", m[2]) + m[3],
                plain(sql),
                flags=re.I,
            )
        if found := re.match(r"insert overwrite into (\S+)", text, re.I):
            shared_fs.duck_conn.cursor().execute(f"delete from {found[1]}")
            sql = re.sub(r"^(\s*insert) overwrite", r"\1", sql, flags=re.I)
        # A temporary view that names its database is nothing that DuckDB knows.
        sql = re.sub(r"(create or replace\s+)temporary (view)", r"\1\2", sql, count=1, flags=re.I)
        return re.sub(
            r"table\(\s*\w+\.information_schema\.dynamic_tables\([^)]*\)\s*\)",
            lambda _: dynamic_tables_function(REGISTER),
            sql,
            flags=re.I,
        )

    def _load(self, table: str, file: str) -> str:
        """Fill a table as the loader or a task would have: no statement of a deploy."""
        relation = f"{DATABASE}.{SCHEMA}.{table.upper()}"
        connection = shared_fs.duck_conn.cursor()
        connection.execute(f"delete from {relation}")
        connection.execute(f"insert into {relation} by name select * from read_parquet('{file}')")
        return done("loaded")

    def _ask_as(self, roles: tuple[str, ...]) -> None:
        """Let the session have these roles, the primary one first."""
        self._roles = roles
        self._let_functions_answer(roles)

    @contextmanager
    def _as_owner(self, reads_session: bool) -> Iterator[None]:
        """Let functions answer as inside of a procedure."""
        self._let_functions_answer((OWNER,), reads_session)
        try:
            yield
        finally:
            self._let_functions_answer(self._roles)

    def _let_functions_answer(self, active: tuple[str, ...], reads_session: bool = True) -> None:
        """Define functions that fakesnow lacks: for the active roles, and for the session's."""
        of_session = f"namespace = 'SNOWFLAKE$SESSION' and {reads_session}"
        for macro in (
            f"is_role_in_session(role) as role in {_texts(active)}",
            f"current_user() as '{USER}'",
            f"sys_context(namespace, property) as case when {of_session} and property ="
            f" 'PRINCIPAL_NAME' then '{USER}' end, (namespace, property, role) as case when"
            f" {of_session} and property = 'IS_ROLE_ACTIVATED' then upper(cast(role in"
            f" {_texts(self._roles)} as varchar)) end",
        ):
            shared_fs.duck_conn.execute(f"create or replace macro {DATABASE}.{SCHEMA}.{macro}")

    def _connect(self) -> FakeSnowflakeConnection:
        if self._own_connection is None:
            self._own_connection = shared_fs.connect(DATABASE, SCHEMA)
        return self._own_connection


def _texts(names: tuple[str, ...]) -> str:
    return "({})".format(", ".join(f"'{name}'" for name in names))


def application(door: Door) -> Starlette:
    """Return fakesnow's application behind the door."""

    async def query_request(request: Request) -> Response:
        body = await request.body()
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        asked = json.loads(body)
        try:
            sent = asked["sqlText"]
            asked["sqlText"] = door.statement(sent)
            if (upload := door.stages.put(sent)) is not None:
                return JSONResponse({"data": upload, "success": True})
        except Refused as refused:
            return _failed(refused.code, f"SQL compilation error: {refused}")
        except Exception as error:
            return _failed("000603", f"the stand-in: {error!r}")
        content = json.dumps(asked).encode()

        async def receive() -> dict:
            return {"type": "http.request", "body": content, "more_body": False}

        headers = [pair for pair in request.scope["headers"] if pair[0] != b"content-encoding"]
        try:
            answer = await fakesnow_query(Request({**request.scope, "headers": headers}, receive))
        except Exception as error:
            return _failed("001003", f"fakesnow: {error!r}")
        if answer.status_code >= 500:  # the connector would ask again and again
            return _failed("261000", json.loads(answer.body)["message"])
        return answer

    routes = [
        route for route in fakesnow_routes if "query-request" not in getattr(route, "path", "")
    ]
    return Starlette(
        routes=[Route("/queries/v1/query-request", query_request, methods=["POST"]), *routes]
    )


def _failed(code: str, message: str) -> JSONResponse:
    return JSONResponse(
        {
            "data": {"errorCode": code, "sqlState": "42000"},
            "code": code,
            "message": message,
            "success": False,
        }
    )


if __name__ == "__main__":
    port, record = int(sys.argv[1]), Path(sys.argv[2])
    transform_in_place()
    uvicorn.run(application(Door(record)), host="127.0.0.1", port=port, log_level="warning")

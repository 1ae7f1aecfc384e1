"""The account over the wire: fakesnow's own server, behind the door.

`python -m tests.snowflake.standin.server PORT FILE` serves until it is ended; FILE gets one JSON
line for each statement, in the order in which they came.
"""

import asyncio
import gzip
import json
import sys
from functools import partialmethod
from pathlib import Path

import uvicorn
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.server import login_request as fakesnow_login
from fakesnow.server import query_request as fakesnow_query
from fakesnow.server import routes as fakesnow_routes
from fakesnow.server import to_token
from sqlglot.expressions import Expression
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.snowflake.standin.door import Door
from tests.snowflake.standin.refused import Refused
from tests.snowflake.standin.session import Session
from tests.snowflake.standin.stages import Upload


def transform_in_place() -> None:
    """Let fakesnow copy a statement once, and not before each of its 76 steps: most of its time."""
    transform_all = FakeSnowflakeCursor._transform
    FakeSnowflakeCursor._transform = lambda cursor, statement, parameters: transform_all(
        cursor, statement.copy(), parameters
    )
    Expression.transform = partialmethod(Expression.transform, copy=False)


def application(door: Door) -> Starlette:
    """Return fakesnow's application behind the door."""
    sessions: dict[str, Session] = {}
    one_at_a_time = asyncio.Lock()

    async def login_request(request: Request) -> Response:
        asked = request.query_params
        session = Session(
            (asked.get("roleName") or "PUBLIC").upper(),
            warehouse=_upper(asked.get("warehouse")),
            database=_upper(asked.get("databaseName")),
            schema=_upper(asked.get("schemaName")),
        )
        try:
            door.login(session)
        except Refused as refused:
            return _failed(refused.code, str(refused), refused.state)
        if session.database and not door.register.get("database", session.database):
            session.database = session.schema = None
        elif session.schema and not door.register.get("schema", session.schema, session):
            session.schema = None
        there = {"databaseName": session.database, "schemaName": session.schema}
        query = {name: value for name, value in there.items() if value}
        answer = await fakesnow_login(_with_query(request, query))
        sessions[json.loads(answer.body)["data"]["token"]] = session
        return answer

    async def query_request(request: Request) -> Response:
        body = await _body(request)
        asked = json.loads(body)
        async with one_at_a_time:
            try:
                asked["sqlText"] = door.statement(sessions[to_token(request)], asked["sqlText"])
            except Upload as upload:
                return JSONResponse({"data": upload.data, "success": True})
            except Refused as refused:
                return _failed(refused.code, str(refused), refused.state)
            except Exception as error:
                return _failed("000603", f"the stand-in: {error!r}")
            try:
                answer = await fakesnow_query(_with_body(request, json.dumps(asked).encode()))
            except Exception as error:
                return _failed("001003", f"fakesnow: {error!r}")
        if answer.status_code >= 500:  # the connector would ask again and again
            return _failed("261000", json.loads(answer.body)["message"])
        return answer

    own = {"login-request": login_request, "query-request": query_request}
    kept = [
        route
        for route in fakesnow_routes
        if getattr(route, "path", "").rsplit("/", 1)[-1] not in own
    ]
    return Starlette(
        routes=[
            Route("/session/v1/login-request", login_request, methods=["POST"]),
            Route("/queries/v1/query-request", query_request, methods=["POST"]),
            *kept,
        ]
    )


async def _body(request: Request) -> bytes:
    body = await request.body()
    is_zipped = request.headers.get("Content-Encoding") == "gzip"
    return gzip.decompress(body) if is_zipped else body


def _with_body(request: Request, body: bytes) -> Request:
    async def receive() -> dict:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [pair for pair in request.scope["headers"] if pair[0] != b"content-encoding"]
    return Request({**request.scope, "headers": headers}, receive)


def _with_query(request: Request, query: dict[str, str]) -> Request:
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return Request({**request.scope, "query_string": text.encode()}, request.receive)


def _upper(name: str | None) -> str | None:
    return name.upper() if name else None


def _failed(code: str, message: str, state: str = "42000") -> JSONResponse:
    return JSONResponse(
        {
            "data": {"errorCode": code, "sqlState": state},
            "code": code,
            "message": message,
            "success": False,
        }
    )


if __name__ == "__main__":
    port, record = int(sys.argv[1]), Path(sys.argv[2])
    transform_in_place()
    uvicorn.run(application(Door(record)), host="127.0.0.1", port=port, log_level="warning")

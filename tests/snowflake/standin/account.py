"""Starts the stand-in for a test, runs dbt on it, and hands out what was sent."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple
from unittest.mock import patch

import pandas
import snowflake.connector

from tests.dbt import PROJECT, run_dbt
from tests.snowflake.standin.session import USER

HERE = Path(__file__).parent
ENGINEER, ADMIN = "DATA_ENGINEER", "ACCOUNTADMIN"


class Statement(NamedTuple):
    """One statement as the connector sent it, the node of dbt that it was sent for, and as whom."""

    sql: str
    node: str
    role: str = ""


class Account:
    """A stand-in that runs while the context is open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._record = folder / "statements.jsonl"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def __enter__(self) -> "Account":
        self.folder.mkdir(parents=True, exist_ok=True)
        log = (self.folder / "server.log").open("w")
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.snowflake.standin.server", str(self.port), self._record],
            cwd=PROJECT, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.terminate()
        self._server.wait()

    def dbt(
        self, *arguments: str, check: bool = True, role: str = ENGINEER, **environment: str
    ) -> subprocess.CompletedProcess:
        """Run dbt on the stand-in, as a role, with what else stands in the environment."""
        environment |= {"STANDIN_PORT": str(self.port), "SNOWFLAKE_ROLE": role}
        with patch.dict(os.environ, environment):
            return run_dbt(
                *arguments, "--profiles-dir", str(HERE),
                "--target-path", str(self._target(role)), target="snowflake", check=check,
            )  # fmt: skip

    def _target(self, role: str) -> Path:
        # dbt parses everything again after a change of the role.
        return self.folder / f"target-{role.lower()}"

    def sent(self) -> list[Statement]:
        """Return every statement so far, in the order in which they came."""
        lines = self._record.read_text().splitlines() if self._record.exists() else []
        return [_statement(**json.loads(line)) for line in lines]

    def manifest(self) -> dict:
        """Return dbt's own description of the project, from the last run."""
        return json.loads((self._target(ENGINEER) / "manifest.json").read_text())

    def rows(self, query: str) -> pandas.DataFrame:
        """Answer a query over the wire, with column names in lower case."""
        return self.answers([query])[0]

    def answers(self, queries: list[str], roles: str | None = None) -> list[pandas.DataFrame]:
        """Answer queries in one session, as a role, or as several with commas."""
        primary, *secondary = (roles or ENGINEER).split(",")
        with self.connect(primary) as connection, connection.cursor() as cursor:
            if secondary:
                cursor.execute(f"use secondary roles {', '.join(secondary)}")
            return [
                cursor.execute(query).fetch_pandas_all().rename(columns=str.lower)
                for query in queries
            ]

    def execute(self, *statements: str, role: str = ENGINEER) -> None:
        """Run statements over the wire, as a role."""
        with self.connect(role) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def connect(
        self, role: str = ENGINEER, **settings: str | None
    ) -> snowflake.connector.SnowflakeConnection:
        """Open a session, in the schema and with the warehouse of the pipeline unless told else."""
        where = {"database": "CHURN", "schema": "PIPELINE", "warehouse": "CHURN_WH"} | settings
        return snowflake.connector.connect(
            user=USER, password="any", account="standin", host="127.0.0.1", port=self.port,  # noqa: S106 - no secret
            protocol="http", role=role, **{name: one for name, one in where.items() if one},
            session_parameters={"CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": False},
        )  # fmt: skip

    def _wait(self) -> None:
        for _ in range(600):
            assert self._server.poll() is None, (self.folder / "server.log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("the stand-in does not answer")


def _statement(sql: str, role: str) -> Statement:
    text, _, comment = sql.rpartition("/* {")
    if not text:
        return Statement(sql.strip(), "", role)
    note = json.loads("{" + comment.split("*/")[0])
    return Statement(text.strip(), note.get("node_id", ""), role)

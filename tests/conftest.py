"""One real pipeline per session, a fresh copy of the lake per test."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from embedded.database import connect, transact

PROJECT = Path(__file__).parent.parent
EPOCH = datetime(2026, 1, 1)
# Test processes run side by side, and dbt writes into its target folder.
os.environ["DBT_TARGET_PATH"] = f"target/tests-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"


def run_dbt(*arguments: str, target: str = "duckdb", check: bool = True):
    """Run dbt as a user does, on the lake that CHURN_LAKE names."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from dbt.cli.main import cli; cli()",
            "--no-use-colors",
            *arguments,
        ],
        cwd=PROJECT,
        env={
            **os.environ,
            "DBT_PROFILES_DIR": str(PROJECT),
            "DBT_TARGET": target,
            "SNOWFLAKE_ACCOUNT": "offline",
            "SNOWFLAKE_USER": "offline",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def run_module(*arguments: str):
    """Run one of the project's command lines and return how it ended."""
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False
    )


class Lake:
    """A real lake: events in by SQL where the broker is not what is tested, queries out."""

    def __init__(self, path: Path):
        self.path = path
        self.connection = connect()
        self._offset = self.one("select coalesce(max(kafka_offset), -1) from churn_scores_raw")

    def add(self, *events: dict, published_at: datetime | None = None) -> None:
        rows = []
        for event in events:
            self._offset += 1
            rows.append(
                (
                    *(event[name] for name in ("event_id", "customer_id", "event_type")),
                    event["occurred_at"],
                    event.get("amount"),
                    json.dumps({"properties": event.get("properties")}),
                    "test",
                    0,
                    self._offset,
                    published_at or EPOCH + timedelta(seconds=self._offset),
                    EPOCH,
                )
            )
        insert = "insert into churn_scores_raw values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        transact(self.connection, lambda lake: lake.executemany(insert, rows))

    def rows(self, query: str, *parameters) -> list[tuple]:
        return self.connection.execute(query, list(parameters)).fetchall()

    def one(self, query: str, *parameters):
        return self.rows(query, *parameters)[0][0]

    def frame(self, query: str):
        return self.connection.execute(query).df()


def event(number, customer: str, event_type: str, occurred_at: datetime, **more) -> dict:
    return {
        "event_id": f"e{number}",
        "customer_id": customer,
        "event_type": event_type,
        "occurred_at": occurred_at,
        **more,
    }


@pytest.fixture(scope="session")
def dbt():
    return run_dbt


@pytest.fixture
def build_lake(tmp_path, monkeypatch):
    """Build the pipeline up to training, empty, in a lake of its own."""
    monkeypatch.setenv("CHURN_LAKE", str(tmp_path / "lake"))
    run_dbt("run", "-s", "+training_snapshots", "+metrics")
    return Lake(tmp_path / "lake")


@pytest.fixture(scope="module")
def shared_lake(tmp_path_factory):
    """An empty pipeline up to the metrics, shared by the tests of one module."""
    path = tmp_path_factory.mktemp("shared") / "lake"
    patch = pytest.MonkeyPatch()
    patch.setenv("CHURN_LAKE", str(path))
    run_dbt("run", "-s", "+metrics")
    yield Lake(path)
    patch.undo()

"""Real pipelines, built once and copied, and events into them by SQL."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

from embedded.engine.procedures import call
from embedded.engine.refresh_pass import refresh
from embedded.engine.scheduler import tick
from embedded.engine.statements import Statements
from embedded.engine.storage import transact
from embedded.engine.streams import has_data
from embedded.engine.tasks import run_task
from embedded.session import open_database
from tests.dbt import PROJECT, EmptyPipelines

EPOCH = datetime(2026, 1, 1)
# Files of tests/snowflake whose tests look at what the fixture `deployment` has left behind.
SHARE_A_DEPLOY = {
    "test_deploy.py", "test_operators.py", "test_rights_on_snowflake.py", "test_sent_python.py",
    "test_suspended.py", "test_suspension.py", "test_visibility.py",
}  # fmt: skip


def run_module(*arguments: str):
    """Run one of the project's command lines and return how it ended."""
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False
    )


class Pipeline:
    """A real database: events in by SQL where the broker is not what is tested, queries out."""

    def __init__(self, path: Path):
        self.path = path
        self.database = open_database(path)
        self._opened = self._connection = None
        self._offset = self.one("select coalesce(max(kafka_offset), -1) from churn_scores_raw")

    @property
    def connection(self):
        """The test's connection; a new one after another process had the file."""
        with self.database.session() as opened:
            if self._opened is not opened:
                self._opened, self._connection = opened, opened.cursor()
        return self._connection

    def close(self) -> None:
        """Give the file back."""
        self._opened = self._connection = None
        self.database.close()

    def tick(self, as_of: datetime | None = None):
        with self.database.session() as opened:
            return tick(opened, as_of)

    def refresh(self, names=None):
        with self.database.session() as opened:
            return refresh(Statements(opened), names)

    def run_task(self, task, as_of: datetime):
        with self.database.session() as opened:
            return run_task(Statements(opened), task, as_of)

    def call(self, name: str, arguments: dict, role: str | None = None) -> list[tuple]:
        return call(self.database, name, arguments, role=role)

    def has_data(self, stream) -> bool:
        with self.database.session() as opened:
            return has_data(Statements(opened), stream)

    def add(
        self,
        *events: dict,
        published_at: datetime | None = None,
        loaded_at: datetime | None = None,
        topic: str = "test",
    ) -> None:
        rows = []
        for event in events:
            self._offset += 1
            rows.append(
                (
                    *(event[name] for name in ("event_id", "customer_id", "event_type")),
                    event["occurred_at"],
                    event.get("amount"),
                    json.dumps({"properties": event.get("properties")}),
                    topic,
                    0,
                    self._offset,
                    published_at or EPOCH + timedelta(seconds=self._offset),
                    # By default nothing arrives before it has happened.
                    loaded_at or max(event["occurred_at"], EPOCH),
                )
            )
        insert = "insert into churn_scores_raw values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        with self.database.session():
            transact(self.connection, lambda open_: open_.executemany(insert, rows))

    def rows(self, query: str, *parameters) -> list[tuple]:
        with self.database.session():
            return self.connection.execute(query, list(parameters)).fetchall()

    def one(self, query: str, *parameters):
        return self.rows(query, *parameters)[0][0]

    def frame(self, query: str):
        with self.database.session():
            return self.connection.execute(query).df()


def event(number, customer: str, event_type: str, occurred_at: datetime, **more) -> dict:
    return {
        "event_id": f"e{number}",
        "customer_id": customer,
        "event_type": event_type,
        "occurred_at": occurred_at,
        **more,
    }


class _ByFile(LoadFileScheduling):
    """One process for a file, and one for all files that share a deploy, which takes minutes."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "a deploy" if Path(file).name in SHARE_A_DEPLOY else file


def pytest_xdist_make_scheduler(config, log):
    """Say which tests run in one process."""
    return _ByFile(config, log)


@pytest.fixture(scope="session")
def empty_pipelines(tmp_path_factory, testrun_uid):
    """Empty pipelines to copy, shared by the test processes of this run."""
    folder = tmp_path_factory.getbasetemp().parent / f"pipelines-{testrun_uid}"
    folder.mkdir(exist_ok=True)
    return EmptyPipelines(folder)


@pytest.fixture
def empty_pipeline(empty_pipelines, tmp_path, monkeypatch):
    """An empty pipeline up to the metrics and training, for one test."""
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
    pipeline = Pipeline(empty_pipelines.copy("metrics", tmp_path / "home"))
    yield pipeline
    pipeline.close()


@pytest.fixture(scope="module")
def shared_pipeline(empty_pipelines, tmp_path_factory):
    """The same, shared by the tests of one module."""
    path = tmp_path_factory.mktemp("shared") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_HOME", str(path))
        yield Pipeline(empty_pipelines.copy("metrics", path))

"""Real lakes, built once and copied, and events into them by SQL."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from embedded.database import connect, transact

from tests.dbt import PROJECT, EmptyLakes

EPOCH = datetime(2026, 1, 1)


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

    def add(
        self,
        *events: dict,
        published_at: datetime | None = None,
        loaded_at: datetime | None = None,
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
                    "test",
                    0,
                    self._offset,
                    published_at or EPOCH + timedelta(seconds=self._offset),
                    # By default nothing arrives before it has happened.
                    loaded_at or max(event["occurred_at"], EPOCH),
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
def empty_lakes(tmp_path_factory, testrun_uid):
    """Empty pipelines to copy, shared by the test processes of this run."""
    folder = tmp_path_factory.getbasetemp().parent / f"lakes-{testrun_uid}"
    folder.mkdir(exist_ok=True)
    return EmptyLakes(folder)


@pytest.fixture
def empty_lake(empty_lakes, tmp_path, monkeypatch):
    """An empty pipeline up to the metrics and training, for one test."""
    monkeypatch.setenv("CHURN_LAKE", str(tmp_path / "lake"))
    lake = Lake(empty_lakes.copy("metrics", tmp_path / "lake"))
    yield lake
    lake.connection.close()


@pytest.fixture(scope="module")
def shared_lake(empty_lakes, tmp_path_factory):
    """The same, shared by the tests of one module."""
    path = tmp_path_factory.mktemp("shared") / "lake"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_LAKE", str(path))
        yield Lake(empty_lakes.copy("metrics", path))

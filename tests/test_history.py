"""Files that end in the past are scored as of their end; a loader that has stopped is not."""

import re
from datetime import date, datetime, timedelta

import pytest

from tests.conftest import Pipeline, event, run_module
from tests.dbt import run_dbt
from tests.drawn_customers import activate_forest

DAYS, VISITS = 200, 40
FIRST = datetime(2024, 3, 1, 10)
LAST = FIRST + timedelta(days=DAYS)
NOW = datetime(2026, 6, 1, 12)
STATUS = "select is_history, not_scored_because, said from scoring_status"
HEALTH = "select is_stale, is_history, data_as_of from pipeline_health"


@pytest.fixture
def pipeline(empty_pipelines, tmp_path, monkeypatch):
    """A pipeline with a model, and no events."""
    path = empty_pipelines.copy("all", tmp_path / "home")
    monkeypatch.setenv("CHURN_HOME", str(path))
    pipeline = Pipeline(path)
    activate_forest(pipeline)
    pipeline.close()
    yield pipeline
    pipeline.close()


def visits(customer: str, last: datetime = LAST) -> list[dict]:
    every = timedelta(days=DAYS / VISITS)
    return [event(f"{customer}-{n}", customer, "login", last - n * every) for n in range(VISITS)]


def test_files_are_scored_as_of_their_end_until_events_come_over_a_topic(pipeline):
    silent = visits("silent", LAST - timedelta(days=40))
    pipeline.add(*visits("active"), *silent, topic="file:orders.csv", loaded_at=NOW)
    pipeline.tick(NOW)
    scored = dict(pipeline.rows("select customer_id, features_date from churn_score_history"))
    assert scored == {"active": LAST.date(), "silent": LAST.date() - timedelta(days=1)}
    assert pipeline.rows(HEALTH) == [(False, True, LAST)]
    line = "history: the data ends on 2024-09-17 10:00 UTC, and is scored as of then"
    assert pipeline.rows(STATUS) == [(True, None, line)]
    assert pipeline.one("select why from model_health") == ""  # no score is too old
    pipeline.tick(NOW + timedelta(hours=2))
    assert pipeline.one("select count(*) from churn_score_history") == 2  # no time passes
    # One event over a topic, and the data no longer ends with the files.
    pipeline.add(event("live", "active", "login", NOW), topic="churn.events")
    pipeline.tick(NOW)
    assert pipeline.rows("select is_history from pipeline_health") == [(False,)]
    assert pipeline.one("select max(features_date) from churn_score_history") == date(2026, 6, 1)


def test_a_loader_that_has_stopped_is_never_history(pipeline):
    pipeline.add(*visits("active"), topic="churn.events")
    more = visits("other", LAST - timedelta(days=1))
    pipeline.add(*more, topic="file:orders.csv", loaded_at=NOW)
    pipeline.tick(NOW)
    assert pipeline.one("select count(*) from churn_score_history") == 0
    assert pipeline.rows(HEALTH) == [(True, False, LAST)]
    [(is_history, because, said)] = pipeline.rows(STATUS)
    assert not is_history
    assert because.startswith("the newest event is of 2024-09-17 10:00 UTC, and events that come")
    assert said == f"not scored: {because}"


def test_commands_say_why_nobody_is_scored(pipeline):
    words = "not scored: no events are loaded: load a file (python -m ingest load FILE)"
    assert words in run_module("embedded", "tick").stdout
    told = run_dbt("run-operation", "execute_task", "--args", "{name: sweep_silent_customers}")
    assert words in told.stdout
    shown = run_dbt("run-operation", "show_pipeline").stdout
    assert words in shown
    assert re.search(r"last training: .*\n.*  noise \| trained\n", shown)
    assert words in run_dbt("run", "-s", "scoring_status").stdout
    pipeline.add(event("once", "new", "login", LAST), topic="file:visits.jsonl")
    pipeline.close()
    few = "not scored: no customer has 3 active days in the last 84 days of the data"
    assert few in run_module("embedded", "tick").stdout
    pipeline.rows("delete from model_promotions")
    pipeline.rows("update train_churn_model set status = 'waiting for data: 9 labelled rows'")
    pipeline.close()
    assert (
        "not scored: no model is trained: waiting for data: 9 labelled rows"
        in run_module("embedded", "tick").stdout
    )

"""Training again by itself: when it is due, beside the pipeline, and visible when it fails."""

import json
import re
import time
from datetime import timedelta

import pytest

from embedded.engine.dbt_commands import Commands
from embedded.engine.registry import RESUME, tasks
from embedded.engine.scheduler import Passes
from runtime.clock import utc_now
from tests.conftest import Pipeline
from tests.dbt import run_dbt

NOW = utc_now()
FAILS = ["run-operation"]  # without saying which
GOES_ON = ["run-operation", "show_pipeline"]


@pytest.fixture
def pipeline(empty_pipeline):
    return empty_pipeline


def add_task(pipeline, command: list[str], query: str = "select 'it is time'") -> None:
    pipeline.rows(
        "insert into embedded.tasks by name select 'again' as name, ? as body, '2 HOURS' as"
        " schedule, false as is_suspended, 5 as suspend_after_failures, 0 as consecutive_failures",
        query,
    )
    pipeline.rows("insert into embedded.task_commands values ('again', ?)", json.dumps(command))


def states(pipeline) -> list[str]:
    return [
        row[0] for row in pipeline.rows("select state from embedded.task_history order by rowid")
    ]


def step_until_it_ends(passes, as_of) -> list[str]:
    said = []
    while not any("failed" in line or "succeeded" in line for line in said):
        said += [run.summary_line() for run in passes.make(as_of).task_runs]
        time.sleep(0.5)
    return said


@pytest.fixture
def passes(pipeline):
    with pipeline.database.session() as opened:
        yield Passes(opened, Commands())


def test_a_command_runs_beside_the_passes_and_is_not_started_twice(pipeline, passes):
    add_task(pipeline, GOES_ON)
    first = passes.make(NOW)
    assert [run.summary_line() for run in first.task_runs] == ["task again started: it is time"]
    assert states(pipeline) == ["EXECUTING"]
    later = NOW + timedelta(hours=3)  # due again, but it still runs
    assert passes.make(later).is_calm
    assert re.fullmatch(r"task again succeeded \(\d.*", step_until_it_ends(passes, NOW)[0])
    assert states(pipeline) == ["EXECUTING", "SUCCEEDED"]
    assert passes.make(NOW + timedelta(hours=1)).is_calm
    pipeline.rows("update embedded.tasks set body = 'select 1 where false'")
    assert passes.make(later).is_calm
    assert states(pipeline)[2:] == ["SKIPPED"]


def test_a_command_that_fails_is_seen_waits_for_its_time_and_is_suspended_in_the_end(
    pipeline, passes
):
    add_task(pipeline, FAILS)
    *_, failed = step_until_it_ends(passes, NOW)
    assert "dbt run-operation failed: its arguments are not understood" in failed
    assert failed.endswith("; trying again in 2 HOURS")
    assert states(pipeline) == ["EXECUTING", "FAILED"]
    assert passes.make(NOW + timedelta(minutes=119)).is_calm
    pipeline.rows("update embedded.tasks set body = 'select * from no_such_table'")
    for failures in (2, 3, 4, 5):
        (run,) = passes.make(NOW + timedelta(hours=2 * failures)).task_runs
        assert "no_such_table" in run.error
    assert run.outlook == f"suspended after 5 failures in a row: {RESUME}"
    assert passes.make(NOW + timedelta(hours=20)).is_calm


def test_it_is_off_until_a_schedule_is_set_and_off_again_afterwards(
    empty_pipelines, tmp_path, monkeypatch
):
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
    pipeline = Pipeline(empty_pipelines.copy("all", tmp_path / "home"))
    assert "retrain_churn_model" not in tasks(pipeline.connection)
    run_dbt("run", "-s", "retrain_churn_model", "--vars", '{"retrain_schedule": "24 HOURS"}')
    task = tasks(pipeline.connection)["retrain_churn_model"]
    assert (task.schedule, task.command[:2]) == ("24 HOURS", ("run", "--select"))
    assert "train_churn_model" in task.command
    assert pipeline.rows(task.body) == [("no model scores yet",)]
    run_dbt("run", "-s", "retrain_churn_model")
    assert "retrain_churn_model" not in tasks(pipeline.connection)
    assert pipeline.rows("from embedded.task_commands") == []

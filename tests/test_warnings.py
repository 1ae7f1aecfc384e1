"""What somebody should look at is one view on both engines; only Snowflake tells them."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from tests.conftest import EPOCH, Pipeline, event
from tests.dbt import run_dbt

QUIET = "no new events have reached the dynamic tables for more than 1440 minutes"
TOLD = json.dumps({"warning_recipients": "ops@example.com"})


@pytest.fixture(scope="module")
def pipeline(empty_pipelines, tmp_path_factory):
    path = tmp_path_factory.mktemp("warnings") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_HOME", str(path))
        built = Pipeline(empty_pipelines.copy("all", path))
        yield built
        built.close()


def warnings(pipeline) -> dict[str, str]:
    return dict(pipeline.rows("select kind, warning from pipeline_warnings order by kind"))


def test_a_pipeline_before_its_first_event_warns_of_nothing(pipeline):
    assert warnings(pipeline) == {}


def test_a_business_that_sleeps_for_a_night_is_warned_of_nothing(pipeline):
    last_evening = datetime.now(timezone.utc).replace(tzinfo=None) - timedelta(hours=14)
    pipeline.add(event(0, "c0", "purchase", last_evening))
    pipeline.refresh()
    assert pipeline.one("select is_stale from pipeline_health")
    assert warnings(pipeline) == {}
    pipeline.connection.execute("delete from churn_scores_raw")
    pipeline.refresh()


def test_each_kind_of_trouble_is_one_sentence_that_names_the_object(pipeline):
    pipeline.add(event(1, "c1", "purchase", EPOCH))
    pipeline.refresh()
    assert warnings(pipeline) == {"stale_data": QUIET}
    pipeline.connection.execute(
        """
        insert into embedded.refresh_failures values
            ('customer_profiles', 'Out of "memory"', 5, true, now()),
            ('churn_metrics_live', 'a ''line''\nand another', 1, false, now());
        update embedded.tasks set is_suspended = true where name = 'monitor_model';
        insert into embedded.task_history values
            ('sweep_silent_customers', 'FAILED', 'of a "customer"', now(), now(), 1),
            ('advance_alerts', 'FAILED', 'once', now(), now() - interval '1 hour', 1),
            ('advance_alerts', 'SUCCEEDED', null, now(), now(), 1);
        """
    )
    assert warnings(pipeline) == {
        "failed_refresh": "the last refresh of dynamic table churn_metrics_live failed",
        "failed_task": "the last run of task sweep_silent_customers failed",
        "stale_data": QUIET,
        "suspended_table": (
            "dynamic table customer_profiles is suspended, and is not refreshed any more"
        ),
        "suspended_task": "task monitor_model is suspended, and does not run any more",
    }


def test_duckdb_says_that_it_tells_nobody(pipeline):
    said = run_dbt("run", "-s", "warnings_told", "send_warnings", "--vars", TOLD).stdout
    assert "send_warnings: DuckDB sends no warnings; read them in the view pipeline_" in said
    said = run_dbt("run-operation", "suspend_tasks", "--vars", TOLD).stdout
    assert "send_warnings: nothing to suspend on DuckDB, which sends no warnings" in said


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ("create_notifications", "DuckDB, which writes to nobody"),
        ("create_budget", "DuckDB, which costs nothing"),
        ("create_connector_pipe", "DuckDB, which python -m ingest load fills"),
        ("create_dbt_project", "DuckDB, where dbt runs from the project folder"),
    ],
)
def test_duckdb_says_why_an_operation_does_nothing(pipeline, operation, said):
    arguments = ("--args", "folder: /srv") if operation == "create_dbt_project" else ()
    done = run_dbt("run-operation", operation, *arguments).stdout
    assert f"{operation}: nothing to do on {said}" in done

"""A row that makes a table or a task fail is set aside, and everyone else is served."""

from datetime import timedelta

import pytest

from embedded.engine.registry import SCHEMA, dynamic_tables, tasks
from runtime.clock import utc_now
from tests.conftest import event
from tests.dbt import run_dbt
from tests.outreach_fixtures import customer
from tests.recomputed import differing_rows

pytest_plugins = ("tests.outreach_fixtures",)

# Fails with the rows of one key alone, as a cast of a value that nobody thought of would.
_POISON = "cast(case when {key} like '%Bad%' then 'x' else '1' end as integer)"
_EVENT_TABLES = ("customer_events", "customer_profile_events")
TABLES = (
    *_EVENT_TABLES, "customer_activity_daily", "customer_activity_monthly", "customer_profiles",
    "churn_metrics_live",
)  # fmt: skip
TASKS = (
    "process_alerts", "sweep_silent_customers", "advance_alerts", "monitor_model",
    "take_risk_snapshot",
)  # fmt: skip


def poison_table(pipeline, name):
    """Have a table fail with the rows of the customer Bad, and of no other."""
    key = "event_id" if name in _EVENT_TABLES else "customer_id"
    query = dynamic_tables(pipeline.connection)[name].query
    pipeline.rows(
        f"update {SCHEMA}.dynamic_tables set query = ? where name = ?",
        f"select * from ({query}) where {_POISON.format(key=key)} = 1",
        name,
    )


def set_aside(pipeline):
    return pipeline.rows(f"select name, key from {SCHEMA}.set_aside order by all")


@pytest.mark.parametrize("name", TABLES)
def test_a_row_that_fails_in_a_table_harms_nobody_else(pipeline, name):
    poison_table(pipeline, name)
    pipeline.tick()
    pipeline.add(*customer("Bad"), *customer("Good"))
    done = pipeline.tick()
    assert not done.failures
    assert {one for one, _ in set_aside(pipeline)} == {name}
    live = "select customer_id from churn_metrics_live where customer_id in ('Bad', 'Good')"
    assert ("Good",) in pipeline.rows(live)
    assert pipeline.rows("select 1 from customer_profiles where customer_id = 'Good'")
    # It stays so, at no cost: what comes for Bad is left out, what comes for Good is not.
    pipeline.add(event("again-Bad", "Bad", "login", utc_now()))
    pipeline.add(event("again-Good", "Good", "login", utc_now()))
    assert not pipeline.tick().failures
    events = "select events_total from churn_metrics_live where customer_id = 'Good'"
    assert pipeline.one(events) == 3
    shown = pipeline.rows("select name, keys_set_aside from manager_set_aside")
    assert {one for one, _ in shown} == {name}


@pytest.mark.parametrize("name", ["customer_events", "customer_activity_daily"])
def test_what_was_set_aside_comes_back_with_another_definition(pipeline, name):
    query = dynamic_tables(pipeline.connection)[name].query
    poison_table(pipeline, name)
    pipeline.add(*customer("Bad"))
    pipeline.tick()
    assert set_aside(pipeline)
    pipeline.rows(f"update {SCHEMA}.dynamic_tables set query = ? where name = ?", query, name)
    pipeline.tick()
    assert set_aside(pipeline) == []
    assert differing_rows(pipeline.connection) == {}
    assert pipeline.rows("select 1 from churn_metrics_live where customer_id = 'Bad'")


def test_what_was_set_aside_is_tried_again_on_demand(pipeline):
    name = "customer_activity_daily"
    poison_table(pipeline, name)
    pipeline.add(*customer("Bad"))
    pipeline.tick()
    assert len(set_aside(pipeline)) == 1
    # The rows fail still: they are set aside again, and nobody else is touched.
    said = run_dbt("run-operation", "retry_set_aside").stdout
    assert "1 keys that were set aside are tried again by the next pass" in said
    assert set_aside(pipeline) == []
    assert not pipeline.tick().failures
    assert len(set_aside(pipeline)) == 1
    shown = run_dbt("run-operation", "show_pipeline").stdout
    assert "set aside because their rows fail" in shown
    assert f"{name} | " in shown


def test_a_table_that_fails_for_everyone_fails_as_before(pipeline):
    query = dynamic_tables(pipeline.connection)["customer_activity_daily"].query
    pipeline.rows(
        f"update {SCHEMA}.dynamic_tables set query = ? where name = 'customer_activity_daily'",
        f"select * from ({query}) where cast(customer_id as integer) = 1",
    )
    many = [event(f"e{n}", f"c{n}", "login", utc_now()) for n in range(150)]
    pipeline.add(*many)
    done = pipeline.tick()
    assert [one.name for one in done.failures] == ["customer_activity_daily"]
    assert set_aside(pipeline) == []


@pytest.mark.parametrize("name", TASKS)
def test_a_row_that_fails_in_a_task_harms_nobody_else(pipeline, name):
    task = tasks(pipeline.connection)[name]
    if task.stream:
        place, key = f"temp.main.{task.stream}", "customer_id"
    else:
        place, key = f'"churn"."main"."{task.divided_by.relations[0]}"', task.divided_by.key[0]
    pipeline.rows("create table poisoned (key varchar, number integer)")
    pipeline.add(*customer("Bad"), *customer("Good"))
    for one in ("Bad", "Good"):
        pipeline.rows(
            "insert into churn_scores by name select ? as customer_id, 0.5 as score,"
            " 'high' as band, now()::timestamp as band_since, 1.0 as value_at_risk,"
            " '[]' as top_reasons, 'm' as model_version, 'h' as features_hash,"
            " now()::timestamp as scored_at",
            one,
        )
        pipeline.rows(
            "insert into high_risk_history by name select ? as alert_id, ? as customer_id,"
            " 0.5 as score, 0.2 as threshold, 1.0 as value_at_risk, '[]' as top_reasons,"
            " 'thank_you' as offer, 'treated' as arm, 'OPEN' as status, 'm' as model_version,"
            " now()::timestamp as created_at, 'default' as segment",
            one,
            one,
        )
    pipeline.refresh()
    poison = (
        f"insert into poisoned select {key}, {_POISON.format(key=key)} from {place};\n{task.body}"
    )
    pipeline.rows(f"update {SCHEMA}.tasks set body = ? where name = ?", poison, name)
    done = pipeline.run_task(tasks(pipeline.connection)[name], utc_now() + timedelta(hours=2))
    assert done is not None
    assert done.error is None
    assert set_aside(pipeline) == [(name, f'{{"{key}": "Bad"}}')]
    assert pipeline.rows("select key from poisoned where key = 'Good'") == [("Good",)]
    assert pipeline.rows("select key from poisoned where key = 'Bad'") == []

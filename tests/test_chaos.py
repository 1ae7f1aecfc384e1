"""A topic of which a tenth is bent: nobody but the customers of the bent messages may notice.

Two pipelines get the same 5,000 messages, one of them without the bent ones. What is kept of all
other customers, from their events to their letters, is then the same row by row.
"""

import math
from datetime import timedelta

import pytest

from ingest.batches import StoredTopic, judge
from ingest.sinks import open_sink
from runtime.clock import utc_now
from tests.chaos import (
    BENT,
    CUSTOMERS,
    EVENTS,
    TOUCHED,
    WAYS,
    bend,
    calm_history,
    customer_id,
    fetched,
)
from tests.conftest import Pipeline
from tests.recomputed import differing_rows
from tests.soak.small_model import activate_model

SEED = 11
UNTOUCHED = [customer_id(number) for number in range(TOUCHED, CUSTOMERS)]
OF_A_CUSTOMER = (
    "customer_events", "customer_activity_daily", "customer_activity_monthly", "churn_metrics_live",
    "customer_profiles", "customer_policies", "churn_scores", "churn_score_history",
    "high_risk_history", "alert_states", "manager_customers", "manager_risk_queue",
)  # fmt: skip
OF_AN_ALERT = ("alert_events", "retention_emails")


@pytest.fixture(scope="module")
def runs(empty_pipelines, tmp_path_factory):
    """The pipeline with the bent messages, and the one without them, after the same passes."""
    now = utc_now()
    messages = bend(calm_history(SEED, now), SEED, now)
    opened = []
    with pytest.MonkeyPatch.context() as patch:
        for with_bent in (True, False):
            path = empty_pipelines.copy("all", tmp_path_factory.mktemp("chaos") / "home")
            patch.setenv("CHURN_HOME", str(path))
            pipeline = Pipeline(path)
            activate_model(pipeline.connection)
            batch = judge({0: fetched(messages, with_bent=with_bent)}, StoredTopic("t", None), {})
            sink = open_sink("duckdb")
            sink.write(batch)
            sink.close()
            passes = [
                pipeline.tick(now),
                pipeline.tick(now + timedelta(minutes=61)),
            ]
            opened.append((pipeline, batch, passes))
        yield opened
        for pipeline, _, _ in opened:
            pipeline.close()


def test_a_tenth_is_bent_in_every_way(runs):
    (_, batch, _), (_, calm, _) = runs
    assert len(batch.events) + len(batch.rejected) == EVENTS
    assert len(calm.events) == EVENTS - BENT
    assert len(calm.rejected) == 0
    assert BENT // len(WAYS) >= 10
    assert 100 < len(batch.rejected) < BENT  # some ways end in a rejection, others in an event


def test_every_table_and_task_got_through(runs):
    for pipeline, _, passes in runs:
        assert [one.failures for one in passes] == [[], []]
        ran = [run for one in passes for run in one.task_runs]
        assert {run.name for run in ran} >= {"process_alerts", "sweep_silent_customers"}
        assert [run.error for run in ran if run.error] == []
        assert differing_rows(pipeline.connection) == {}


@pytest.mark.parametrize("table", [*OF_A_CUSTOMER, *OF_AN_ALERT])
def test_nobody_else_notices(runs, table):
    (bent, _, _), (calm, _, _) = runs
    kept = (
        "list_contains($1, customer_id)"
        if table in OF_A_CUSTOMER
        else "alert_id in (select alert_id from high_risk_history"
        " where list_contains($1, customer_id))"
    )
    # The loader's clock stood elsewhere when the other pipeline was loaded.
    shown = "* exclude (loaded_at)" if table == "customer_events" else "*"
    query = f"select {shown} from {table} where {kept} order by all"
    found, expected = bent.rows(query, UNTOUCHED), calm.rows(query, UNTOUCHED)
    assert len(expected) > 10
    assert found == expected


def test_no_figure_of_anybody_is_infinite_or_no_number(runs):
    pipeline, _, _ = runs[0]
    columns = pipeline.rows(
        "select table_name, column_name from information_schema.columns"
        " where table_catalog = 'churn' and table_schema = 'main' and data_type = 'DOUBLE'"
        # What the test's own small model says of itself is no figure of a customer.
        " and table_name <> 'churn_scores_raw' and table_name not like '%model%'"
    )
    assert len(columns) > 100
    for table, column in columns:
        worst = pipeline.rows(
            f'select count(*) filter (where not isfinite("{column}")) from "{table}"'
        )
        assert worst == [(0,)], (table, column)


def test_what_cannot_be_negative_is_not(runs):
    pipeline, _, _ = runs[0]
    spends = ", ".join(f"min(purchase_amount_{days}d)" for days in (7, 28, 84))
    for query in (
        f"select {spends}, min(purchase_amount_total) from churn_metrics_live",
        "select min(value_at_risk), min(score) from churn_scores",
        "select value_at_risk, customers_at_risk from manager_overview",
        "select min(monthly_value) from customer_profiles",
    ):
        assert all(figure >= 0 and math.isfinite(figure) for figure in pipeline.rows(query)[0]), (
            query
        )


def test_the_data_ends_when_it_arrived(runs):
    (bent, batch, _), (calm, _, _) = runs
    latest = "select max(last_activity_at) from churn_metrics_live"
    assert bent.one(latest) <= batch.loaded_at
    assert bent.one("select data_as_of from pipeline_health") <= batch.loaded_at
    # Devices that are ahead reach no further than the moment of the load, which is the same day.
    for query in (
        "select max(activity_date) from customer_activity_daily",
        "select list(cutoff_date order by all) from training_cutoffs",
    ):
        assert bent.one(query) == calm.one(query)


def test_what_came_is_counted(runs):
    pipeline, batch, _ = runs[0]
    assert pipeline.one("select count(*) from churn_scores_raw") == len(batch.events)
    assert pipeline.one("select rejected_events from pipeline_health") == len(batch.rejected)
    unknown = dict(
        pipeline.rows("select field, sum(customers) from unknown_profile_values group by 1")
    )
    assert unknown["monthly_value"] >= 1
    assert unknown["region"] >= 1

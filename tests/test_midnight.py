"""A score means the same at any hour: what is served is what training sees of a closed day."""

import json
from datetime import timedelta

import numpy
import pytest

from benchmarks.simulations import midnight
from embedded.engine.registry import tasks
from tests.conftest import Pipeline, event
from tests.dbt import render

DAY = midnight.LAST_DAY
NEXT = DAY + timedelta(days=1)
CUTOFF = '"churn"."main"."training_cutoffs"'


@pytest.fixture
def pipeline(empty_pipelines, tmp_path, monkeypatch):
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
    pipeline = Pipeline(empty_pipelines.copy("all", tmp_path / "home"))
    yield pipeline
    pipeline.close()


def test_the_date_alone_moves_no_score(pipeline, empty_pipelines):
    sql = midnight.snapshots_sql(empty_pipelines)
    evening, morning, crossed = midnight.simulate(pipeline, sql, customers=300, seed=3)
    print(evening, morning, crossed)
    assert crossed["came"] == crossed["date"] == 0
    assert morning.mean - evening.mean < 0.02
    assert abs(morning.mean - morning.truth) < 0.03


@pytest.fixture(scope="module")
def served_as_in_training() -> str:
    """The fingerprint of training's features, which each score keeps of those it was given."""
    query = (
        "select customer_id, {{ features_hash() }} as features_hash"
        " from {{ ref('training_features') }}"
    )
    return render(query)


def features_of(pipeline, sql: str, day) -> dict[str, str]:
    """Each customer's features in training, with a cut-off at the end of a day."""
    pipeline.connection.execute(
        "create or replace temp table cutoff_of_a_day as select ?::date as cutoff_date", [day]
    )
    assert CUTOFF in sql
    return dict(pipeline.rows(sql[sql.index("with") :].replace(CUTOFF, "cutoff_of_a_day")))


def test_what_is_served_is_what_training_sees_of_the_last_closed_day(
    pipeline, empty_pipelines, served_as_in_training
):
    came = midnight.visits(40, seed=4)
    midnight.fill(pipeline, came, seed=4)
    snapshots_sql = midnight.snapshots_sql(empty_pipelines)
    midnight.train(pipeline, snapshots_sql)
    snapshot = midnight.snapshot_of(pipeline, snapshots_sql, DAY)
    quiet = features_of(pipeline, served_as_in_training, DAY)
    # No day is over before an event of a later one has come: the loader may be behind.
    scored = "select count(*), max(features_date), min(features_date) from churn_score_history"
    midnight.scores_at(pipeline, NEXT - timedelta(minutes=5))
    [(count, latest, earliest)] = pipeline.rows(scored)
    assert (latest, earliest) == (DAY.date(), (DAY - timedelta(days=1)).date())
    midnight.scores_at(pipeline, NEXT)
    assert pipeline.rows(scored) == [(count, latest, earliest)]
    # On the next day some have a visit, one has only a failed payment, and the others nothing.
    visitors, unlucky = ("c0", "c1", "c2"), "c3"
    pipeline.add(
        *[event(f"next-{one}", one, "purchase", NEXT, amount=5.0) for one in visitors],
        event("friction", unlucky, "payment_failed", NEXT),
    )
    seen = 0
    for hour in (0, 9, 23):
        moment = NEXT + timedelta(hours=hour, minutes=30)
        pipeline.add(event(f"clock-{hour}", "clock", "login", moment - timedelta(minutes=1)))
        pipeline.refresh()
        midnight.scores_at(pipeline, moment)
        served = {
            one: (date, found)
            for one, date, found in pipeline.rows(
                "select customer_id, features_date, features_hash from churn_score_history"
                " qualify row_number() over (partition by customer_id order by scored_at desc) = 1"
            )
        }
        visited = features_of(pipeline, served_as_in_training, NEXT)
        for one, (date, found) in served.items():
            if one in visitors:
                assert (date, found) == (NEXT.date(), visited[one])
            elif one == unlucky:  # what went wrong counts at once, the silent day does not yet
                assert date == DAY.date()
                assert found not in (quiet[one], visited[one])
            elif one != "clock":
                assert (date, found) == (DAY.date(), quiet[one])
                assert found != visited[one]
                seen += 1
    assert seen > 60
    # Drift counts everybody as of the same day, however many have come since.
    done = pipeline.run_task(tasks(pipeline.connection)["monitor_model"], moment)
    assert done.error is None
    reference = json.loads(pipeline.one("select feature_reference from active_churn_model"))
    for feature in ("days_since_last_activity", "tenure_days", "active_days_28d"):
        bins = numpy.searchsorted(reference[feature]["bins"], snapshot[feature], side="left")
        expected = {place: count for place, count in enumerate(numpy.bincount(bins)) if count}
        counts = "select bin, n from feature_histograms where feature = ?"
        assert dict(pipeline.rows(counts, feature)) == expected

"""Who is scored: everybody whose features are numbers, as if the others were not there."""

import json
import shutil
from datetime import datetime, time, timedelta

import numpy
import pytest

from benchmarks.simulations.alert_rules import draw_window
from embedded.churn_model import read_active_model
from embedded.functions import load_churn_model
from tests.conftest import Pipeline
from tests.drawn_customers import (
    TODAY,
    activate_forest,
    compiled,
    feature_names,
    random_customers,
)
from tests.outreach_fixtures import run
from training.snapshots import are_numbers
from training.thresholds import paid_by_rule

NOON = datetime.combine(TODAY, time(12))
SCORES = "select customer_id, score, band, value_at_risk, top_reasons from churn_scores order by 1"


@pytest.fixture(scope="module")
def prepared(empty_pipelines, tmp_path_factory):
    """A pipeline with a model and 600 customers, of whom some are no numbers, before any score."""
    path = empty_pipelines.copy("all", tmp_path_factory.mktemp("scores") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_HOME", str(path))
        pipeline = Pipeline(path)
        activate_forest(pipeline)
        customers = random_customers(600, seed=5)
        customers["qualifying_active_date"] = customers["last_activity_at"].dt.date
        customers.loc[0, "last_activity_at"] = NOON  # the loader is not late
        pipeline.connection.register("given", customers)
        pipeline.connection.execute("insert into churn_metrics_live by name select * from given")
        pipeline.close()
    return path


@pytest.fixture
def copied(prepared, tmp_path, monkeypatch):
    """Give copies of the prepared pipeline, one open at a time."""
    opened = []

    def copy(name: str) -> Pipeline:
        for pipeline in opened:
            pipeline.close()
        path = shutil.copytree(prepared, tmp_path / name)
        monkeypatch.setenv("CHURN_HOME", str(path))
        opened.append(Pipeline(path))
        load_churn_model(opened[-1].connection)
        return opened[-1]

    yield copy
    opened[-1].close()


def features_of(pipeline: Pipeline):
    """Everybody's features as scoring takes them on TODAY, the customers' ids as index."""
    day = f"features_date(\"date '{TODAY - timedelta(days=1)}'\")"
    query = (
        "with banded as ({{ with_clock_features(ref('churn_metrics_live'), " + day + ") }})"
        " select customer_id, {{ feature_columns('banded') }} from banded order by customer_id"
    )
    return pipeline.frame(compiled(query)).set_index("customer_id")


def test_who_is_no_number_has_no_score_and_harms_nobody(copied):
    pipeline = copied("with")
    features = features_of(pipeline)
    is_good = are_numbers(features, feature_names(pipeline))
    good, bad = features.index[is_good], features.index[~is_good]
    assert len(bad) > 30
    run(pipeline, "sweep_silent_customers", NOON)
    found = pipeline.rows(SCORES)
    assert {row[0] for row in found} == set(good)
    assert sum(bool(json.loads(reasons)) for *_, reasons in found) > 50
    assert pipeline.one("select count(*) from high_risk_history") > 0
    assert pipeline.one("select count(*) from alert_events where reason like 'risk of __ %'") > 0
    model = read_active_model(pipeline.connection)
    expected = dict(zip(good, model.predict(features[is_good].to_numpy()), strict=True))
    assert {row[0]: row[1] for row in found} == pytest.approx(expected, abs=1e-6)
    alone = copied("without")
    alone.connection.execute(
        "delete from churn_metrics_live where list_contains(?, customer_id)", [list(bad)]
    )
    run(alone, "sweep_silent_customers", NOON)
    assert alone.rows(SCORES) == found


def test_a_score_comes_once_the_figures_are_numbers_and_stays_when_they_are_no_longer(copied):
    pipeline = copied("later")
    amount = "update churn_metrics_live set purchase_amount_total = ?"
    pipeline.connection.execute(f"{amount} where customer_id in ('c1', 'c2')", [10.0])
    pipeline.connection.execute(f"{amount} where customer_id = 'c2'", [numpy.inf])
    one = "select score is not null, scored_at from churn_scores where customer_id = ?"
    pipeline.connection.execute(
        "update churn_metrics_live set purchase_amount_7d = 1, purchase_amount_28d = 1,"
        " purchase_amount_84d = 1 where customer_id in ('c1', 'c2')"
    )
    run(pipeline, "sweep_silent_customers", NOON)
    assert (pipeline.rows(one, "c1"), pipeline.rows(one, "c2")) == ([(True, NOON)], [])
    pipeline.connection.execute(f"{amount} where customer_id = 'c1'", [-4e38])
    pipeline.connection.execute(f"{amount} where customer_id = 'c2'", [10.0])
    later = NOON + timedelta(minutes=5)
    run(pipeline, "sweep_silent_customers", later)
    assert (pipeline.rows(one, "c1"), pipeline.rows(one, "c2")) == ([(True, NOON)], [(True, later)])


def test_sql_gives_null_for_a_row_that_is_no_number(copied):
    pipeline = copied("function")
    count = len(feature_names(pipeline))
    columns = ", ".join(["value"] + ["1.0"] * (count - 1))
    given = "(values (1, 2.0), (2, 'inf'), (3, 'nan'), (4, 4e38), (5, -4e38), (6, null), (7, 3.0))"
    found = dict(
        pipeline.rows(
            f"select place, predict_churn({columns}) from (select place, value::double as value"
            f" from {given} as given (place, value))"
        )
    )
    assert [place for place, score in found.items() if score is None] == [2, 3, 4, 5, 6]
    assert pipeline.rows(
        f"select place, predict_churn({columns}) from (values (1, 2.0::double), (7, 3.0)) as given"
        " (place, value)"
    ) == [(1, found[1]), (7, found[7])]


def test_by_value_those_are_at_risk_whose_contact_pays(copied):
    pipeline = copied("value")
    pipeline.connection.execute("update alert_policy set alert_rule = 'value', exit_ratio = 1")
    run(pipeline, "sweep_silent_customers", NOON)
    # A contact costs 1 and keeps a tenth: it pays from 10 at risk on.
    found = pipeline.rows(
        "select band = 'high', value_at_risk from churn_scores where value_at_risk is not null"
    )
    clear = [(is_high, value) for is_high, value in found if abs(value - 10) > 0.01]
    assert [is_high for is_high, _ in clear] == [value > 10 for _, value in clear]
    assert 50 < sum(is_high for is_high, _ in clear) < len(clear) - 50
    alerts = pipeline.rows("select score, threshold, value_at_risk from high_risk_history")
    assert len(alerts) > 10
    for score, threshold, value in alerts:
        assert threshold == pytest.approx(10 * score / value, rel=0.01)


def test_by_value_pays_more_with_fewer_contacts_where_values_are_skewed():
    by_score, by_value = paid_by_rule(draw_window(20_000, skew=1.5, seed=1), 1.0, 0.1)
    assert by_value["net_benefit"] > 2 * by_score["net_benefit"] > 0
    assert by_value["contacts"] < by_score["contacts"]

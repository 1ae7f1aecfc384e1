"""How good the scores were, how far the population moved, and when to train again."""

import hashlib
import json
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import numpy
import pytest
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from embedded.engine.registry import tasks
from runtime.clock import utc_now
from tests.conftest import Pipeline, event

MONDAY = date(2026, 3, 2)


def at(day: date, **more) -> datetime:
    return datetime(day.year, day.month, day.day) + timedelta(**more)


@pytest.fixture
def pipeline(empty_pipelines, tmp_path, monkeypatch):
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
    pipeline = Pipeline(empty_pipelines.copy("all", tmp_path / "home"))
    yield pipeline
    pipeline.close()


def monitor(pipeline, as_of=None) -> None:
    run = pipeline.run_task(tasks(pipeline.connection)["monitor_model"], as_of or utc_now())
    assert run.error is None


def add_scores(pipeline, *scores: tuple[str, str, float | None, datetime]) -> None:
    """Add scores, each with its version and customer."""
    pipeline.connection.executemany(
        "insert into churn_score_history by name select ? as model_version, ? as customer_id,"
        " ?::double as score, ? as scored_at",
        scores,
    )


def row(pipeline, query: str) -> SimpleNamespace:
    found = pipeline.frame(query)
    assert len(found) == 1, found
    return SimpleNamespace(**found.iloc[0].to_dict())


def test_live_quality_is_what_scikit_learn_says_of_each_week(pipeline):
    draw = numpy.random.default_rng(5)
    score = draw.integers(0, 11, 80) / 10  # many ties
    stays = draw.random(80) > score * 0.8
    events = [event("end", "clock", "login", at(MONDAY, days=36))]  # a day that still goes on
    scores = [
        ("v2", "c1", 0.4, at(MONDAY, days=2)),
        ("v1", "gone", None, at(MONDAY)),
        ("v1", "c2", 0.4, at(MONDAY, days=7)),  # of a week that has not closed
    ]
    for number in range(80):
        customer = f"c{number}"
        scores += [
            ("v1", customer, float(score[number]), at(MONDAY, days=number % 7, hours=9)),
            ("v1", customer, 0.99, at(MONDAY, days=6, hours=23)),  # not the first of the week
        ]
        # On the day of the score itself, and after the horizon, nothing counts any more.
        days = [number % 7, number % 7 + 29] + ([number % 7 + 28] if stays[number] else [])
        events += [
            event(f"{customer}-{day}", customer, "login", at(MONDAY, days=day, hours=20))
            for day in days
            if day < 36
        ]
    add_scores(pipeline, *scores)
    events.append(event("cancel", "c3", "account_closed", at(MONDAY, days=20)))
    stays[3] = False
    pipeline.add(*events)
    pipeline.refresh()
    pipeline.rows(
        "insert into high_risk_history by name select 'a' as alert_id, 'c5' as customer_id,"
        " 'treated' as arm, ?::timestamp as created_at union all"
        " select 'b', 'c6', 'holdout', ?::timestamp",
        at(MONDAY, days=-9), at(MONDAY, days=12),
    )  # fmt: skip
    weight = numpy.ones(80)
    weight[[5, 6]] = 0, 10  # c6 stands for c5: a tenth is held out
    monitor(pipeline)
    monitor(pipeline)  # finds the week judged
    found = row(pipeline, "from model_live_quality where model_version = 'v1'")
    truth = ~stays
    assert found.week.date() == MONDAY
    assert (found.n, found.churners, found.treated) == (79, truth[weight > 0].sum(), 1)
    auc = roc_auc_score(truth, score, sample_weight=weight)
    assert found.roc_auc == pytest.approx(auc, abs=1e-12)
    brier = brier_score_loss(truth, score, sample_weight=weight)
    assert found.brier == pytest.approx(brier, abs=1e-12)
    assert found.predicted == pytest.approx(numpy.average(score, weights=weight))
    assert found.observed == pytest.approx(numpy.average(truth, weights=weight))
    spread = numpy.sqrt((weight**2 * score * (1 - score)).sum())
    excess = (weight * (truth - score)).sum()
    assert found.calibration_z == pytest.approx(excess / spread)
    assert found.roc_auc_low < found.roc_auc < found.roc_auc_high < 1
    other = row(pipeline, "from model_live_quality where model_version = 'v2'")
    assert (other.n, other.roc_auc is None or numpy.isnan(other.roc_auc)) == (1, True)
    bins = pipeline.frame("from calibration_drift where model_version = 'v1' order by score_from")
    assert bins.n.sum() == 79
    assert bins.weight.sum() == weight.sum()
    last = bins.iloc[-1]
    in_last = (score >= 0.9) & (weight == 1)
    assert in_last.sum() == last.weight  # neither c5 nor c6
    assert (last.n, last.churners) == (in_last.sum(), truth[in_last].sum())
    assert last.predicted == pytest.approx(score[in_last].mean())


def test_weeks_are_judged_one_a_run_and_none_before_it_closes(pipeline):
    add_scores(pipeline, *[("v1", "c1", 0.3, at(MONDAY, weeks=week)) for week in range(3)])
    pipeline.add(event("1", "c1", "login", at(MONDAY, days=28)))
    pipeline.add(
        event("3", "c9", "login", at(MONDAY, days=33))
    )  # Monday has closed, Sunday has not
    pipeline.refresh()
    monitor(pipeline)
    assert pipeline.rows("from score_outcomes") == []
    pipeline.add(event("2", "c9", "login", at(MONDAY, days=7 + 6 + 28 + 1)))
    pipeline.refresh()
    for weeks in (1, 2, 2):
        monitor(pipeline)
        assert pipeline.one("select count(*) from model_live_quality") == weeks
    # Seen after 28 and after 21 days: both within the horizon.
    assert pipeline.rows("select distinct churners from model_live_quality") == [(0,)]


def reference(**features: dict) -> str:
    return json.dumps(features)


def add_run(pipeline, version="v1", status="trained", **columns) -> None:
    values = {"test_cutoff_date": "2026-03-01", "roc_auc": 0.8, "roc_auc_low": 0.75, **columns}
    names = ", ".join(f"? as {name}" for name in values)
    pipeline.rows(
        f"insert into train_churn_model by name select ? as version, ? as status, {names},"
        " now()::timestamp as trained_at",
        version, status, *values.values(),
    )  # fmt: skip
    pipeline.rows("insert into model_promotions values (?, 'promoted', '', '', now())", version)


def histogram(pipeline, version: str, week: date, **features: dict) -> None:
    for feature, counts in features.items():
        for number, n in counts.items():
            pipeline.rows(
                "insert into feature_histograms by name select ? as week, ? as model_version,"
                " ? as feature, ? as bin, ? as n",
                week, version, feature, number, n,
            )  # fmt: skip


def test_psi_is_the_sum_over_all_bins_and_an_empty_one_counts_as_half_a_customer(pipeline):
    pipeline.rows("delete from train_churn_model")
    add_run(
        pipeline,
        feature_reference=reference(
            active_days_28d={"bins": [1.0, 4.0], "shares": [0.5, 0.25, 0.25]},
            friction_count_28d={"bins": [], "shares": [1.0]},
            tenure_days={"bins": [10], "shares": [1.0, 0.0]},
        ),
        score_reference='{"bins":[0.5],"shares":[0.5,0.5]}',
    )
    histogram(
        pipeline, "v1", MONDAY,
        active_days_28d={0: 60, 1: 40}, friction_count_28d={0: 100}, tenure_days={0: 1, 1: 99},
        score={0: 45, 1: 55},
    )  # fmt: skip
    found = dict(pipeline.rows("select feature, psi from feature_drift"))
    none = 0.5 / 100
    assert found["active_days_28d"] == pytest.approx(
        0.1 * numpy.log(0.6 / 0.5) + 0.15 * numpy.log(0.4 / 0.25)
        + (none - 0.25) * numpy.log(none / 0.25)
    )  # fmt: skip
    assert found["friction_count_28d"] == 0
    assert found["tenure_days"] > 4
    assert "score" not in found
    assert pipeline.rows("select psi, shift, n from score_drift") == [
        (pytest.approx(0.05 * numpy.log(0.55 / 0.45)), "none", 100)
    ]
    assert row(pipeline, "from model_health").worst_psi_feature == "active_days_28d"


def add_model(pipeline, **columns) -> None:
    """Add a run with an artefact that scores nearly nobody above 0.5."""
    features = pipeline.feature_names
    draw = numpy.random.default_rng(1)
    values = draw.random((50, len(features))).astype("float32")
    truth = numpy.arange(50) < 5
    content = to_onnx(
        LogisticRegression().fit(values, truth), values[:1], options={"zipmap": False}
    ).SerializeToString()
    folder = pipeline.path / "models"
    folder.mkdir(exist_ok=True)
    (folder / "v1.onnx").write_bytes(content)
    add_run(
        pipeline, artefact="v1.onnx", artefact_hash=hashlib.sha256(content).hexdigest(),
        features=json.dumps(features), **columns,
    )  # fmt: skip


def test_the_population_is_counted_once_a_week_by_bin(pipeline):
    pipeline.feature_names = json.loads(pipeline.one("select features from train_churn_model"))
    pipeline.rows("delete from train_churn_model")
    days = {"a": 3, "b": 4, "c": 5, "d": 12, "new": 1}  # active days; one is not enough
    pipeline.add(
        *[
            event(f"{customer}-{day}", customer, "login", at(MONDAY, days=-day))
            for customer, count in days.items()
            for day in range(count)
        ]
    )
    pipeline.refresh()
    add_model(
        pipeline,
        feature_reference=reference(
            active_days_28d={"bins": [4.0, 5.0, 9.0], "shares": [0.25] * 4},
            friction_count_28d={"bins": [], "shares": [1.0]},
        ),
        score_reference='{"bins":[0.0],"shares":[0.5,0.5]}',
    )
    counts = "select feature, bin, n from feature_histograms order by all"
    monitor(pipeline, at(MONDAY, hours=23))  # the data ends a day before: it is stale
    assert pipeline.rows(counts) == []
    for minutes in (5, 9, 60 * 20):
        pipeline.add(event(f"e{minutes}", "d", "login", at(MONDAY, days=1, minutes=minutes)))
        pipeline.refresh()
        monitor(pipeline, at(MONDAY, days=1, minutes=minutes))
    assert pipeline.rows(counts) == [
        ("active_days_28d", 0, 2), ("active_days_28d", 1, 1), ("active_days_28d", 3, 1),
        ("friction_count_28d", 0, 4), ("score", 1, 4),
    ]  # fmt: skip
    assert pipeline.rows("select distinct week from feature_histograms") == [(MONDAY,)]


# Each with the test cut-off of the latest run; labels are closed up to the 20th of April.
HEALTH = [
    ("2026-04-15", {}, ""),
    ("2026-04-15", {"score": 0.9, "auc": 0.3, "drifted": 90}, ""),  # nothing new to learn from
    ("2026-04-01", {"drifted": 90}, "active_days_28d has drifted (PSI 1.32 of 200 customers)"),
    ("2026-03-20", {}, "31 more days of labels have closed since the last training"),
    ("2026-04-01", {"auc": 0.5}, "the live AUC of 0.50 is below the tested interval, which begins"),
    ("2026-04-01", {"auc": 0.5, "churners": 29}, ""),  # too few to say so
    ("2026-04-01", {"score": 0.8}, "of 100 customers 50.00 churned, 80.00 were expected to"),
    ("2026-04-01", {"score": 0.55}, ""),  # significant, but small
]


TABLES = ("train_churn_model", "model_promotions", "score_outcomes", "feature_histograms")


def test_health_says_why_to_train_again(pipeline):
    def churned(churners=100, stayers=100, auc=0.6, score=0.5, drifted=0):
        n = churners + stayers
        score = score * n if churners == stayers else churners
        rank_sum = auc * churners * stayers + churners * (churners + 1) / 2
        return n, churners, score, rank_sum, drifted

    pipeline.rows("delete from train_churn_model")
    pipeline.add(*[event(f"{day}", "c1", "login", at(MONDAY, days=day)) for day in range(0, 80, 2)])
    pipeline.refresh()
    assert row(pipeline, "from model_health").why == "no model scores yet"
    assert str(pipeline.one("select labels_closed_to from model_health")) == "2026-04-20"
    for test_cutoff, given, words in HEALTH:
        for table in TABLES:
            pipeline.rows(f"delete from {table}")
        n, churners, score_sum, rank_sum, drifted = churned(**given)
        add_run(
            pipeline, test_cutoff_date=test_cutoff, roc_auc_low=0.55,
            feature_reference=reference(active_days_28d={"bins": [3], "shares": [0.5, 0.5]}),
        )  # fmt: skip
        pipeline.rows(
            "insert into score_outcomes by name select ? as week, 'v1' as model_version,"
            " 5 as score_bin, ? as n, ? as churners, 0 as treated, ?::double as score_sum,"
            " ?::double as variance_sum, 1.0 as squared_error_sum, ?::double as churner_rank_sum",
            MONDAY, n, churners, score_sum, 0.1 * n, rank_sum,
        )  # fmt: skip
        histogram(pipeline, "v1", MONDAY, active_days_28d={0: 100 - drifted, 1: 100 + drifted})
        found = row(pipeline, "from model_health")
        assert found.retrain_due == (words != ""), (words, found.why)
        assert found.why.startswith(words)
        assert ";" not in found.why

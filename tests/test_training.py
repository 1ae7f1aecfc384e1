"""Training: nothing from after the cut-off, one definition with serving, refusals in words."""

import dataclasses
import json
from datetime import timedelta
from pathlib import Path

import numpy
import pandas
import pytest

from embedded.churn_model import Version, open_model
from tests.conftest import EPOCH, event
from tests.dbt import render, run_dbt
from tests.model_rows import made_up
from training import calibration, evaluation, forest, references, status, thresholds
from training import snapshots as rows_of_snapshots
from training.champion import champion_of
from training.run import Settings, train
from training.snapshots import KEYS_AND_LABEL

KEYS = list(KEYS_AND_LABEL)


def snapshots(pipeline, **variables) -> pandas.DataFrame:
    run_dbt("run", "-s", "training_cutoffs", "training_snapshots", "--vars", json.dumps(variables))
    return pipeline.frame("from training_snapshots order by cutoff_date, customer_id")


def regulars(days: int, customers: int = 6) -> list[dict]:
    return [
        event(f"r{c}-{d}", f"c{c}", "purchase", EPOCH + timedelta(days=d, hours=c), amount=10.0 + c)
        for c in range(customers)
        for d in range(0, days, c + 2)
    ]


def test_the_future_changes_no_feature_and_later_events_change_no_label(empty_pipeline):
    pipeline = empty_pipeline
    pipeline.add(*regulars(200), event("end", "clock", "login", EPOCH + timedelta(days=201)))
    pipeline.refresh()
    before = snapshots(pipeline)
    cutoff = before.cutoff_date.max()
    assert before.customer_id.nunique() == 6
    cutoffs = before.groupby("cutoff_date")["label_until_date"].first()
    assert len({one.weekday() for one in cutoffs.index}) == min(len(cutoffs), 7) > 4
    # Whatever the day of the week, a window has closed by the next cut-off.
    assert (cutoffs.iloc[:-1].to_numpy() <= cutoffs.index[1:].to_numpy()).all()
    # The latest window is closed: what comes after cut-off + horizon must not reach it, but a
    # single later day would move the cut-offs, so the events come on the last, unfinished day.
    pipeline.add(
        *[
            event(f"x{n}", "c1", "subscription_cancelled", EPOCH + timedelta(days=201, minutes=n))
            for n in range(5)
        ]
    )
    # Within the label window: labels may change, features may not.
    pipeline.add(
        event("y", "c2", "subscription_cancelled", cutoff.to_pydatetime() + timedelta(days=28)),
        event("z", "c3", "purchase", cutoff.to_pydatetime() + timedelta(days=4), amount=1e6),
    )
    pipeline.refresh()
    after = snapshots(pipeline)
    latest_before = before[before.cutoff_date == cutoff].set_index("customer_id")
    latest_after = after[after.cutoff_date == cutoff].set_index("customer_id")
    features = [column for column in before.columns if column not in KEYS]
    pandas.testing.assert_frame_equal(latest_before[features], latest_after[features])
    assert latest_before.has_churned["c2"] == 0
    assert latest_after.has_churned["c2"] == 1
    assert latest_after.has_churned["c1"] == latest_before.has_churned["c1"]
    assert not {"score", "band", "cancelled_at", "has_cancelled"} & set(features)


def test_training_features_equal_serving_features(empty_pipeline):
    pipeline = empty_pipeline
    pipeline.add(*regulars(200), event("end", "clock", "login", EPOCH + timedelta(days=201)))
    pipeline.refresh()
    training = snapshots(pipeline)
    cutoff = training.cutoff_date.max().to_pydatetime()
    # Serving as of the cut-off is serving without the events after it.
    pipeline.connection.execute(
        "delete from churn_scores_raw where occurred_at >= ?", [cutoff + timedelta(days=1)]
    )
    pipeline.refresh()
    as_of_date = f"\"date '{cutoff:%Y-%m-%d}'\""
    query = (
        "select customer_id, {{ feature_columns('features') }} from ("
        "{{ with_clock_features(ref('churn_metrics_live'), " + as_of_date + ") }}"
        ") as features where {{ in_population(" + as_of_date + ") }}"
    )
    compiled = render(query)
    serving = (
        pipeline.frame(compiled[compiled.index("select") :]).set_index("customer_id").sort_index()
    )
    trained = training[training.cutoff_date == cutoff].set_index("customer_id").sort_index()
    pandas.testing.assert_frame_equal(trained[list(serving.columns)], serving)
    assert len(serving) == 6


def test_half_spend_compares_the_days_after_with_those_before(empty_pipeline):
    pipeline, end = empty_pipeline, 200
    # Until day 143 all spend 8 every second day; then each as much of it as its name says, in
    # percent; `late` stops 10 days before the cut-off, of which the days before it know. Who is new
    # has been there for 28 days of the 84.
    shares = {"full": 1.0, "sixty": 0.6, "forty": 0.4, "nothing": 0.0, "late": 1.0}
    shares |= {"new sixty": 0.6, "new forty": 0.4}
    events = [event("end", "clock", "login", EPOCH + timedelta(days=end))]
    for customer, share in shares.items():
        for day in range(116 if customer.startswith("new") else 0, end, 2):
            amount = 8.0 * (share if day > 143 else 1)
            if customer == "late" and 134 < day <= 143:
                amount = 0.0
            at = EPOCH + timedelta(days=day, hours=1)
            kind = "purchase" if amount else "login"
            events.append(event(f"{customer}-{day}", customer, kind, at, amount=amount))
    pipeline.add(*events)
    pipeline.refresh()
    found = snapshots(pipeline, churn_label="half_spend", churn_horizon_days=56)
    latest = found[found.cutoff_date == EPOCH + timedelta(days=143)].set_index("customer_id")
    assert latest.has_churned.to_dict() == {
        "full": 0, "sixty": 0, "forty": 1, "nothing": 1, "late": 0, "new sixty": 0, "new forty": 1,
    }  # fmt: skip
    earlier = found[found.cutoff_date < latest.cutoff_date.iloc[0]]
    assert len(earlier) > 0
    pinned = snapshots(pipeline, training_latest_cutoff="2026-04-01")
    assert pinned.cutoff_date.max() == EPOCH + timedelta(days=90)


def test_value_at_risk_adds_up_when_the_score_is_the_truth():
    truth, value = numpy.array([1, 0, 1]), numpy.array([1.0, 2.0, 1.0])
    assert evaluation.value_at_risk_ratio(truth, truth, value) == 1
    # 0.5 of 4 at risk, where 2 were lost.
    assert evaluation.value_at_risk_ratio(truth, numpy.full(3, 0.5), value) == 1
    assert evaluation.value_at_risk_ratio(truth, numpy.full(3, 0.25), value) == 0.5
    assert numpy.isnan(evaluation.value_at_risk_ratio(0 * truth, truth, value))


def test_expected_spend_is_checked_by_tenure_on_those_who_stayed():
    rows = pandas.DataFrame(
        {
            "tenure_days": [10, 20, 300, 300, 300],
            "has_churned": [0, 1, 0, 0, 0],
            "monthly_value": [numpy.nan, numpy.nan, numpy.nan, numpy.nan, 5.0],
            "spend_after": [8.0, 0.0, 20.0, 40.0, 0.0],
        }
    )
    assert evaluation.spend_by_tenure(rows, numpy.array([10.0, 10.0, 30.0, 50.0, 5.0])) == [
        {"known": "up to 28 days", "n": 1, "expected": 10.0, "spent": 8.0},
        {"known": "longer", "n": 2, "expected": 40.0, "spent": 30.0},
    ]


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Where a pipeline keeps its artefacts."""
    monkeypatch.setenv("CHURN_HOME", str(tmp_path))
    return str(tmp_path / "models")


def run(rows, models, **settings):
    return train(object(), rows, models, Settings(rolling_origins=1, **settings)).iloc[0]


def described(found) -> Version:
    names = ("version", "artefact", "artefact_hash", "features", "golden_rows")
    return Version(*(found[name] for name in names))


def test_a_run_gives_an_artefact_that_scores_like_the_forest(models):
    rows = made_up()
    found = run(rows, models)
    assert found.status == "trained"
    assert 0.6 < found.roc_auc_low < found.roc_auc < found.roc_auc_high
    assert found.brier_low < found.brier < found.brier_high
    assert found.challenger_auc > 0.6
    origin = json.loads(found.rolling_origin)
    assert [one["cutoff"] for one in origin] == ["2026-02-26"]
    assert 0.6 < origin[0]["roc_auc"] < 1
    assert sum(one["n"] for one in json.loads(found.by_segment)) == found.test_rows == 300
    assert sum(one["n"] for one in json.loads(found.reliability)) == 300
    model = open_model(described(found))
    features = rows_of_snapshots.feature_names(rows)
    fitted = forest.fit(rows_of_snapshots.in_order(rows), features)
    expected = forest.predict(fitted, rows, features)
    assert numpy.abs(model.predict(rows[features].to_numpy()) - expected).max() < 1e-6
    # A table has no order: the same rows, shuffled, are the same version with the same artefact.
    again = run(rows.sample(frac=1, random_state=1), models)
    assert again.version == found.version
    assert again.artefact_hash == found.artefact_hash
    assert run(rows, models, alerts_per_week=1).version != found.version


def test_the_hold_out_is_later_than_every_training_label():
    rows = made_up()
    latest = rows.cutoff_date.max()
    train_rows, test_rows = rows_of_snapshots.split_at(rows, latest)
    assert set(test_rows.cutoff_date) == {latest}
    assert (train_rows.label_until_date <= latest).all()
    assert len(train_rows) > 0
    # What thresholds and calibration are decided on was settled before the tested window began.
    for cutoff in rows_of_snapshots.earlier_cutoffs(rows, 9):
        assert (rows[rows.cutoff_date == cutoff].label_until_date <= latest).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.iloc[:50], "at least 200"),
        (
            lambda rows: rows.assign(has_churned=1),
            "only 0 training rows of customers who stayed, at least 10 needed",
        ),
        (lambda rows: rows.iloc[:0], "0 labelled rows"),
        (lambda rows: rows.assign(gap_days_mean=numpy.inf), "no numbers: gap_days_mean"),
        (
            lambda rows: rows.assign(
                gap_days_mean=1.0, days_since_last_activity=1.0, active_days_28d=1.0
            ),
            "no feature tells",
        ),
        (
            lambda rows: rows.assign(
                active_days_28d=rows.active_days_28d.where(
                    rows.cutoff_date < rows.cutoff_date.max(), 0
                )
            ),
            "missing in the latest window, though not before: active_days_28d;",
        ),
    ],
)
def test_what_cannot_be_trained_on_is_refused_in_words(models, tmp_path, change, words):
    assert words in run(change(made_up()), models).status
    assert list(tmp_path.iterdir()) == []


def with_bad_rows(rows, *bad: tuple[str, int, float]) -> pandas.DataFrame:
    """Add rows of customers, at a cut-off, with a value that is no number."""
    cutoffs = sorted(rows.cutoff_date.unique())
    added = [
        rows[rows.cutoff_date == cutoffs[at]]
        .iloc[[number]]
        .assign(customer_id=customer, gap_days_mean=value)
        for number, (customer, at, value) in enumerate(bad)
    ]
    return pandas.concat([rows, *added], ignore_index=True).sample(frac=1, random_state=2)


def test_rows_that_are_no_numbers_are_left_out_and_their_customers_are_named(models):
    rows = made_up()
    # The greatest number of 32 bits is one; what is greater only in 64 bits is not.
    rows.loc[7, "gap_days_mean"] = numpy.finfo("float32").max
    clean = run(rows, models)
    assert clean.status == "trained"
    bad = [("ha-2", 3, 4e38), ("ha-1", 0, -numpy.inf), ("ha-1", 2, numpy.nan), ("hb\x1b", 1, 1e39)]
    found = run(with_bad_rows(rows, *bad), models)
    assert found.status == (
        "trained without 4 of 1,204 rows that are no numbers, of customers ha-1, ha-2, hb?"
    )
    # For whoever has no such rows nothing has changed, and here nothing else has.
    same = ["version", "artefact_hash", "golden_rows", "train_rows", "test_rows", "cutoffs"]
    same += ["churners_in_label", "feature_reference", "feature_psi", "features"]
    pandas.testing.assert_series_equal(found[same], clean[same])
    assert found.roc_auc == pytest.approx(clean.roc_auc, abs=1e-12)
    many = [(f"ha-{number:02}", number % 4, numpy.inf) for number in range(12)]
    assert run(with_bad_rows(rows, *many), models).status == (
        "trained without 12 of 1,212 rows that are no numbers, of customers"
        " ha-00, ha-01, ha-02, ha-03, ha-04, ha-05, ha-06, ha-07, ha-08, ha-09 and 2 more"
    )


@pytest.mark.parametrize(("part", "rows_of_part"), [("training", 900), ("test", 300)])
def test_training_refuses_when_a_twentieth_of_a_part_is_no_numbers(models, part, rows_of_part):
    rows = rows_of_snapshots.in_order(made_up())
    of_part = rows.index[(rows.cutoff_date == rows.cutoff_date.max()) == (part == "test")]
    assert len(of_part) == rows_of_part
    most = rows_of_part // 20
    rows.loc[of_part[:most], "gap_days_mean"] = numpy.inf
    assert run(rows, models).status.startswith(f"trained without {most} of 1,200 rows")
    rows.loc[of_part[most], "active_days_28d"] = numpy.nan
    found = run(rows, models)
    names = sorted(rows.loc[of_part[: most + 1], "customer_id"])
    assert found.version == "none"
    assert found.status == (
        "features have values that are no numbers: gap_days_mean, active_days_28d in"
        f" {most + 1} of {rows_of_part} {part} rows, more than 5 %, of customers"
        f" {', '.join(names[:10])} and {most - 9} more"
    )


def test_sql_knows_who_has_trained_as_python_does(shared_pipeline):
    statuses = {
        "trained": True,
        status.trained_without(2, 4_812, ["ha-1"]): True,
        "trained badly": False,
        "waiting for data: 0 labelled rows, at least 200 needed": False,
        "features have values that are no numbers: x": False,
        "": False,
    }
    query = "select {{ has_trained('status') }}, {{ status_without_customers('status') }} from"
    compiled = render(f"{query} given")
    given = pandas.DataFrame({"status": list(statuses)})
    shared_pipeline.connection.register("given", given)
    found = shared_pipeline.rows(compiled[compiled.index("select") :])
    shared_pipeline.connection.unregister("given")
    assert found == [
        (has_trained, status.without_customers(text)) for text, has_trained in statuses.items()
    ]
    assert {text: status.has_trained(text) for text in statuses} == statuses
    assert found[1][1] == "trained without 2 of 4,812 rows that are no numbers"


def test_an_artefact_that_is_not_the_described_one_is_refused(models):
    found = run(made_up(), models)
    version = described(found)
    golden = json.loads(version.golden_rows)
    golden[2]["score"] += 0.001
    other = dataclasses.replace(version, golden_rows=json.dumps(golden))
    with pytest.raises(Exception, match="gives other scores here"):
        open_model(other)
    with pytest.raises(Exception, match="was trained on 3 features, not on 2"):
        open_model(version).predict(numpy.zeros((1, 2)))
    with (Path(models) / version.artefact).open("ab") as artefact:
        artefact.write(b"x")
    with pytest.raises(Exception, match="was changed after training"):
        open_model(version)


def test_a_row_that_is_no_number_has_no_score_and_changes_no_other(models):
    model = open_model(described(run(made_up(), models)))
    draw = numpy.random.default_rng(6)
    rows = draw.uniform(0, 40, (2_048, 3))
    bad = draw.choice(len(rows), 40, replace=False)
    rows[bad, draw.integers(0, 3, len(bad))] = draw.choice(
        [numpy.inf, -numpy.inf, numpy.nan, 4e38, -1e300], len(bad)
    )
    is_bad = numpy.isin(numpy.arange(len(rows)), bad)
    scores = model.predict(rows)
    assert numpy.isnan(scores[is_bad]).all()
    assert scores[~is_bad].tobytes() == model.predict(rows[~is_bad]).tobytes()
    assert numpy.isnan(model.predict(rows[is_bad])).all()
    assert len(model.predict(rows[:0])) == 0


def test_scores_are_recalibrated_only_where_it_helps_later():
    draw = numpy.random.default_rng(5)
    honest = [draw.uniform(0, 0.6, 2_000) for _ in range(3)]
    outcomes = [(draw.random(2_000) < scores).astype(int) for scores in honest]
    ones = [numpy.ones(2_000)] * 3
    assert calibration.choose_calibration(list(zip(honest, outcomes, ones, strict=True))) is None
    boastful = [numpy.sqrt(scores) for scores in honest]
    windows = list(zip(boastful, outcomes, ones, strict=True))
    chosen = calibration.choose_calibration(windows)
    assert abs(chosen.apply(boastful[0]).mean() - outcomes[0].mean()) < 0.02
    assert calibration.choose_calibration(windows[:1]) is None
    rows = rows_of_snapshots.in_order(made_up())
    features = rows_of_snapshots.feature_names(rows)
    fitted, values = forest.fit(rows, features), rows_of_snapshots.matrix(rows, features)
    kept = forest.score(forest.to_artefact(fitted, chosen, values), values)
    expected = chosen.apply(forest.predict(fitted, rows, features))
    assert numpy.abs(kept - expected).max() < 1e-5


def test_thresholds_follow_from_capacity_and_from_what_pays():
    score = numpy.linspace(0.99, 0.0, 100)
    assert thresholds.by_capacity(score, alerts_per_week=5, horizon_days=28) == score[19]
    assert thresholds.by_capacity(score, alerts_per_week=50, horizon_days=28) == 0
    has_churned, value = (score > 0.5).astype(int), numpy.full(100, 100.0)
    window = thresholds.Window(score, has_churned, numpy.ones(100), value)
    paying = thresholds.by_cost(window, cost=1, success_share=0.1)
    assert paying == score[has_churned == 1].min()
    assert thresholds.by_cost(window, cost=11, success_share=0.1) == 1
    by_score, by_value = thresholds.paid_by_rule(window, cost=1, success_share=0.1)
    assert by_score == {"rule": "score", "contacts": 49, "net_benefit": 441.0}
    assert by_value == {"rule": "value", "contacts": 89, "net_benefit": 401.0}


def test_a_distribution_has_every_row_in_one_bin():
    values = numpy.array([0.0] * 50 + list(range(1, 51)))
    found = references.distribution(values)
    assert found["bins"][0] == 0
    assert found["shares"][0] == 0.5
    assert sum(found["shares"]) == pytest.approx(1)
    assert len(found["shares"]) == len(found["bins"]) + 1
    assert references.distribution(numpy.zeros(7)) == {"bins": [0.0], "shares": [1.0, 0.0]}


def test_a_champion_whose_run_is_not_known_is_none():
    promotions = pandas.DataFrame(
        [("forest-x", "promoted", EPOCH)], columns=["version", "action", "decided_at"]
    )
    assert champion_of(pandas.DataFrame({"version": ["none"]}), promotions) is None
    assert champion_of(pandas.DataFrame({"version": ["none"]}), promotions[:0]) is None

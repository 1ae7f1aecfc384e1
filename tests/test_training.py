"""Training: nothing from after the cut-off, one definition with serving, refusals in words."""

import importlib.util
import json
from datetime import timedelta

import numpy
import pandas
import pytest

from embedded.churn_model import open_model
from embedded.refresh import refresh
from tests.conftest import EPOCH, event
from tests.dbt import PROJECT, run_dbt

SOURCE = PROJECT / "python_models" / "train_churn_model.py"
spec = importlib.util.spec_from_file_location("train_churn_model", SOURCE)
trainer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(trainer)

KEYS = list(trainer.KEYS_AND_LABEL)


def snapshots(lake, **variables) -> pandas.DataFrame:
    run_dbt("run", "-s", "training_cutoffs", "training_snapshots", "--vars", json.dumps(variables))
    return lake.frame("from training_snapshots order by cutoff_date, customer_id")


def regulars(days: int, customers: int = 6) -> list[dict]:
    return [
        event(f"r{c}-{d}", f"c{c}", "purchase", EPOCH + timedelta(days=d, hours=c), amount=10.0 + c)
        for c in range(customers)
        for d in range(0, days, c + 2)
    ]


def test_the_future_changes_no_feature_and_later_events_change_no_label(empty_lake):
    lake = empty_lake
    lake.add(*regulars(200), event("end", "clock", "login", EPOCH + timedelta(days=201)))
    refresh(lake.connection)
    before = snapshots(lake)
    cutoff = before.cutoff_date.max()
    assert before.customer_id.nunique() == 6
    # The latest window is closed: what comes after cut-off + horizon must not reach it, but a
    # single later day would move the cut-offs, so the events come on the last, unfinished day.
    lake.add(
        *[
            event(f"x{n}", "c1", "subscription_cancelled", EPOCH + timedelta(days=201, minutes=n))
            for n in range(5)
        ]
    )
    # Within the label window: labels may change, features may not.
    lake.add(
        event("y", "c2", "subscription_cancelled", cutoff.to_pydatetime() + timedelta(days=3)),
        event("z", "c3", "purchase", cutoff.to_pydatetime() + timedelta(days=4), amount=1e6),
    )
    refresh(lake.connection)
    after = snapshots(lake)
    latest_before = before[before.cutoff_date == cutoff].set_index("customer_id")
    latest_after = after[after.cutoff_date == cutoff].set_index("customer_id")
    features = [column for column in before.columns if column not in KEYS]
    pandas.testing.assert_frame_equal(latest_before[features], latest_after[features])
    assert latest_before.has_churned["c2"] == 0
    assert latest_after.has_churned["c2"] == 1
    assert latest_after.has_churned["c1"] == latest_before.has_churned["c1"]
    assert not {"score", "band", "cancelled_at", "has_cancelled"} & set(features)


def test_training_features_equal_serving_features(empty_lake):
    lake = empty_lake
    lake.add(*regulars(200), event("end", "clock", "login", EPOCH + timedelta(days=201)))
    refresh(lake.connection)
    training = snapshots(lake)
    cutoff = training.cutoff_date.max().to_pydatetime()
    # Serving as of the cut-off is serving without the events after it.
    lake.connection.execute(
        "delete from churn_scores_raw where occurred_at >= ?", [cutoff + timedelta(days=1)]
    )
    refresh(lake.connection)
    as_of_date = f"\"date '{cutoff:%Y-%m-%d}'\""
    query = (
        "select customer_id, {{ feature_columns('features') }} from ("
        "{{ with_clock_features(ref('churn_metrics_live'), " + as_of_date + ") }}"
        ") as features where {{ in_population(" + as_of_date + ") }}"
    )
    compiled = run_dbt("compile", "-q", "--inline", query).stdout
    serving = lake.frame(compiled[compiled.index("select") :]).set_index("customer_id").sort_index()
    trained = training[training.cutoff_date == cutoff].set_index("customer_id").sort_index()
    pandas.testing.assert_frame_equal(trained[list(serving.columns)], serving)
    assert len(serving) == 6


def test_half_spend_compares_the_days_after_with_those_before(empty_lake):
    lake, end = empty_lake, 200
    # Until day 143 all spend 8 every second day; then each as much of it as its name says, in
    # percent; `late` stops 10 days before the cut-off, of which the days before it know.
    shares = {"full": 1.0, "sixty": 0.6, "forty": 0.4, "nothing": 0.0, "late": 1.0}
    events = [event("end", "clock", "login", EPOCH + timedelta(days=end))]
    for customer, share in shares.items():
        for day in range(0, end, 2):
            amount = 8.0 * (share if day > 143 else 1)
            if customer == "late" and 134 < day <= 143:
                amount = 0.0
            at = EPOCH + timedelta(days=day, hours=1)
            kind = "purchase" if amount else "login"
            events.append(event(f"{customer}-{day}", customer, kind, at, amount=amount))
    lake.add(*events)
    refresh(lake.connection)
    found = snapshots(lake, churn_label="half_spend", churn_horizon_days=56)
    latest = found[found.cutoff_date == EPOCH + timedelta(days=143)].set_index("customer_id")
    assert latest.has_churned.to_dict() == {
        "full": 0, "sixty": 0, "forty": 1, "nothing": 1, "late": 0,
    }  # fmt: skip
    earlier = found[found.cutoff_date < latest.cutoff_date.iloc[0]]
    assert len(earlier) > 0
    pinned = snapshots(lake, training_latest_cutoff="2026-04-01")
    assert pinned.cutoff_date.max() == EPOCH + timedelta(days=90)


def test_value_at_risk_adds_up_when_the_score_is_the_truth():
    rows = pandas.DataFrame(
        {
            "tenure_days": [400, 400, 19],
            "days_since_last_activity": [0, 10, 0],
            "purchase_amount_84d": [84.0, 168.0, 20.0],
            "has_churned": [1, 0, 1],
        }
    )
    truth = rows.has_churned.to_numpy()
    assert trainer.value_at_risk_ratio(rows, truth) == 1
    # A day is worth 1, 2 and 1 to them: 0.5 of 4 at risk, where 2 were lost.
    assert trainer.value_at_risk_ratio(rows, numpy.full(3, 0.5)) == 1
    assert trainer.value_at_risk_ratio(rows, numpy.full(3, 0.25)) == 0.5
    assert numpy.isnan(trainer.value_at_risk_ratio(rows.assign(has_churned=0), truth))


def made_up(rows: int = 1200, cutoffs: int = 4) -> tuple[pandas.DataFrame, list[str]]:
    draw = numpy.random.default_rng(3)
    features = ["days_since_last_activity", "gap_days_mean", "active_days_28d"]
    frame = pandas.DataFrame(draw.integers(0, 40, (rows, 3)).astype(float), columns=features)
    frame["has_churned"] = (draw.random(rows) < frame.days_since_last_activity / 50).astype(int)
    frame["customer_id"] = [f"c{number}" for number in range(rows)]
    frame["cutoff_date"] = [
        pandas.Timestamp("2026-01-01") + timedelta(days=28 * (number % cutoffs))
        for number in range(rows)
    ]
    frame["label_until_date"] = frame.cutoff_date + timedelta(days=28)
    return frame, features


def test_a_run_gives_an_artefact_that_scores_like_the_forest(tmp_path):
    frame, features = made_up()
    run = trainer.train(object(), frame, features, str(tmp_path)).iloc[0]
    assert run.status == "trained"
    assert run.roc_auc > 0.6
    assert run.roc_auc_low < run.roc_auc < run.roc_auc_high
    assert run.challenger_auc > 0.6
    model = open_model(run.version, tmp_path / run.artefact, run.artefact_hash, tuple(features))
    forest = trainer.fit(frame, features)
    expected = forest.predict_proba(trainer.matrix(frame, features))[:, 1]
    assert numpy.abs(model.predict(frame[features].to_numpy()) - expected).max() < 1e-6
    again = trainer.train(object(), frame, features, str(tmp_path)).iloc[0]
    assert again.version == run.version
    assert again.artefact_hash == run.artefact_hash


def test_the_hold_out_is_later_than_every_training_label():
    frame, _ = made_up()
    train, test = trainer.split_out_of_time(frame)
    assert test.cutoff_date.nunique() == 1
    assert (train.label_until_date <= test.cutoff_date.max()).all()
    assert len(train) > 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.iloc[:50], "at least 200"),
        (lambda frame: frame.assign(has_churned=1), "one of the two outcomes"),
        (lambda frame: frame.iloc[:0], "0 labelled rows"),
        (lambda frame: frame.assign(gap_days_mean=numpy.inf), "no numbers: gap_days_mean"),
        (lambda frame: frame.assign(**dict.fromkeys(frame.columns[:3], 1.0)), "no feature tells"),
    ],
)
def test_too_little_data_is_refused_in_words(tmp_path, change, words):
    frame, features = made_up()
    run = trainer.train(object(), change(frame), features, str(tmp_path)).iloc[0]
    assert words in run.status
    assert list(tmp_path.iterdir()) == []


def test_a_changed_artefact_is_refused(tmp_path):
    frame, features = made_up()
    run = trainer.train(object(), frame, features, str(tmp_path)).iloc[0]
    artefact = tmp_path / run.artefact
    artefact.write_bytes(artefact.read_bytes() + b"x")
    with pytest.raises(Exception, match="was changed after training"):
        open_model(run.version, artefact, run.artefact_hash, tuple(features))

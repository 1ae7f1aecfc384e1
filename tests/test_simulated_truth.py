"""What simulated subscribers know of themselves, against what the pipeline finds out about them."""

import csv
import json
import math
import os
import random
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise, permutations, product

import numpy
import pyarrow
import pytest
from sklearn.metrics import roc_auc_score

from embedded.churn_model import read_active_model
from embedded.functions import load_churn_model
from ingest.leaving import AWAY, FADING, STEADY, WAVERING, State, habit, lapse_probability
from ingest.leaving import next_state as day_after
from ingest.simulate import simulate
from ingest.truth import TruthFile
from tests.conftest import Pipeline, event
from tests.dbt import PROJECT, render, run_dbt
from tests.ingest_fixtures import ingest, one_line
from training import forest
from training.snapshots import feature_names, in_order, split_at

END, DAYS, CUSTOMERS, SEED, HORIZON = datetime(2026, 6, 1, tzinfo=timezone.utc), 200, 1000, 5, 28
LAST_DAY = date(2026, 5, 31)
ACTIVE = ("login", "feature_used", "purchase")
# Which reasons name a cause.
NAMED_BY = {
    "friction": {"friction"},
    "disengagement": {"silent", "fewer_active_days"},
    "spending": {"lower_spend"},
}
# Stated again, from what the names say, to check what the project's macros say.
GROUPS = {
    "silent": ("days_since", "recency"),
    "fewer_active_days": ("active_days_", "activity_count"),
    "lower_spend": ("purchase_count", "purchase_amount_"),
    "friction": ("friction",),
    "few_visits": ("tenure", "gap_days", "active_days_total", "purchase_amount_total"),
}


@pytest.mark.parametrize("state", [STEADY, AWAY, *WAVERING.values(), *FADING.values()])
def test_the_probability_is_the_share_of_simulated_futures(state):
    chance, restlessness, visits, futures = random.Random(3), 2.0, 0.12, 1500

    def lapses() -> bool:
        now, came = state, False
        for _ in range(HORIZON):
            now = day_after(now, restlessness, chance)
            if now.name == "cancelled":
                return True
            came |= chance.random() > math.exp(-visits * habit(now).visits)
        return not came

    expected = lapse_probability(
        state, restlessness, lambda now: visits * habit(now).visits, HORIZON
    )
    found = sum(lapses() for _ in range(futures)) / futures
    assert abs(found - expected) < 4 * math.sqrt(expected * (1 - expected) / futures)


def test_who_has_left_has_lapsed():
    for name in ("silent", "cancelled"):
        assert lapse_probability(State(name, "friction"), 1.0, lambda _: 0.0, HORIZON) == 1


def truths_on(lines: list[dict], day: date) -> dict[str, dict]:
    """Return by customer the line of a truth file that holds at the end of a day."""
    return {
        line["customer_id"]: line
        for line in lines
        if line["first_day"] <= day.isoformat() <= line["last_day"]
    }


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The events of a simulation, and the lines of its truth file."""
    path = tmp_path_factory.mktemp("truth") / "truth.csv"
    file = TruthFile(path, HORIZON)
    events = list(simulate(CUSTOMERS, DAYS, SEED, END, file.add))
    file.close()
    with path.open(encoding="utf-8", newline="") as lines:
        return events, list(csv.DictReader(lines))


def test_a_truth_file_covers_every_day_of_a_customer_once(told):
    events, lines = told
    days = {}
    for line in lines:
        first, last = date.fromisoformat(line["first_day"]), date.fromisoformat(line["last_day"])
        assert first <= last
        days.setdefault(line["customer_id"], []).append((first, last))
    joined = {
        one["customer_id"]: date.fromisoformat(one["occurred_at"][:10])
        for one in events
        if one["event_type"] == "profile_updated"
    }
    assert set(days) == set(joined)
    for customer, stays in days.items():
        assert stays[0][0] == joined[customer]
        assert stays[-1][1] == LAST_DAY
        for (_, last), (first, _) in pairwise(stays):
            assert first == last + timedelta(days=1)
    assert len(lines) < 8 * CUSTOMERS


def test_the_truth_is_calibrated_on_the_events_that_follow(told):
    events, lines = told
    cutoff = LAST_DAY - timedelta(days=HORIZON)
    came, cancelled = set(), {}
    for one in events:
        day = date.fromisoformat(one["occurred_at"][:10])
        if one["event_type"] == "subscription_cancelled":
            cancelled[one["customer_id"]] = day
        if day > cutoff and one["event_type"] in ACTIVE:
            came.add(one["customer_id"])
    by_state = {}
    for customer, line in truths_on(lines, cutoff).items():
        has_lapsed = customer in cancelled or customer not in came
        probability = float(line["lapse_probability"])
        by_state.setdefault(line["state"], []).append((probability, has_lapsed))
    assert {"steady", "wavering", "fading", "silent"} <= set(by_state)
    for pairs in by_state.values():
        expected, observed = numpy.array(pairs).T
        error = math.sqrt((expected * (1 - expected)).sum())
        assert abs(expected.sum() - observed.sum()) <= 4 * error + 1e-9
    # As many leave in four weeks as in a business that people leave.
    pairs = [pair for name, some in by_state.items() if name[0] in "swf" for pair in some]
    living = [pair for pair in pairs if pair[0] < 1]
    assert 0.04 < sum(has_lapsed for _, has_lapsed in living) / len(living) < 0.1


def test_the_command_writes_the_truth_beside_the_events(tmp_path):
    events, truth = tmp_path / "events.jsonl", tmp_path / "truth.csv"
    command = ("simulate", "--customers", "30", "--days", "40", "--end", "2026-06-01T15:00:00Z")
    done = ingest(*command, "--output", str(events), "--truth", str(truth), "--horizon", "7")
    assert done.returncode == 0, done.stderr
    lines = list(csv.DictReader(truth.read_text().splitlines()))
    assert {line["horizon_days"] for line in lines} == {"7"}
    # The last day is not over, and says nothing about its end.
    assert max(line["last_day"] for line in lines) == "2026-05-31"
    assert max(json.loads(line)["occurred_at"] for line in events.open()) < "2026-06-01T15:00:00Z"
    refused = ingest(*command, "--output", str(events), "--truth", str(events))
    assert "give them two files" in one_line(refused)
    refused = ingest(*command, "--output", str(events), "--truth", str(tmp_path / "no" / "where"))
    assert "cannot be written" in one_line(refused)


@pytest.fixture(scope="module")
def pipeline(told, empty_pipelines, tmp_path_factory):
    """A pipeline of these subscribers, trained on and scored at the end."""
    events, _ = told
    path = tmp_path_factory.mktemp("simulated") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_HOME", str(path))
        pipeline = Pipeline(empty_pipelines.copy("all", path))
        columns = ("event_id", "customer_id", "event_type", "occurred_at", "amount")
        arrived = pyarrow.table(
            {name: [one.get(name) for one in events] for name in columns}
            | {"payload": [json.dumps({"properties": one.get("properties")}) for one in events]}
        )
        pipeline.connection.register("arrived", arrived)
        pipeline.connection.execute(
            "insert into churn_scores_raw select event_id, customer_id, event_type,"
            " occurred_at::timestamptz at time zone 'UTC', amount, payload::json, 'simulated', 0,"
            " row_number() over () - 1, occurred_at::timestamptz at time zone 'UTC', now() at time"
            " zone 'UTC' from arrived"
        )
        run_dbt("run", "-q", "-s", "+train_churn_model")
        # The last day is over, which an event of the next one says.
        midnight = END.replace(tzinfo=None)
        pipeline.add(event("next", "next", "login", midnight), loaded_at=midnight)
        done = pipeline.tick(midnight + timedelta(seconds=1))
        assert "failed" not in " ".join(done.summary_lines())
        yield pipeline
        pipeline.close()


@pytest.fixture(scope="module")
def tested(pipeline, told):
    """What became of the customers of the test cut-off: truth, recency, and the model's score."""
    rows = in_order(pipeline.frame("from training_snapshots"))
    features = feature_names(rows)
    train, test = split_at(rows, rows["cutoff_date"].max())
    truths = truths_on(told[1], test["cutoff_date"].max().date())
    return {
        "has_churned": test["has_churned"].to_numpy(),
        "truth": numpy.array(
            [float(truths[customer]["lapse_probability"]) for customer in test["customer_id"]]
        ),
        "model": forest.predict(forest.fit(train, features), test, features),
        "recency": test["days_since_last_activity"].to_numpy(),
    }


def auc(tested, name: str, rows=slice(None)) -> float:
    return roc_auc_score(tested["has_churned"][rows], tested[name][rows])


def is_above_the_truth(tested, name: str) -> bool:
    """Whether a score ranks better than the truth by more than the luck of who was drawn."""
    draw, count = numpy.random.default_rng(7), len(tested["truth"])
    drawn = [draw.integers(0, count, count) for _ in range(100)]
    gaps = [auc(tested, name, rows) - auc(tested, "truth", rows) for rows in drawn]
    return auc(tested, name) - auc(tested, "truth") > 2 * numpy.std(gaps)


def test_the_model_ranks_no_better_than_the_truth(tested, pipeline):
    assert not is_above_the_truth(tested, "model")
    assert is_above_the_truth({**tested, "leak": tested["has_churned"]}, "leak")
    assert pipeline.one("select roc_auc from active_churn_model") == pytest.approx(
        auc(tested, "model"), abs=0.02
    )


def test_the_model_ranks_better_than_the_recency_rule(tested):
    figures = {name: round(auc(tested, name), 3) for name in ("truth", "model", "recency")}
    print(f"AUC out of time: {figures}")
    assert figures["model"] - figures["recency"] >= 0.08


def test_the_score_is_the_model_on_the_features_of_training(pipeline):
    folder = PROJECT / os.environ["DBT_TARGET_PATH"] / "compiled" / "churn_intelligence"
    query = (folder / "models" / "training" / "training_snapshots.sql").read_text()
    cutoffs = f"(select date '{LAST_DAY}' as cutoff_date)"
    query = query.replace('"churn"."main"."training_cutoffs"', cutoffs)
    assert cutoffs in query
    trained = pipeline.frame(query).set_index("customer_id")
    model = read_active_model(pipeline.connection)
    expected = model.predict(trained[list(model.features)].to_numpy())
    scored = pipeline.frame("select customer_id, score from churn_scores where band <> 'left'")
    found = scored.set_index("customer_id")["score"].loc[trained.index].to_numpy()
    assert len(scored) == len(trained) > 700
    assert numpy.abs(found - expected).max() < 1e-6


def test_reasons_name_the_cause(pipeline, told):
    truths = truths_on(told[1], LAST_DAY)
    named = []
    for customer, top_reasons in pipeline.rows(
        "select customer_id, top_reasons from churn_scores where band = 'high'"
    ):
        if truths[customer]["state"] in ("wavering", "fading"):
            first_two = {reason["code"] for reason in json.loads(top_reasons)[:2]}
            named.append(bool(first_two & NAMED_BY[truths[customer]["cause"]]))
    print(f"the cause is named for {sum(named)} of {len(named)}")
    assert len(named) >= 15
    assert sum(named) / len(named) >= 0.8


def test_reasons_are_the_three_strongest_of_who_is_at_risk(pipeline):
    rows = pipeline.rows("select band, score, top_reasons from churn_scores where band <> 'left'")
    reasons = [(score, json.loads(text)) for band, score, text in rows if band == "high"]
    assert {text for band, _, text in rows if band == "low"} == {"[]"}
    assert len(reasons) > 30
    named = [(score, told_of) for score, told_of in reasons if told_of]
    assert len(named) >= 0.9 * len(reasons)
    for score, told_of in named:
        assert len(told_of) <= 3
        points = [reason["points"] for reason in told_of]
        assert points == sorted(points, reverse=True)
        assert all(point >= 1 for point in points[1:])
        assert 0 < sum(points) < 100 * score + 60  # others may lower the score
        assert {reason["code"] for reason in told_of} <= set(GROUPS)


@pytest.fixture(scope="module")
def effects(pipeline):
    """What each group gives to each score, and the rows that it was found from."""
    day = f"\"date '{LAST_DAY}'\""
    query = (
        "with banded as (select features.*, 'high' as new_band from ("
        "{{ with_clock_features(ref('churn_metrics_live'), " + day + ") }}) as features"
        " where {{ in_population(" + day + ") }} order by customer_id limit 200),"
        " {{ reason_effects('banded', ref('active_churn_model')) }}"
        " select * from as_usual inner join group_effects using (customer_id)"
    )
    compiled = render(query)
    load_churn_model(pipeline.connection)
    return pipeline.frame(compiled[compiled.index("with banded") :])


def group_of(feature: str) -> str | None:
    """Return the group whose name for a feature is the longest."""
    found = [(len(start), code) for code, starts in GROUPS.items() for start in starts
             if feature.startswith(start)]  # fmt: skip
    return max(found)[1] if found else None


def test_effects_are_shapley_values(pipeline, effects):
    model, codes = read_active_model(pipeline.connection), list(GROUPS)
    groups = [group_of(feature) for feature in model.features]
    actual = effects[list(model.features)].to_numpy()
    usual = numpy.column_stack(
        [
            effects[f"usual_{feature}" if group else feature]
            for feature, group in zip(model.features, groups, strict=True)
        ]
    )
    scores = {}
    for chosen in product((False, True), repeat=len(codes)):
        members = {code for code, is_in in zip(codes, chosen, strict=True) if is_in}
        mask = numpy.array([group in members for group in groups])
        scores[frozenset(members)] = model.predict(numpy.where(mask, actual, usual))
    orders = list(permutations(codes))
    for code in codes:
        befores = [frozenset(order[: order.index(code)]) for order in orders]
        expected = sum(scores[before | {code}] - scores[before] for before in befores)
        assert numpy.abs(effects[code] - expected / len(orders)).max() < 1e-9
    total = effects[codes].sum(axis=1)
    assert numpy.abs(total - (scores[frozenset(codes)] - scores[frozenset()])).max() < 1e-9
    assert total.abs().max() > 0.1


def test_who_behaves_as_usual_has_no_reason_for_it(effects):
    friction = [name for name in effects.columns if name.startswith("friction_")]
    untroubled = effects[friction].sum(axis=1) == 0
    assert untroubled.any()
    assert not untroubled.all()
    assert (effects.loc[untroubled, "friction"].abs() < 1e-12).all()
    assert (effects.loc[~untroubled, "friction"] != 0).any()


def test_a_feature_without_a_group_of_reasons_stops_the_build(pipeline):
    query = "{{ reasons_of_features(churn_features() + ['weather']) }}"
    done = run_dbt("compile", "-q", "--inline", query, check=False)
    assert done.returncode != 0
    assert "feature 'weather' is in no group of reasons" in " ".join(done.stdout.split())

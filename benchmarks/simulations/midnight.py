"""`python -m benchmarks.simulations.midnight`: does a score change because the date does?

Customers who come nearly every day, until they leave. A forest learns from the project's snapshots
and the hourly task scores everybody at 23:55 and at 00:05. Nobody does anything in between, except
for the one visit that tells the pipeline that the day is over. What is right at 00:05 is the score
of a snapshot of the day that has ended, from the SQL of training.
"""

import argparse
import hashlib
import os
import re
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from embedded.churn_model import read_active_model
from embedded.engine.registry import tasks
from embedded.engine.storage import transact
from embedded.functions import load_churn_model
from tests.conftest import Pipeline
from tests.dbt import EmptyPipelines
from training import artefacts, forest
from training.references import feature_reference
from training.registry import run_row
from training.snapshots import feature_names, in_order, matrix
from training.status import TRAINED

LAST_DAY = datetime(2026, 6, 1)
EVENING = LAST_DAY + timedelta(hours=23, minutes=55)
MORNING = EVENING + timedelta(minutes=10)
THRESHOLD = 0.25
_DAYS, _HORIZON = 140, 28


class Figures(NamedTuple):
    """What was said at one of the moments."""

    n: int
    mean: float
    truth: float
    brier: float


def visits(customers: int, seed: int) -> np.ndarray:
    """Return who comes on which day: `_DAYS` up to the last one, and the horizon after it.

    Each comes with a chance of its own on every day until it leaves, at 0.4 % a day.
    """
    draw = np.random.default_rng(seed)
    days = _DAYS + _HORIZON
    chance = draw.uniform(0.55, 0.97, (customers, 1))
    leaves_on = draw.geometric(0.004, (customers, 1))
    return (draw.random((customers, days)) < chance) & (np.arange(days) < leaves_on)


def fill(pipeline: Pipeline, came: np.ndarray, seed: int) -> None:
    """Load the visits up to the last day, at times of the day drawn at random."""
    customer, day = np.nonzero(came[:, :_DAYS])
    minute = np.random.default_rng(seed).integers(0, 23 * 60 + 50, len(day))
    minute[np.argmax(day)] = 23 * 60 + 50  # the loader is not late
    midnight = pd.Timestamp(LAST_DAY) - pd.to_timedelta(_DAYS - 1 - day, "D")
    at = midnight + pd.to_timedelta(minute, "m")
    _load(
        pipeline, pd.DataFrame({"customer_id": [f"c{one}" for one in customer], "occurred_at": at})
    )


def _load(pipeline: Pipeline, logins: pd.DataFrame) -> None:
    pipeline.connection.register("logins", logins)
    first = pipeline.one("select count(*) from churn_scores_raw")
    transact(
        pipeline.connection,
        lambda open_: open_.execute(
            "insert into churn_scores_raw by name select"
            f" 'e' || (row_number() over () + {first}) as event_id, customer_id,"
            " 'login' as event_type, occurred_at, '{}'::json as payload,"
            " 'simulated' as kafka_topic, 0 as kafka_partition,"
            f" row_number() over () + {first} as kafka_offset, occurred_at as published_at,"
            " occurred_at as loaded_at from logins"
        ),
    )
    pipeline.connection.unregister("logins")
    pipeline.refresh()


def train(pipeline: Pipeline, snapshots_sql: str) -> None:
    """Fit the forest on the project's snapshots, and let it serve."""
    rows = in_order(pipeline.frame(snapshots_sql))
    features = feature_names(rows)
    content = forest.to_artefact(forest.fit(rows, features), None, matrix(rows, features))
    artefacts.store(object(), content, str(pipeline.path / "models"), "simulated.onnx")
    run = run_row(
        "simulated",
        TRAINED,
        features,
        artefact="simulated.onnx",
        artefact_hash=hashlib.sha256(content).hexdigest(),
        feature_reference=feature_reference(rows, features),
        test_rows=int((rows["cutoff_date"] == rows["cutoff_date"].max()).sum()),
    )
    pipeline.connection.register("given", run)
    transact(
        pipeline.connection,
        lambda open_: open_.execute("insert into train_churn_model by name select * from given"),
    )
    promotion = "insert into model_promotions values ('simulated', 'promoted', '', 'test', now())"
    pipeline.rows(promotion)
    load_churn_model(pipeline.connection)


def scores_at(pipeline: Pipeline, moment: datetime) -> pd.Series:
    """Return the scores after the hourly task, by customer."""
    done = pipeline.run_task(tasks(pipeline.connection)["sweep_silent_customers"], moment)
    if done.error:
        raise RuntimeError(done.error)
    scores = pipeline.frame("from churn_scores where score is not null and customer_id <> 'clock'")
    return scores.set_index("customer_id")["score"].sort_index()


def snapshot_of(pipeline: Pipeline, snapshots_sql: str, day: datetime) -> pd.DataFrame:
    """Return the rows that training would learn from with a cut-off at the end of a day."""
    pipeline.connection.execute(
        "create or replace temp table cutoff_of_a_day as select ?::date as cutoff_date", [day]
    )
    rows = pipeline.frame(
        re.sub(r'"churn"\."main"\."training_cutoffs"', "cutoff_of_a_day", snapshots_sql)
    )
    return rows.set_index("customer_id").sort_index()


def simulate(
    pipeline: Pipeline, snapshots_sql: str, customers: int, seed: int
) -> tuple[Figures, Figures, dict[str, int]]:
    """Return what was said at 23:55 and at 00:05, and who crossed the threshold in between.

    The latter are counted as: `came`, those who came on the day that ended; `silent`, those who did
    not, for whom the whole day without a visit is new; `date`, those of both whom the snapshot of
    that day leaves below the threshold: only the date has moved them.
    """
    came = visits(customers, seed)
    fill(pipeline, came, seed)
    train(pipeline, snapshots_sql)
    evening = scores_at(pipeline, EVENING)
    late = pd.DataFrame({"customer_id": ["clock"], "occurred_at": [MORNING - timedelta(minutes=1)]})
    _load(pipeline, late)
    morning = scores_at(pipeline, MORNING)
    snapshot = snapshot_of(pipeline, snapshots_sql, LAST_DAY)
    right = pd.Series(
        read_active_model(pipeline.connection).predict(matrix(snapshot, feature_names(snapshot))),
        snapshot.index,
    )
    both = evening.index.intersection(morning.index).intersection(right.index)
    number = both.str[1:].astype(int)
    has_churned = ~came[number, _DAYS:].any(axis=1)
    came_today = came[number, _DAYS - 1]
    evening, morning = evening[both].to_numpy(), morning[both].to_numpy()
    crossed = (evening < THRESHOLD) & (morning >= THRESHOLD)
    is_moved = crossed & (right[both].to_numpy() < THRESHOLD)
    return (
        _figures(evening, has_churned),
        _figures(morning, has_churned),
        {
            "came": int((crossed & came_today).sum()),
            "silent": int((crossed & ~came_today).sum()),
            "date": int(is_moved.sum()),
        },
    )


def _figures(score: np.ndarray, has_churned: np.ndarray) -> Figures:
    error = score - has_churned
    return Figures(len(score), score.mean(), has_churned.mean(), (error**2).mean())


def snapshots_sql(pipelines: EmptyPipelines) -> str:
    """Return the SQL of training_snapshots, as dbt has built it."""
    nodes = pipelines.manifest("all")["nodes"]
    return nodes["model.churn_intelligence.training_snapshots"]["compiled_code"]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=2500)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pipelines = EmptyPipelines(Path(folder))
        os.environ["CHURN_HOME"] = str(Path(folder) / "home")
        pipeline = Pipeline(pipelines.copy("all", Path(folder) / "home"))
        sql = snapshots_sql(pipelines)
        evening, morning, crossed = simulate(pipeline, sql, given.customers, given.seed)
        pipeline.close()
    for name, said in (("23:55", evening), ("00:05", morning)):
        print(
            f"{name}: {said.n:,} customers, mean score {said.mean:.3f} (truth {said.truth:.3f}),"
            f" Brier {said.brier:.4f}"
        )
    print(
        f"Crossed {THRESHOLD:.0%} at midnight: {crossed['came']} who came on the day that ended,"
        f" {crossed['silent']} who did not; {crossed['date']} only because of the date."
    )


if __name__ == "__main__":
    main()

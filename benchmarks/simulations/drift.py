"""`python -m benchmarks.simulations.drift`: does POPULATION_DRIFT see drift where there is none?

Weeks of customers who are like those of training, and weeks in which half of them have fallen
silent, by size of the business: how often the worst of all features is said to have moved.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from unittest import mock

import duckdb
import numpy as np
import pandas as pd

from tests.dbt import OFFLINE, run_dbt
from training.references import distribution

SIZES = (30, 60, 100, 250, 1000)
_RELATION = '"churn"."main"."{}"'
_CUTOFFS = 4  # each with all customers; the latest is the test
# How long a customer has been away, and what stands in for the other figures: most hold few values.
SILENCE, FEATURES = "days_since_last_activity", 26


def population(n: int, draw: np.random.Generator, times_as_silent: float = 1) -> pd.DataFrame:
    """Return customers with `FEATURES` figures; half of them are that many times as silent.

    Other customers every time: those who are the same at several cut-offs move less by chance.
    """
    gap = draw.lognormal(np.log(6), 0.5, n)
    away = draw.exponential(gap) * np.where(draw.random(n) < 0.5, times_as_silent, 1)
    figures = {
        SILENCE: np.floor(away),
        "recency_to_usual_gap": np.floor(away) / gap,
        "recency_to_longest_gap": np.floor(away) / (gap * draw.uniform(2, 4, n)),
    }
    for number in range(len(figures), FEATURES):
        if number % 3 == 0:
            figures[f"amount_{number}"] = draw.lognormal(3, 1, n)
        elif number % 3 == 1:
            figures[f"count_{number}"] = draw.poisson(number / 3, n)
        else:
            figures[f"rare_{number}"] = draw.poisson(2, n) * (draw.random(n) < number / FEATURES)
    return pd.DataFrame(figures)


def drift_sql() -> dict[str, str]:
    """Return the SQL of POPULATION_DRIFT and of the bins that it reads, by name."""
    with tempfile.TemporaryDirectory() as home, mock.patch.dict(os.environ, CHURN_HOME=home):
        target = Path(home) / "target"
        names = ("feature_references", "population_drift")
        run_dbt("compile", "-q", *OFFLINE, "--target-path", str(target), "-s", *names)
        nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    return {name: nodes[f"model.churn_intelligence.{name}"]["compiled_code"] for name in names}


def weeks(
    sql: dict[str, str], n: int, runs: int, seed: int, times_as_silent: float = 1
) -> pd.DataFrame:
    """Return what is said of each feature in so many weeks, each with a training of its own."""
    draw = np.random.default_rng(seed)
    trained, counted = [], []
    for run in range(runs):
        rows = pd.concat([population(n, draw) for _ in range(_CUTOFFS)], ignore_index=True)
        reference = {name: distribution(rows[name].to_numpy()) for name in rows}
        score = distribution(rows[SILENCE].to_numpy()[-n:])  # which it stands in for
        references = (json.dumps(reference), json.dumps(score))
        trained.append((f"v{run:04}", *references, (_CUTOFFS - 1) * n, n))
        now = population(n, draw, times_as_silent)
        now["score"] = now[SILENCE]
        for name, bins in {**reference, "score": score}.items():
            places = np.searchsorted(bins["bins"], now[name], side="left")
            for place, count in enumerate(np.bincount(places)):
                if count:
                    counted.append((f"v{run:04}", name, place, int(count)))
    runs_columns = ["version", "feature_reference", "score_reference", "train_rows", "test_rows"]
    counts_columns = ["model_version", "feature", "bin", "n"]
    with duckdb.connect() as connection:
        connection.register("train_churn_model", pd.DataFrame(trained, columns=runs_columns))
        connection.register("counted", pd.DataFrame(counted, columns=counts_columns))
        connection.execute(
            "create table feature_histograms as select date '2026-06-01' as week, * from counted"
        )
        for name, query in sql.items():
            for source in ("train_churn_model", "feature_histograms", "feature_references"):
                query = query.replace(_RELATION.format(source), source)
            connection.execute(f"create table {name} as {query}")
        return connection.execute("from population_drift").df()


def shares(found: pd.DataFrame) -> tuple[float, float]:
    """Return in which share of the weeks some feature has moved at all, and much."""
    by_week = found.groupby("model_version")["shift"]
    moved = by_week.agg(lambda shifts: (shifts != "none").any()).mean()
    return float(moved), float(by_week.agg(lambda shifts: (shifts == "major").any()).mean())


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    sql = drift_sql()
    for times, words in ((1, "no drift"), (2, "half twice as silent"), (5, "half 5 x as silent")):
        for n in SIZES:
            moved, much = shares(weeks(sql, n, given.runs, given.seed, times))
            print(f"{words}, n {n:>5,}: something moved in {moved:.1%}, much in {much:.1%}")


if __name__ == "__main__":
    main()

"""`python -m benchmarks.simulations.promotion`: how often a new version is called worse by mistake.

The truth does not change: customers visit at gaps of their own, leave by chance, and others come.
So a version that is trained days after another one is as good, and should serve. Beside the
project's decision stands the one against what serves, which knows labels of the tested window.
"""

import argparse
import tempfile

import duckdb
import numpy
import pandas
from sklearn.metrics import roc_auc_score

from benchmarks.simulations.rendered import rendered
from training import forest
from training.artefacts import fetch
from training.champion import champion_of
from training.run import Settings, train
from training.snapshots import feature_names, matrix

HORIZON, WINDOW, CUTOFFS = 28, 84, 6
START, DAYS = 300, 360  # of the first training, and all that is drawn
SETTINGS = Settings(rolling_origins=0)


def visits(customers: int, seed: int) -> numpy.ndarray:
    """Draw the days of each customer's visits, infinite after the last one."""
    draw = numpy.random.default_rng(seed)
    gap, joined = draw.uniform(3, 14, customers), draw.uniform(-150, START, customers)
    found = joined[:, None] + numpy.cumsum(draw.gamma(1, gap[:, None], (customers, 160)), axis=1)
    found[found > (joined + draw.exponential(250, customers))[:, None]] = numpy.inf
    return found


def snapshots(drawn: numpy.ndarray, last_cutoff: int) -> pandas.DataFrame:
    """Return the snapshots that a training with this latest cut-off has."""
    return pandas.concat(
        [_at(drawn, last_cutoff - HORIZON * number) for number in range(CUTOFFS)],
        ignore_index=True,
    )


def _at(drawn: numpy.ndarray, cutoff: int) -> pandas.DataFrame:
    before = numpy.where(drawn <= cutoff, drawn, -numpy.inf)
    counts = {days: (before > cutoff - days).sum(axis=1) for days in (7, 28, WINDOW)}
    known = numpy.maximum((before > -numpy.inf).sum(axis=1), 1)
    last, first = before.max(axis=1), drawn[:, 0]
    with numpy.errstate(invalid="ignore"):
        gap = (last - first) / numpy.maximum(known - 1, 1)
    day = pandas.Timestamp("2025-01-01") + pandas.Timedelta(days=cutoff)
    rows = pandas.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(len(drawn))],
            "cutoff_date": day,
            "label_until_date": day + pandas.Timedelta(days=HORIZON),
            "segment": "regular",
            "has_churned": 1 - ((drawn > cutoff) & (drawn <= cutoff + HORIZON)).any(axis=1),
            "has_lapsed": cutoff - last >= HORIZON,
            "days_since_last_activity": cutoff - last,
            "tenure_days": cutoff - first,
            "gap_days_mean": gap,
            "active_days_7d": counts[7],
            "active_days_28d": counts[28],
            "active_days_84d": counts[WINDOW],
        }
    )
    return rows[counts[WINDOW] >= 3].reset_index(drop=True)


RULE = "select {{ is_worse('runs') }} as is_worse from runs"  # over a relation `runs`


def decide(run: pandas.DataFrame, sql: str) -> bool:
    """Return whether the project's rule calls a run worse than what serves."""
    with duckdb.connect() as connection:
        connection.register("runs", run)
        return bool(connection.execute(sql).fetchone()[0])


def versions(customers: int, gap_days: int, folder: str, seed: int, sql: str) -> dict[str, float]:
    """Train twice, some days apart; return what is made of the second version."""
    drawn = visits(customers, seed)
    first = train(object(), snapshots(drawn, START), folder, SETTINGS)
    decided = pandas.DataFrame(
        [(first["version"].iloc[0], "promoted", pandas.Timestamp("2026-01-01"))],
        columns=["version", "action", "decided_at"],
    )
    champion = champion_of(first, decided)
    rows = snapshots(drawn, START + gap_days)
    run = train(object(), rows, folder, SETTINGS, champion)
    latest = rows[rows["cutoff_date"] == rows["cutoff_date"].max()]
    content = fetch(object(), folder, champion.artefact)
    serving = forest.score(content, matrix(latest, feature_names(rows)))
    found = run.iloc[0]
    return {
        "auc": found["roc_auc"],
        "champion_auc": found["champion_roc_auc"],
        "error": found["champion_roc_auc_error"],
        "serving_auc": float(roc_auc_score(latest["has_churned"], serving)),
        "is_worse": decide(run, sql),
    }


def main() -> None:
    """Print how often the second version is called worse, by the days between both."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.simulations.promotion", description=__doc__
    )
    parser.add_argument("--customers", type=int, default=2_500)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--gaps", type=int, nargs="+", default=[1, 7, 28], metavar="DAYS")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sql = rendered(RULE)
        for gap in given.gaps:
            found = pandas.DataFrame(
                [
                    versions(given.customers, gap, folder, given.seed + number, sql)
                    for number in range(given.runs)
                ]
            )
            against_serving = (found["auc"] < found["serving_auc"] - 0.005).sum()
            print(
                f"{gap} days apart: worse {found['is_worse'].sum()} of {given.runs};"
                f" AUC {found['auc'].mean():.4f}, of the fit that was tested"
                f" {found['champion_auc'].mean():.4f}, of what serves"
                f" {found['serving_auc'].mean():.4f} (by which {against_serving} would be worse)"
            )


if __name__ == "__main__":
    main()

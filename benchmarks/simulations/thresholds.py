"""`python -m benchmarks.simulations.thresholds`: what contacts pay at the suggested threshold.

Fewer customers churn than used to, so that the forest's own scores are too high and what serves is
recalibrated. The net benefit of contacting whoever is above a threshold is counted on the tested
window: at the suggested threshold, at the one that follows from scores before recalibration, at the
best.
"""

import argparse
import tempfile

import numpy
import pandas

from tests.model_rows import made_up
from training import forest, run, thresholds
from training.artefacts import fetch
from training.snapshots import feature_names, in_order, matrix
from training.spend import SpendLevel, expected_spend

SETTINGS = run.Settings(rolling_origins=4, contact_cost=2.0, contact_success_share=0.2)


def snapshots(number: int, seed: int) -> pandas.DataFrame:
    """Draw snapshots of eight cut-offs: after the third one churn is a third of what it was."""
    rows = in_order(made_up(number, cutoffs=8))
    draw = numpy.random.default_rng(seed)
    is_later = (rows["cutoff_date"] > sorted(rows["cutoff_date"].unique())[2]).to_numpy()
    stays = is_later & (draw.random(number) < 2 / 3)
    rows["has_churned"] = rows["has_churned"].where(~stays, 0)
    rows["purchase_amount_84d"] = draw.gamma(2, 150, number)
    rows["tenure_days"] = 400.0
    return rows


def benefits(number: int, seed: int) -> dict[str, tuple[float, float]]:
    """Return the threshold and the net benefit of each way to choose it."""
    rows = snapshots(number, seed)
    features = feature_names(rows)
    with tempfile.TemporaryDirectory() as folder:
        found = run.train(object(), rows, folder, SETTINGS).iloc[0]
        content = fetch(object(), folder, found["tested_artefact"])
    if not found["is_calibrated"]:
        raise ValueError("there is nothing to see without a recalibration: take more snapshots")
    tested = rows[rows["cutoff_date"] == rows["cutoff_date"].max()]
    score = forest.score(content, matrix(tested, features))
    horizon = SETTINGS.horizon_days
    value = expected_spend(tested, SpendLevel(0.0, 0.0), horizon)
    gain = SETTINGS.contact_success_share * value * tested["has_churned"] - SETTINGS.contact_cost
    windows = run._rolling_origin(rows, features, SETTINGS)
    raw = thresholds.by_cost(
        thresholds.Window(
            *(
                numpy.concatenate([getattr(one, name) for one in windows])
                for name in ("score", "truth", "weight", "value")
            )
        ),
        SETTINGS.contact_cost,
        SETTINGS.contact_success_share,
    )
    pays = {one: float(gain[score >= one].sum()) for one in numpy.linspace(0, 1, 201)}
    best = max(pays, key=pays.get)
    suggested = found["suggested_threshold_cost"]
    return {
        "suggested": (suggested, float(gain[score >= suggested].sum())),
        "by scores before recalibration": (raw, float(gain[score >= raw].sum())),
        "best with hindsight": (best, pays[best]),
    }


def main() -> None:
    """Print the thresholds and what they pay."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.simulations.thresholds", description=__doc__
    )
    parser.add_argument("--snapshots", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for way, (threshold, benefit) in benefits(given.snapshots, given.seed).items():
        print(f"{way}: {threshold:.3f}, net benefit {benefit:,.0f}")


if __name__ == "__main__":
    main()

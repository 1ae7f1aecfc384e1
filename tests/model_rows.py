"""Made-up rows of training_snapshots: who has been away for longest churns most."""

from datetime import timedelta

import numpy
import pandas

FEATURES = ("days_since_last_activity", "gap_days_mean", "active_days_28d")


def made_up(rows: int = 1_200, cutoffs: int = 4, features=FEATURES) -> pandas.DataFrame:
    draw = numpy.random.default_rng(3)
    frame = pandas.DataFrame(
        draw.integers(0, 40, (rows, len(features))).astype(float), columns=list(features)
    )
    frame["has_churned"] = (draw.random(rows) < frame.days_since_last_activity / 50).astype(int)
    frame["customer_id"] = [f"c{number}" for number in range(rows)]
    frame["alert_arm"], frame["snapshot_weight"] = None, 1.0
    frame["has_lapsed"] = frame.days_since_last_activity >= 28
    frame["segment"] = [("budget", None, "premium")[number % 3] for number in range(rows)]
    frame["cutoff_date"] = [
        pandas.Timestamp("2026-01-01") + timedelta(days=28 * (number % cutoffs))
        for number in range(rows)
    ]
    frame["label_until_date"] = frame.cutoff_date + timedelta(days=28)
    return frame

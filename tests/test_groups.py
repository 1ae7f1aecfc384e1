"""Whether a score serves all alike: expected, observed and alerted, by segment and by region."""

import json

import numpy
import pytest

from tests.model_rows import made_up
from training.groups import by_group, wilson
from training.run import Settings, train


def test_wilson_is_the_interval_of_the_books():
    assert wilson(36 / 180, 180) == pytest.approx((0.1481, 0.2645), abs=1e-4)
    assert wilson(0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(1.0, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)


def test_outcomes_are_of_those_who_count_and_alerts_of_everybody():
    rows = made_up(300, cutoffs=1)
    rows.loc[rows.index < 60, ["alert_arm", "snapshot_weight"]] = ["treated", 0.0]
    rows.loc[(rows.index >= 60) & (rows.index < 66), ["alert_arm", "snapshot_weight"]] = [
        *("holdout", 10.0),
    ]
    test = rows[rows.snapshot_weight > 0]
    score = numpy.full(len(test), 0.4)
    found = {one["segment"]: one for one in by_group(test, score, rows, "segment")}
    assert set(found) == {"budget", "premium", "unknown"}
    for group, one in found.items():
        of_group = rows[rows.segment.fillna("unknown") == group]
        counted = of_group[of_group.snapshot_weight > 0]
        weight = counted.snapshot_weight.to_numpy()
        observed = numpy.average(counted.has_churned, weights=weight)
        assert one["n"] == len(counted)
        assert one["customers"] == len(of_group) == 100
        assert one["observed"] == pytest.approx(observed)
        # Two of them count ten times each, and say less than twenty would.
        effective_n = weight.sum() ** 2 / (weight**2).sum()
        assert effective_n < len(counted)
        assert (one["observed_low"], one["observed_high"]) == pytest.approx(
            wilson(observed, effective_n)
        )
        assert one["alert_rate"] == pytest.approx(22 / 100)
        assert one["alert_rate_low"] < 0.22 < one["alert_rate_high"]


def test_a_run_notes_both(tmp_path):
    rows = made_up(800).assign(region=lambda rows: numpy.where(rows.index % 3, "north", None))
    found = train(object(), rows, str(tmp_path), Settings(rolling_origins=0)).iloc[0]
    assert [one["region"] for one in json.loads(found.by_region)] == ["north", "unknown"]
    assert len(json.loads(found.by_segment)) == 3

"""Thresholds are suggested for the scores that serve, recalibrated ones where those are."""

from benchmarks.simulations.thresholds import benefits


def test_the_threshold_that_pays_is_on_the_scale_of_recalibrated_scores():
    found = benefits(8_000, seed=1)
    paid = {way: benefit for way, (_, benefit) in found.items()}
    assert paid["by scores before recalibration"] < 0.5 * paid["best with hindsight"]
    assert paid["suggested"] > 0.85 * paid["best with hindsight"]

"""Drift: chance alone raises no alarm however few customers there are, and a shift is found."""

from statistics import NormalDist

import pytest

from benchmarks.simulations import drift
from tests.dbt import render
from training.references import BINS
from training.stability import major_from, moderate_from, psi_by_chance


@pytest.fixture(scope="module")
def sql():
    return drift.drift_sql()


@pytest.mark.parametrize("n", [30, 60, 100, 250])
def test_without_drift_hardly_any_week_says_drift(sql, n):
    moved, much = drift.shares(drift.weeks(sql, n, runs=60, seed=n))
    print(f"n {n}: something moved in {moved:.1%} of the weeks, much in {much:.1%}")
    assert much <= moved <= 0.05


def test_a_shift_is_found_and_in_the_feature_that_has_moved(sql):
    found = drift.weeks(sql, 250, runs=20, seed=1, times_as_silent=5)
    assert drift.shares(found) == (1, 1)
    assert set(found.loc[found["shift"] == "major", "feature"]) <= {
        drift.SILENCE, "recency_to_usual_gap", "recency_to_longest_gap", "score",
    }  # fmt: skip
    moved, _ = drift.shares(drift.weeks(sql, 250, runs=20, seed=2, times_as_silent=2))
    assert moved > 0.4
    assert (found["n"] == 250).all()


def test_the_bounds_of_monitoring_are_those_of_the_card(sql):
    found = drift.weeks(sql, 60, runs=1, seed=1).set_index("feature")
    of_ten_bins = found.loc["amount_3"]
    assert of_ten_bins["moderate_from"] == pytest.approx(moderate_from(60, 240))
    assert of_ten_bins["major_from"] == pytest.approx(major_from(60, 240))
    assert found.loc["score"]["major_from"] == pytest.approx(psi_by_chance(BINS, 60, 60))
    assert (moderate_from(10_000, 40_000), major_from(10_000, 40_000)) == (0.1, 0.25)


def test_the_quantile_is_that_of_as_many_figures_as_the_model_has():
    compiled = render("{{ churn_features() | length }}")
    figures = int(compiled.split()[-1]) + 1
    assert NormalDist().inv_cdf(1 - 0.01 / figures) == pytest.approx(3.4, abs=0.02)

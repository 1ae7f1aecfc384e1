"""Expected spend: what customers then spend, however new they are, and the same for training."""

import numpy
import pandas
import pytest

from benchmarks.simulations.expected_spend import (
    HORIZON,
    expected_by_sql,
    of_events,
    queries_of_the_project,
    simulate,
)
from tests.drawn_customers import random_customers
from training.spend import SpendLevel, expected_spend, fit_spend_level


@pytest.fixture(scope="module")
def queries():
    return queries_of_the_project()


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_new_and_old_customers_are_expected_to_spend_what_they_spend(queries, spread):
    found = simulate(queries, each=600, spread=spread, seed=5)
    assert len(found) == 8
    assert {group: ratio for group, ratio in found.items() if not 0.8 < ratio < 1.2} == {}


def test_real_customers_who_stay_spend_what_was_expected_of_them(queries):
    *_, known_for_long = of_events(queries, cutoffs=2).values()
    assert known_for_long == pytest.approx(1, abs=0.1)


def test_training_and_scoring_expect_the_same(queries):
    draw = numpy.random.default_rng(3)
    rows = random_customers(2_000, seed=3)
    rows = rows[numpy.isfinite(rows["purchase_amount_84d"])].reset_index(drop=True)
    today = rows["last_activity_at"].max()
    rows["days_since_last_activity"] = (today - rows["last_activity_at"]).dt.days
    rows["tenure_days"] = (today - rows["first_seen_at"]).dt.days
    rows["monthly_value"] = numpy.where(draw.random(len(rows)) < 0.2, 30.4375, numpy.nan)
    for level in (SpendLevel(0.0, 0.0), SpendLevel(2.5, 13.5)):
        by_sql = expected_by_sql(rows, level, queries[1])
        assert by_sql == pytest.approx(expected_spend(rows, level, HORIZON), rel=1e-9)
        assert (by_sql[rows["monthly_value"].notna()] == HORIZON).all()


def test_a_version_without_a_level_leaves_the_customers_own_figure(queries):
    rows = pandas.DataFrame(
        {
            "customer_id": ["a", "b"],
            "purchase_amount_84d": [56.0, 98.0],
            "tenure_days": [9, 400],
            "days_since_last_activity": [0, 14],
            "gap_days_mean": [3.0, 14.0],
            "monthly_value": [None, None],
        }
    ).astype({"monthly_value": float})
    level = SpendLevel(numpy.nan, numpy.nan)
    assert expected_by_sql(rows, level, queries[1]) == pytest.approx([56.0, 28.0])


def test_the_level_follows_how_much_customers_differ():
    draw = numpy.random.default_rng(4)
    count = 4_000
    rows = pandas.DataFrame(
        {"tenure_days": 300, "days_since_last_activity": 0, "gap_days_mean": 1.0, "has_churned": 0},
        index=range(count),
    )
    alike, unlike = numpy.full(count, 2.0), draw.gamma(4, 0.5, count)
    found = []
    for rate in (alike, unlike):
        rows["purchase_amount_84d"] = draw.poisson(rate * 84).astype(float)
        rows["spend_after"] = draw.poisson(rate * HORIZON).astype(float)
        level = fit_spend_level(rows, HORIZON)
        assert level.average_spend_per_day == pytest.approx(2.0, rel=0.05)
        found.append(level.spend_credibility_days)
    assert found[0] > 500
    assert found[1] == 7.0  # what a few days say of customers who differ so much is kept
    few = fit_spend_level(rows.head(50), HORIZON)
    assert few.spend_credibility_days == 84

"""What messages earn: spend of the treated against the held out, and the truth of it."""

import math

import pandas
import pytest

from benchmarks.simulations.effect import days_until, ever
from benchmarks.simulations.money import (
    COSTS,
    EARNS,
    STEPS,
    Spenders,
    ever_off_zero,
    judge,
    watch,
)
from tests.dbt import render
from tests.test_effect import watched


@pytest.fixture(scope="module")
def money_sql(shared_pipeline) -> str:
    """The steps of RETENTION_MONEY themselves, over any relation `sums`."""
    return render(STEPS)


def strata(*rows: tuple) -> pandas.DataFrame:
    """A look at one group: segment, then n, sum and squares of the treated and the held out."""
    arms = [f"{arm}_{what}" for arm in ("treated", "holdout") for what in ("n", "sum", "squares")]
    looks = pandas.DataFrame(rows, columns=["segment", *arms])
    return looks.assign(run=0, day=1, name="all", holdout_percent=10)


def test_the_interval_is_that_of_the_paper(money_sql):
    """Means 12 and 10; variances 16 and 25, more than of both together for so uneven arms."""
    looks = strata(("a", 900, 10_800, 900 * (144 + 16), 100, 1000, 100 * (100 + 25)))
    [row] = judge(looks, money_sql).to_dict("records")
    half = watched(0.4) * math.sqrt(16 / 900 + 25 / 100)
    assert row["earned"] == pytest.approx(2)
    assert (row["verdict_low"], row["verdict_high"]) == pytest.approx((2 - half, 2 + half))
    assert row["verdict"] == EARNS


def test_who_spends_more_and_is_held_out_more_often_is_no_loss(money_sql):
    looks = strata(
        ("poor", 1900, 19_000, 200_000, 100, 1000, 10_500),
        ("rich", 500, 50_000, 5_100_000, 500, 50_000, 5_100_000),
        ("alone", 40, 4000, 500_000, 0, 0, 0),
    )
    [row] = judge(looks, money_sql).to_dict("records")
    assert row["earned"] == pytest.approx(0)
    assert (row["verdict"], row["left_out_n"]) == ("not proved", 40)


def test_arms_in_which_all_spend_the_same_prove_nothing_while_they_are_small(money_sql):
    looks = strata(("a", 300, 0, 0, 29, 290, 2900))
    [row] = judge(looks, money_sql).to_dict("records")
    assert row["verdict"] == "not proved"
    assert pandas.isna(row["verdict_low"])


@pytest.mark.parametrize("spread", [1.0, 2.0])
def test_whoever_looks_every_day_is_seldom_wrong(money_sql, spread):
    """Half spend nothing, few very much; one look's interval is off zero at some time in 30 %."""
    looks = watch([Spenders(20, 0.1, 0.5, spread)], 0, runs=80, days=150, seed=3)
    assert ever(judge(looks, money_sql), [EARNS, COSTS]) <= 0.05
    assert ever_off_zero(looks) > 0.2


def test_a_true_gain_is_proved_in_the_end(money_sql):
    looks = watch([Spenders(30, 0.1, 0.5, 1.0)], 0.6, runs=40, days=180, seed=4)
    judged = judge(looks, money_sql)
    assert 20 < days_until(judged, judged["verdict"] == EARNS) < 150
    assert ever(judged, [COSTS]) == 0

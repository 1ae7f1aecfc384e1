"""When those churn who do: by the day of the cancellation, or at the end of a whole horizon."""

from datetime import date, timedelta

import duckdb
import numpy
import pandas
import pytest

from benchmarks.simulations.rendered import rendered
from benchmarks.simulations.time_to_churn import CUTOFF, LABELS, compared, customers
from training.timing import compared_timing, timing_bands


@pytest.fixture(scope="module")
def sql() -> str:
    return rendered(LABELS)


def test_as_many_churn_within_the_first_days_as_were_expected(sql):
    found = compared(customers(20_000, 1, sql))
    assert set(found["days"]) == {7, 14, 28}
    chance = 4 * numpy.sqrt(found["expected"].clip(lower=1)) + 0.02 * found["expected"]
    assert ((found["expected"] - found["observed"]).abs() < chance).all()


CUSTOMERS = [
    # days away, visits and cancellations after the cut-off, has_churned, churn_day
    (0, [], [], 1, 28),
    (20, [], [], 1, 8),
    (27, [], [], 1, 1),
    (28, [], [], 1, 0),
    (60, [], [], 1, 0),
    (20, [3], [], 0, None),
    (20, [28], [], 0, None),
    (20, [29], [], 1, 8),
    (3, [5], [9], 1, 9),
    (3, [5], [9, 12], 1, 9),
    (20, [], [4], 1, 4),
    (20, [], [12], 1, 8),
    (3, [5], [29], 0, None),
    # cancelled, and back on a later day
    (3, [5, 12], [9], 0, None),
    (3, [5, 12], [12], 1, 12),
    (3, [12], [9, 15], 1, 15),
]


def test_a_churner_has_the_day_of_the_cancellation_or_the_end_of_the_silence(sql):
    def after(days: int) -> date:
        return CUTOFF + timedelta(days=days)

    given = pandas.DataFrame(
        {
            "customer_id": range(len(CUSTOMERS)),
            "cutoff_date": CUTOFF,
            "last_activity_at": [after(-away) for away, *_ in CUSTOMERS],
        }
    )
    daily = pandas.DataFrame(
        [
            (number, after(day), is_active, None if is_active else pandas.Timestamp(after(day)))
            for number, (_, visits, cancels, *_) in enumerate(CUSTOMERS)
            for days, is_active in ((visits, True), (cancels, False))
            for day in days
        ],
        columns=["customer_id", "activity_date", "is_active", "last_cancelled_at"],
    ).assign(last_paused_at=pandas.NaT, last_resumed_at=pandas.NaT, purchase_amount=0.0)
    with duckdb.connect() as connection:
        connection.register("daily", daily)
        connection.register("customers", given)
        connection.execute("create table cutoffs as select distinct cutoff_date from customers")
        found = connection.execute(f"select has_churned, churn_day from ({sql})").fetchall()
    assert found == [one[-2:] for one in CUSTOMERS]


def test_bands_are_weighted_and_a_label_without_days_has_none():
    rows = pandas.DataFrame(
        {
            "days_since_last_activity": [3, 3, 3, 22, 40],
            "has_churned": [1, 1, 0, 1, 1],
            "churn_day": [2, 25, None, 6, 0],
            "snapshot_weight": [1.0, 3.0, 1.0, 1.0, 1.0],
        }
    )
    bands = timing_bands(rows, 28)
    assert bands == [
        {"from": 0, "to": 14, "n": 2, "within_7": 0.25, "within_14": 0.25},
        {"from": 14, "to": 21, "n": 0, "within_7": None, "within_14": None},
        {"from": 21, "to": 28, "n": 1, "within_7": 1.0, "within_14": 1.0},
        {"from": 28, "to": None, "n": 1, "within_7": 1.0, "within_14": 1.0},
    ]
    tested = compared_timing(bands, rows, numpy.full(5, 0.5), 28)
    assert [one["days"] for one in tested] == [7, 14, 28]
    assert tested[0] == pytest.approx({"days": 7, "expected": 0.5 * (5 * 0.25 + 2), "observed": 3})
    assert tested[2] == pytest.approx({"days": 28, "expected": 3.5, "observed": 6})
    assert timing_bands(rows.assign(churn_day=None), 28) == []
    assert timing_bands(rows.drop(columns="churn_day"), 28) == []

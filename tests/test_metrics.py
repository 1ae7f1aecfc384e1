"""CHURN_METRICS_LIVE against an independent recomputation in pandas, after all kinds of trouble."""

import math
import random
from datetime import datetime, timedelta
from itertools import pairwise

import pandas
import pytest

from tests.conftest import EPOCH, event

CATEGORIES = {
    "purchase": "purchase",
    "chargeback": "refund",
    "ticket_opened": "friction",
    "payment_failed": "friction",
    "campaign_received": "marketing",
    "profile_updated": "profile",
    "subscription_cancelled": "cancellation",
    "login": "activity",
    "something_new": "activity",
}


def recomputed(raw: pandas.DataFrame) -> dict[str, dict]:
    """What the metrics must be, from the raw rows alone; shares nothing with the models."""
    identity = ["event_id", "customer_id", "event_type"]
    first = raw.sort_values(["loaded_at", "kafka_offset"]).drop_duplicates(identity)
    result = {}
    for customer, events in first.groupby("customer_id"):
        events = events.assign(
            category=events.event_type.map(CATEGORIES), day=events.occurred_at.dt.normalize()
        )
        events.loc[(events.category == "purchase") & (events.amount < 0), "category"] = "refund"
        signs = events.category.map({"purchase": 1, "refund": -1}).fillna(0)
        events["spent"] = events.amount.abs() * signs
        active = events[events.category.isin(["activity", "purchase"])]
        days = sorted(active.day.unique())
        last = days[-1] if days else None
        recent = [day for day in days if day > last - timedelta(days=84)]
        cancelled = events[events.category == "cancellation"].occurred_at
        has_returned = days and len(cancelled) and last > cancelled.max().normalize()
        row = {
            "first_seen_at": events.occurred_at.min(),
            "last_activity_at": active.occurred_at.max() if days else None,
            "cancelled_at": None if has_returned else cancelled.max(),
            "qualifying_active_date": recent[-3] if len(recent) >= 3 else None,
            "active_days_total": len(days),
            "events_total": len(events),
            "purchase_amount_total": max(events.spent.sum(), 0),
        }
        for window in (7, 28, 84):
            inside = spending = events.iloc[:0]
            if last is not None:
                start = last - timedelta(days=window)
                spending = events[events.day > start]
                inside = spending[spending.day <= last]
            row[f"active_days_{window}d"] = inside[
                inside.category.isin(["activity", "purchase"])
            ].day.nunique()
            for category in ("activity", "purchase", "friction", "marketing"):
                row[f"{category}_count_{window}d"] = (inside.category == category).sum()
            row[f"purchase_amount_{window}d"] = max(spending.spent.sum(), 0)
        gaps = pandas.Series([(later - day).days for day, later in pairwise(days)], dtype=float)
        row |= {
            "gap_days_mean": gaps.mean(),
            "gap_days_max": gaps.max(),
            "gap_days_stddev": gaps.std(),
        }
        for category in ("friction", "marketing"):
            row[f"{category}_count_since_last_activity"] = (
                ((events.category == category) & (events.day > last)).sum() if days else 0
            )
        for name, (short, long) in {
            "active_days_trend_7d_28d": (7, 28),
            "active_days_trend_28d_84d": (28, 84),
        }.items():
            a, b = row[f"active_days_{short}d"] / short, row[f"active_days_{long}d"] / long
            row[name] = a / b if b else 1.0
        spend = row["purchase_amount_84d"] / 84
        row["purchase_amount_trend_28d_84d"] = (
            row["purchase_amount_28d"] / 28 / spend if spend else 1
        )
        result[customer] = row
    return result


def assert_metrics_are_right(pipeline) -> None:
    raw = pipeline.frame("select * from churn_scores_raw")
    raw["amount"] = raw.amount.fillna(0.0).astype(float)
    expected = recomputed(raw)
    live = pipeline.frame("select * from churn_metrics_live").set_index("customer_id")
    assert set(live.index) == set(expected)
    for customer, row in expected.items():
        for column, value in row.items():
            actual = live.loc[customer, column]
            if pandas.isna(value):
                assert pandas.isna(actual), (customer, column, actual)
            elif isinstance(value, (int, float)):
                assert actual == pytest.approx(value, abs=1e-4), (customer, column)
            else:
                assert actual == value, (customer, column)


def history(seed: int, customers: int = 12, count: int = 400) -> list[dict]:
    chance = random.Random(seed)
    return [
        event(
            f"{seed}-{number}",
            f"{seed}-c{chance.randrange(customers)}",
            chance.choice(list(CATEGORIES)),
            EPOCH - timedelta(days=chance.expovariate(1 / 60), seconds=chance.randrange(86_400)),
            amount=round(chance.uniform(-20, 100), 2) if chance.random() < 0.6 else None,
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_metrics_equal_a_recomputation_after_late_duplicate_and_reordered_events(
    shared_pipeline, seed
):
    chance, events = random.Random(seed), history(seed)
    chance.shuffle(events)
    sent = []
    while events:
        size = chance.randrange(1, 150)
        batch, events = events[:size], events[size:]
        again = chance.sample(sent, min(len(sent), 10))
        changed = [{**one, "amount": 999.0, "customer_id": f"{seed}-c0"} for one in again[:5]]
        shared_pipeline.add(*batch, *again, *changed)
        sent += batch
        shared_pipeline.refresh()
        assert_metrics_are_right(shared_pipeline)


def test_deleted_events_leave_the_metrics(shared_pipeline):
    shared_pipeline.add(*history(4, customers=3, count=30))
    shared_pipeline.refresh()
    shared_pipeline.connection.execute(
        "delete from churn_scores_raw where customer_id = '4-c0' or event_id = 'e4-1'"
    )
    shared_pipeline.refresh()
    assert_metrics_are_right(shared_pipeline)
    assert (
        shared_pipeline.one("select count(*) from churn_metrics_live where customer_id = '4-c0'")
        == 0
    )


def test_the_same_events_again_change_no_row(shared_pipeline):
    events = history(5)
    shared_pipeline.add(*events)
    shared_pipeline.refresh()
    before = shared_pipeline.rows("from churn_metrics_live order by customer_id")
    shared_pipeline.add(*events)
    done = shared_pipeline.refresh()
    assert sum(one.changed_rows + one.removed_rows for one in done) == 0
    shared_pipeline.add(*[{**one, "occurred_at": EPOCH + timedelta(days=9)} for one in events])
    shared_pipeline.refresh()  # which notes of each event that a copy differs
    assert shared_pipeline.rows("from churn_metrics_live order by customer_id") == before
    assert shared_pipeline.one(
        "select count(*) from customer_events where has_differing_copies and event_id like 'e5-%'"
    ) == len(events)


def test_one_customers_events_change_exactly_that_customers_row(shared_pipeline):
    shared_pipeline.add(*history(6))
    shared_pipeline.refresh()
    before = shared_pipeline.rows("from churn_metrics_live order by customer_id")
    shared_pipeline.add(event("6-new", "6-c1", "login", datetime(2026, 1, 2, 3, 4, 5)))
    done = {one.name: one.changed_rows for one in shared_pipeline.refresh()}
    after = shared_pipeline.rows("from churn_metrics_live order by customer_id")
    changed = {row[0] for row in set(before) ^ set(after)}
    assert changed == {"6-c1"}
    assert done["churn_metrics_live"] == 1
    assert shared_pipeline.refresh() == []


@pytest.mark.parametrize("amount", [4e38, 1.7e308, math.inf, -math.inf, math.nan, 1e9 + 1])
def test_an_amount_beyond_the_contract_counts_as_none(shared_pipeline, amount):
    customer = f"7-{amount}"
    shared_pipeline.add(
        event(f"{customer}-1", customer, "purchase", EPOCH, amount=amount),
        event(f"{customer}-2", customer, "purchase", EPOCH, amount=amount),
        event(f"{customer}-3", customer, "purchase", EPOCH, amount=12.5),
        event(f"{customer}-4", customer, "refund", EPOCH, amount=amount),
    )
    shared_pipeline.refresh()
    assert shared_pipeline.rows(
        "select purchase_count_28d, purchase_amount_28d, purchase_amount_total"
        " from churn_metrics_live where customer_id = ?",
        customer,
    ) == [(1 if amount < 0 else 3, 12.5, 12.5)]


def test_what_was_given_back_lowers_the_spend_never_below_zero(shared_pipeline):
    day = timedelta(days=1)
    shared_pipeline.add(
        event("8-1", "8-part", "purchase", EPOCH, amount=50.0),
        event("8-2", "8-part", "purchase", EPOCH + day, amount=-20.0),  # a refund after the visit
        event("8-3", "8-part", "chargeback", EPOCH + 2 * day, amount=5.0),
        event("8-4", "8-all", "purchase", EPOCH - 60 * day, amount=80.0),
        event("8-5", "8-all", "login", EPOCH),
        event("8-6", "8-all", "refund", EPOCH, amount=-80.0),
    )
    shared_pipeline.refresh()
    columns = "purchase_count_28d, purchase_amount_28d, purchase_amount_84d, purchase_amount_total"
    live = "from churn_metrics_live where customer_id = ?"
    assert shared_pipeline.rows(f"select {columns}, active_days_28d {live}", "8-part") == [
        (1, 25.0, 25.0, 25.0, 1)
    ]
    assert shared_pipeline.rows(f"select {columns} {live}", "8-all") == [(0, 0.0, 0.0, 0.0)]


@pytest.mark.parametrize("hours", [3, 20])
def test_an_event_of_a_clock_that_is_ahead_happens_when_it_arrives(shared_pipeline, hours):
    customer = f"9-{hours}"
    shared_pipeline.add(event(customer, customer, "login", EPOCH))
    ahead = EPOCH + timedelta(hours=hours)
    shared_pipeline.connection.execute(
        "update churn_scores_raw set occurred_at = ? where customer_id = ?", [ahead, customer]
    )
    shared_pipeline.refresh()
    assert (
        shared_pipeline.one(
            "select last_activity_at from churn_metrics_live where customer_id = ?", customer
        )
        == EPOCH
    )

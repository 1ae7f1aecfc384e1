"""Who cancels and comes back is a customer again: live, and at every cut-off of training."""

import random
from datetime import date, datetime, time, timedelta

import pytest

from tests.conftest import EPOCH, event
from tests.dbt import run_dbt

CUSTOMERS, DAYS, WINDOW, LEAST_DAYS = 60, 260, 84, 3


def history(seed: int) -> list[dict]:
    """Visits and cancellations at random moments; some of a day have both, in either order."""
    chance, events = random.Random(seed), []
    for customer in range(CUSTOMERS):
        visits, leaving = chance.choice([0.03, 0.1, 0.3]), chance.choice([0.0, 0.005, 0.02])
        for day in range(DAYS):
            for kind, share in (("login", visits), ("subscription_cancelled", leaving)):
                if chance.random() < share:
                    at = EPOCH + timedelta(days=day, seconds=chance.randrange(86_400))
                    events.append(event(f"{customer}-{day}-{kind}", f"c{customer}", kind, at))
    end = EPOCH + timedelta(days=DAYS)
    return [*events, event("end", "clock", "login", end)]


def known(events: list[dict], until: date) -> dict[str, tuple[list[date], list[datetime]]]:
    """Return each customer's active days and cancellations up to the end of a day."""
    found = {}
    for one in sorted(events, key=lambda one: one["occurred_at"]):
        if one["occurred_at"].date() <= until:
            active, cancelled = found.setdefault(one["customer_id"], ([], []))
            if one["event_type"] == "subscription_cancelled":
                cancelled.append(one["occurred_at"])
            elif one["occurred_at"].date() not in active:
                active.append(one["occurred_at"].date())
    return found


def cancelled_at(active: list[date], cancelled: list[datetime]) -> datetime | None:
    """Return the last cancellation, unless a day with a visit follows its day."""
    if cancelled and not any(day > cancelled[-1].date() for day in active):
        return cancelled[-1]
    return None


def population(events: list[dict], until: date) -> set[str]:
    return {
        customer
        for customer, (active, cancelled) in known(events, until).items()
        if cancelled_at(active, cancelled) is None
        and sum(day > until - timedelta(days=WINDOW) for day in active) >= LEAST_DAYS
    }


@pytest.mark.parametrize("seed", [1])
def test_a_cancellation_counts_until_the_customer_is_active_on_a_later_day(empty_pipeline, seed):
    events = history(seed)
    late = random.Random(seed).sample(events, len(events) // 5)
    empty_pipeline.add(*[one for one in events if one not in late])
    empty_pipeline.refresh()
    empty_pipeline.add(*late)
    empty_pipeline.refresh()
    everything = known(events, date.max)
    expected = {one: cancelled_at(*seen) for one, seen in everything.items()}
    found = dict(empty_pipeline.rows("select customer_id, cancelled_at from churn_metrics_live"))
    assert found == expected
    returned = [
        one for one, (_, cancelled) in everything.items() if cancelled and not expected[one]
    ]
    assert len(returned) > 10
    run_dbt("run", "-q", "-s", "training_cutoffs", "training_snapshots")
    rows = empty_pipeline.rows("select cutoff_date, customer_id from training_snapshots")
    cutoffs = empty_pipeline.rows("select cutoff_date from training_cutoffs")
    for (cutoff,) in cutoffs:
        there = {customer for day, customer in rows if day == cutoff}
        assert there == population(events, cutoff)
        assert there & set(returned)


def test_an_event_of_the_cancellations_own_day_is_no_return(empty_pipeline):
    noon = datetime.combine(EPOCH.date(), time(12))
    hour, day = timedelta(hours=1), timedelta(days=1)
    for customer, visit in (("same", noon + hour), ("next", noon + day), ("before", noon - day)):
        empty_pipeline.add(
            event(f"{customer}-1", customer, "subscription_cancelled", noon),
            event(f"{customer}-2", customer, "login", visit),
        )
    empty_pipeline.add(event("only", "only", "account_closed", noon))
    empty_pipeline.refresh()
    live = "select customer_id, cancelled_at from churn_metrics_live"
    left = {"same": noon, "next": None, "before": noon, "only": noon}
    assert dict(empty_pipeline.rows(live)) == left

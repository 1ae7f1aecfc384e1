"""Who is too new to be scored is told what became of others who were as new."""

import random
from datetime import date, timedelta

import duckdb
import pandas
import pytest

from benchmarks.simulations.new_customers import SHARES, errors
from benchmarks.simulations.rendered import rendered
from tests.conftest import EPOCH, event
from tests.dbt import run_dbt

CUSTOMERS, DAYS, WINDOW, LEAST_DAYS, HORIZON = 150, 260, 84, 3, 28
SEGMENTS = ("budget", "premium", None)


@pytest.fixture(scope="module")
def sql() -> str:
    return rendered(SHARES)


def shares(sql: str, *outcomes: tuple[str, int, float]) -> dict[str | None, tuple[int, float]]:
    rows = pandas.DataFrame(outcomes, columns=["segment", "has_churned", "weight"])
    rows = rows.astype({"segment": "string", "has_churned": "int64", "weight": "float64"})
    with duckdb.connect() as connection:
        connection.register("outcomes", rows)
        return {segment: (n, share) for segment, n, share in connection.execute(sql).fetchall()}


def test_a_shrunken_share_is_nearer_to_the_truth_than_both_that_it_is_made_of(sql):
    alike, differing = (errors(spread, 40, 1, sql) for spread in (0.0, 0.15))
    assert alike["shrunken"] < alike["own"] / 2
    assert differing["shrunken"] < differing[["own", "everybody's"]].min()


def test_few_outcomes_and_none_have_figures_too(sql):
    assert shares(sql) == {None: (0, None)}
    assert shares(sql, ("a", 1, 1.0)) == {"a": (1, 1.0), None: (1, 1.0)}
    only_treated = ("b", 1, 0.0)
    assert shares(sql, ("a", 0, 1.0), only_treated) == {"a": (1, 0.0), None: (1, 0.0)}
    # The held out stand for others.
    assert shares(sql, ("a", 0, 1.0), ("a", 1, 3.0)) == {"a": (2, 0.75), None: (2, 0.75)}


def history(seed: int) -> list[dict]:
    """Customers of three segments, who begin at different days; some cancel and return."""
    chance, events = random.Random(seed), [event("end", "clock", "login", day(DAYS))]
    for number in range(CUSTOMERS):
        first, customer = chance.randrange(DAYS), f"c{number}"
        profile = {"segment": SEGMENTS[number % 3]}
        events.append(
            event(f"{number}-p", customer, "profile_updated", day(first), properties=profile)
        )
        for at in range(first, DAYS):
            for kind, share in (("login", 0.02), ("subscription_cancelled", 0.003)):
                if chance.random() < share:
                    events.append(event(f"{number}-{at}-{kind}", customer, kind, day(at)))
    return events


def day(number: int):
    return EPOCH + timedelta(days=number, hours=12)


def is_cancelled(days: pandas.DataFrame) -> bool:
    """Whether the last cancellation is followed by no day with a visit."""
    gone = days.loc[days["event_type"] == "subscription_cancelled", "day"]
    active = days.loc[days["event_type"] == "login", "day"]
    return bool(len(gone)) and not (active > gone.max()).any()


def outcomes(events: list[dict], cutoff: date) -> list[tuple[str, int]]:
    """Return segment and outcome of each customer who was too new at a cut-off."""
    end, found = cutoff + timedelta(days=HORIZON), []
    frame = pandas.DataFrame(events)
    for customer, rows in frame.groupby("customer_id"):
        days = rows.assign(day=[at.date() for at in rows["occurred_at"]])
        known = days[days["day"] <= cutoff]
        active = known.loc[known["event_type"] == "login", "day"]
        is_new = len(known) and known["day"].min() > cutoff - timedelta(days=WINDOW)
        if not is_new or is_cancelled(known) or not 1 <= active.nunique() < LEAST_DAYS:
            continue
        until = days[days["day"] <= end]
        came = "login" in set(until.loc[until["day"] > cutoff, "event_type"])
        has_churned = not came or is_cancelled(until)
        segment = SEGMENTS[int(customer[1:]) % 3] if customer != "clock" else None
        found.append((segment or "unknown", int(has_churned), 1.0))
    return found


def test_shares_are_those_of_closed_windows_of_customers_who_were_as_new(empty_pipeline, sql):
    events = history(seed=1)
    empty_pipeline.add(*events)
    empty_pipeline.refresh()
    run_dbt("run", "-q", "-s", "training_cutoffs", "new_customer_shares")
    first = min(one["occurred_at"] for one in events).date()
    cutoffs = [one for (one,) in empty_pipeline.rows("from training_cutoffs")]
    assert max(cutoffs) + timedelta(days=HORIZON) < day(DAYS).date()
    since = first + timedelta(days=WINDOW)
    expected = [one for cutoff in cutoffs if cutoff >= since for one in outcomes(events, cutoff)]
    found = empty_pipeline.rows("select segment, n, share from new_customer_shares")
    wanted = shares(sql, *expected)
    assert {segment: n for segment, n, _ in found} == {one: n for one, (n, _) in wanted.items()}
    assert {one: share for one, _, share in found} == pytest.approx(
        {one: share for one, (_, share) in wanted.items()}
    )
    assert min(n for n, _ in wanted.values()) > 10

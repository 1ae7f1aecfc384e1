"""Cancellations, pauses, returns and what a system does: live, at cut-offs, and in labels."""

import random
from datetime import date, datetime, timedelta
from itertools import groupby

import pandas
import pytest

from tests.conftest import EPOCH, event
from tests.dbt import render, run_dbt

CUSTOMERS, DAYS, WINDOW, LEAST_DAYS, HORIZON = 60, 230, 84, 3, 28
KINDS = {
    "login": ("login", "purchase"),
    "cancelled": ("subscription_cancelled", "account_closed"),
    "paused": ("subscription_paused",),
    "resumed": ("subscription_resumed", "subscription_reactivated"),
    "service": ("invoice_issued", "email_bounced", "order_delivered", "unsubscribed"),
}
MEANING = {name: kind for kind, names in KINDS.items() for name in names}
SNAPSHOT = "select * from training_snapshots order by cutoff_date, customer_id"


def history(seed: int) -> list[dict]:
    """Visits and moves at random moments; some days have several, in any order."""
    chance, events = random.Random(seed), []
    for customer in range(CUSTOMERS):
        rates = {
            "login": chance.choice([0.04, 0.1, 0.3]),
            "cancelled": chance.choice([0.0, 0.004, 0.02]),
            "paused": chance.choice([0.0, 0.01, 0.03]),
            "resumed": chance.choice([0.0, 0.01, 0.03]),
        }
        for day in range(DAYS):
            for kind, rate in rates.items():
                if chance.random() < rate:
                    at = EPOCH + timedelta(days=day, seconds=chance.randrange(86_400))
                    name = chance.choice(KINDS[kind])
                    events.append(event(f"{customer}-{day}-{kind}", f"c{customer}", name, at))
    return [*events, event("end", "clock", "login", EPOCH + timedelta(days=DAYS))]


class Life:
    """What is known of one customer up to the end of a day; shares nothing with the models."""

    def __init__(self, events: list[dict], until: date) -> None:
        known = [one for one in events if one["occurred_at"].date() <= until]
        moments = {
            kind: sorted(one["occurred_at"] for one in known if MEANING[one["event_type"]] == kind)
            for kind in KINDS
        }
        self.active = sorted({at.date() for at in moments["login"] + moments["resumed"]})
        self._moments, self._resumed = moments, moments["resumed"]

    def stands(self, moment: datetime) -> bool:
        """Whether the customer has not come back since."""
        return not any(day > moment.date() for day in self.active) and not any(
            at > moment for at in self._resumed
        )

    def since(self, kind: str) -> datetime | None:
        """The last cancellation or pause, if it stands."""
        last = self._moments[kind][-1:]
        return last[0] if last and self.stands(last[0]) else None

    def is_scored(self, until: date) -> bool:
        recent = [day for day in self.active if day > until - timedelta(days=WINDOW)]
        has_gone = self.since("cancelled") or self.since("paused")
        return len(recent) >= LEAST_DAYS and not has_gone

    def outcome(self, cutoff: date, away: int) -> tuple[int, int | None]:
        """Return has_churned and churn_day after a cut-off, of a life up to its horizon."""
        came = any(day > cutoff for day in self.active)
        cancelled = self.since("cancelled")
        if not cancelled and (came or self.since("paused")):
            return 0, None
        day = max(HORIZON - away, 0) if not came else HORIZON
        if cancelled:
            inside = [at for at in self._moments["cancelled"] if at.date() > cutoff]
            first = inside[0] if self.stands(inside[0]) else inside[-1]
            day = min(day, (first.date() - cutoff).days)
        return 1, day


def by_customer(events: list[dict]) -> dict[str, list[dict]]:
    def customer(one: dict) -> str:
        return one["customer_id"]

    return {one: list(found) for one, found in groupby(sorted(events, key=customer), key=customer)}


def snapshots(pipeline) -> pandas.DataFrame:
    run_dbt("run", "-q", "-s", "training_cutoffs", "training_snapshots")
    return pipeline.frame(SNAPSHOT)


def loaded(pipeline, events: list[dict]) -> None:
    """Load in two parts, the second one late."""
    late = random.Random(1).sample(events, len(events) // 5)
    for part in ([one for one in events if one not in late], late):
        pipeline.add(*part)
        pipeline.refresh()


def found_at(rows: pandas.DataFrame) -> dict[tuple[date, str], tuple[int, int | None]]:
    return {
        (one.cutoff_date.date(), one.customer_id): (
            one.has_churned, None if pandas.isna(one.churn_day) else int(one.churn_day),
        )
        for one in rows.itertuples()
    }  # fmt: skip


@pytest.mark.parametrize("seed", [1])
def test_lives_are_those_of_a_recomputation_at_every_cutoff(empty_pipeline, seed):
    events = history(seed)
    loaded(empty_pipeline, events)
    customers = by_customer(events)
    lives = {one: Life(known, date.max) for one, known in customers.items()}
    live = "select customer_id, cancelled_at, paused_at from churn_metrics_live"
    assert {one: moments for one, *moments in empty_pipeline.rows(live)} == {
        one: [life.since("cancelled"), life.since("paused")] for one, life in lives.items()
    }
    expected, kinds = {}, set()
    found = found_at(snapshots(empty_pipeline))
    for (cutoff,) in empty_pipeline.rows("select cutoff_date from training_cutoffs"):
        for one, known in customers.items():
            life = Life(known, cutoff)
            until = Life(known, cutoff + timedelta(days=HORIZON))
            if life.is_scored(cutoff):
                away = (cutoff - life.active[-1]).days
                expected[cutoff, one] = until.outcome(cutoff, away)
                is_back = bool(life._moments["cancelled"])
                kinds.add((is_back, bool(until.since("paused")), expected[cutoff, one][0]))
    assert found == expected
    # Somebody who came back, and somebody who pauses at the end of the horizon, of either outcome.
    assert len(kinds) >= 6


def test_what_happens_later_is_not_known_before(empty_pipeline):
    events = history(seed=2)
    loaded(empty_pipeline, events)
    before = snapshots(empty_pipeline)
    cutoff = sorted(before["cutoff_date"].unique())[-2]
    last = cutoff.to_pydatetime() + timedelta(days=HORIZON, hours=21)
    moves = ("subscription_cancelled", "subscription_resumed", "subscription_paused")
    empty_pipeline.add(
        *(
            event(f"later-{number}-{move}", f"c{number}", move, last + timedelta(hours=place))
            for number in range(CUSTOMERS)
            for place, move in enumerate(moves[number % 3 :])
        )
    )
    empty_pipeline.refresh()
    after = snapshots(empty_pipeline)
    earlier = [rows[rows["cutoff_date"] < cutoff] for rows in (before, after)]
    pandas.testing.assert_frame_equal(*(rows.reset_index(drop=True) for rows in earlier))
    # At the cut-off itself the same customers are there, with the same features; labels may differ.
    then = [
        rows[rows["cutoff_date"] == cutoff].set_index("customer_id") for rows in (before, after)
    ]
    labels = ["has_churned", "churn_day", "spend_after"]
    pandas.testing.assert_frame_equal(*(rows.drop(columns=labels) for rows in then))
    assert (then[0]["has_churned"] != then[1]["has_churned"]).any()


def test_who_is_scored_live_is_who_training_sees_at_the_cutoff(empty_pipeline):
    loaded(empty_pipeline, history(seed=3))
    rows = snapshots(empty_pipeline)
    cutoff = rows["cutoff_date"].max().to_pydatetime()
    trained = rows[rows["cutoff_date"] == cutoff].set_index("customer_id").sort_index()
    empty_pipeline.connection.execute(
        "delete from churn_scores_raw where occurred_at >= ?", [cutoff + timedelta(days=1)]
    )
    empty_pipeline.refresh()
    as_of_date = f"\"date '{cutoff:%Y-%m-%d}'\""
    query = render(
        "select customer_id, {{ feature_columns('features') }} from ("
        "{{ with_clock_features(ref('churn_metrics_live'), " + as_of_date + ") }}"
        ") as features where {{ in_population(" + as_of_date + ") }}"
    )
    serving = empty_pipeline.frame(query[query.index("select") :]).set_index("customer_id")
    pandas.testing.assert_frame_equal(trained[list(serving.columns)], serving.sort_index())
    left = empty_pipeline.one(
        "select count(*) from churn_metrics_live where paused_at is not null or cancelled_at is"
        " not null"
    )
    assert len(serving) + left <= CUSTOMERS + 1
    assert left > 10


def test_what_a_system_does_changes_no_figure(empty_pipeline):
    """Invoices and deliveries of everybody, on days of their own, before the first visit and on."""
    events = history(seed=4)
    loaded(empty_pipeline, events)
    tables = ("customer_activity_daily", "churn_metrics_live", "training_cutoffs")
    before = {one: empty_pipeline.rows(f"from {one} order by all") for one in tables}
    chance = random.Random(4)
    empty_pipeline.add(
        *(
            event(f"{name}-{number}-{day}", f"c{number}", name, at, amount=20.0)
            for number in range(CUSTOMERS)
            for day in (-40, 3, DAYS - 1, DAYS + 60)
            for name in KINDS["service"]
            for at in [EPOCH + timedelta(days=day, seconds=chance.randrange(86_400))]
        )
    )
    empty_pipeline.refresh()
    assert {one: empty_pipeline.rows(f"from {one} order by all") for one in tables} == before
    count = "select count(*) from customer_events where category in ('service', 'unsubscription')"
    assert empty_pipeline.one(count) == CUSTOMERS * 4 * 4
    # Whoever unsubscribes is written to no more, until they agree again.
    profiles = "select count(*), max(has_marketing_consent) from customer_profiles"
    assert empty_pipeline.rows(profiles) == [(CUSTOMERS, False)]


def test_unsubscribing_takes_the_consent_back_and_nothing_else(empty_pipeline):
    def at(day: int) -> datetime:
        return EPOCH + timedelta(days=day)

    profile = {"name": "Ada", "region": "north", "marketing_consent": True}
    again = {"marketing_consent": True}
    for customer, moves in {
        "stays": [],
        "gone": ["unsubscribed"],
        "back": ["unsubscribed", "profile_updated"],
        "bounced": ["email_bounced"],
    }.items():
        empty_pipeline.add(
            event(customer, customer, "profile_updated", at(0), properties=profile),
            *(
                event(
                    f"{customer}-{day}", customer, name, at(day),
                    properties=again if name == "profile_updated" else {"name": "Eve"},
                )
                for day, name in enumerate(moves, start=1)
            ),
        )  # fmt: skip
    empty_pipeline.refresh()
    query = "select customer_id, has_marketing_consent, name, region from customer_profiles"
    consents = {"stays": True, "gone": False, "back": True, "bounced": True}
    assert sorted(empty_pipeline.rows(query)) == sorted(
        (one, has_consent, "Ada", "north") for one, has_consent in consents.items()
    )

"""How made-up subscribers behave: their habits, and what is left of them in a hidden state."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingest.leaving import State, habit, lapse_probability
from ingest.people import made_up_person

_SEGMENTS = {"budget": 9.0, "standard": 29.0, "premium": 79.0}  # typical monthly value
_CAMPAIGN_EVERY_DAYS = 14
_BILLING_EVERY_DAYS = 30
_DAYS_PER_MONTH = 30.4375
_AMOUNT_SPREAD = 0.5  # of the logarithm
_TICKETS_PER_DAY = 0.003

_FEATURES = ("reports", "search", "export", "sharing", "automation", "mobile")
_SUBJECTS = (
    "Export does not finish",
    "Charged twice this month",
    "Cannot sign in on the phone",
    "Reports load slowly",
    "How do I change my plan?",
    "Data missing after the update",
)
_FAILURES = ("card_expired", "insufficient_funds", "bank_declined")
_CANCELLATIONS = {
    "friction": "too_many_problems",
    "disengagement": "not_used",
    "spending": "too_expensive",
    "": "found_alternative",
}

_LAST_SECOND = 86_399.0
# What a subscriber does on a day: seconds after its start, event type, further fields.
Happening = tuple[float, str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One made-up subscriber; days are counted from the start of the simulation."""

    customer_id: str
    profile: dict[str, Any]
    joined: int
    visits: float  # per day, as usual
    purchases: float  # chance of one, per visit, as usual
    tickets: float  # per day, as usual
    restlessness: float  # 1: begins to leave as often as the average
    calendar: int  # day of the month on which the bill comes

    def visits_per_day(self, state: State) -> float:
        """Return the mean number of visits on a day that ends in a state."""
        return self.visits * habit(state).visits

    def lapse_probability(self, state: State, days: int) -> float:
        """Return the exact probability of a lapse in the days after one that ended in a state."""
        return lapse_probability(state, self.restlessness, self.visits_per_day, days)


def draw_subscriber(chance: random.Random, customer_id: str, days: int) -> Subscriber:
    """Draw one subscriber of a simulation of that many days; about 70 % are there at the start."""
    joined = 0 if chance.random() < 0.7 else chance.randrange(max(1, days * 6 // 10))
    segment = chance.choices(tuple(_SEGMENTS), (5, 4, 1))[0]
    monthly_value = round(_SEGMENTS[segment] * chance.uniform(0.8, 1.5), 2)
    profile = made_up_person(chance, customer_id, segment) | {"monthly_value": monthly_value}
    return Subscriber(
        customer_id=customer_id,
        profile=profile,
        joined=joined,
        visits=min(3.0, chance.lognormvariate(-0.8, 0.7)),
        purchases=chance.uniform(0.2, 0.6),
        tickets=_TICKETS_PER_DAY * chance.lognormvariate(-0.18, 0.6),  # mean 1
        restlessness=chance.lognormvariate(-0.125, 0.5),  # mean 1
        calendar=chance.randrange(_BILLING_EVERY_DAYS),
    )


def day_of(
    subscriber: Subscriber, day: int, before: State, state: State, chance: random.Random
) -> Iterator[Happening]:
    """Yield what a subscriber does on a day that began in one state and ended in another.

    In no order of time. On the day of a cancellation the old habits still hold.
    """
    if day == subscriber.joined:
        yield 0.0, "profile_updated", {"properties": subscriber.profile}
    if before.name == "cancelled":
        return
    is_cancelling = state.name == "cancelled"
    shown = before if is_cancelling else state
    if day % _CAMPAIGN_EVERY_DAYS == subscriber.calendar % _CAMPAIGN_EVERY_DAYS:
        yield from _marketing(subscriber, day, shown, chance)
    if state.name == "silent":
        return
    yield from _visits(subscriber, shown, chance)
    yield from _troubles(subscriber, day, shown, chance)
    if is_cancelling:
        reason = _CANCELLATIONS[state.cause]
        yield _LAST_SECOND, "subscription_cancelled", {"properties": {"reason": reason}}


def _visits(subscriber: Subscriber, state: State, chance: random.Random) -> Iterator[Happening]:
    buys = subscriber.purchases * habit(state).purchases
    for _ in range(_poisson(subscriber.visits_per_day(state), chance)):
        # Up to the last second: data that ends an hour ago looks like a loader that has stopped.
        at = chance.uniform(1, _LAST_SECOND)
        device = "mobile" if chance.random() < 0.4 else "web"
        yield at, "login", {"properties": {"device": device}}
        for step in range(_poisson(1.5, chance)):
            feature = chance.choice(_FEATURES)
            yield (
                min(at + 60 + 120 * step, _LAST_SECOND),
                "feature_used",
                {"properties": {"feature": feature}},
            )
        if chance.random() < buys:
            yield min(at + 900, _LAST_SECOND), "purchase", {"amount": _amount(subscriber, chance)}


def _amount(subscriber: Subscriber, chance: random.Random) -> float:
    """Draw what one purchase costs: over a usual month they come to the monthly value."""
    usual = subscriber.profile["monthly_value"] / (
        subscriber.visits * subscriber.purchases * _DAYS_PER_MONTH
    )
    spread = chance.lognormvariate(-(_AMOUNT_SPREAD**2) / 2, _AMOUNT_SPREAD)
    return max(0.01, round(usual * spread, 2))


def _troubles(
    subscriber: Subscriber, day: int, state: State, chance: random.Random
) -> Iterator[Happening]:
    if chance.random() < subscriber.tickets * habit(state).tickets:
        subject = chance.choice(_SUBJECTS)
        yield chance.uniform(1, 86_000), "ticket_opened", {"properties": {"subject": subject}}
    is_billed = day % _BILLING_EVERY_DAYS == subscriber.calendar
    if is_billed and chance.random() < habit(state).failed_bill:
        facts = {"properties": {"reason": chance.choice(_FAILURES)}}
        yield 3_600.0, "payment_failed", {"amount": subscriber.profile["monthly_value"], **facts}


def _marketing(
    subscriber: Subscriber, day: int, state: State, chance: random.Random
) -> Iterator[Happening]:
    if not subscriber.profile["marketing_consent"]:
        return
    facts = {"properties": {"campaign_id": f"C{day // _CAMPAIGN_EVERY_DAYS:03d}"}}
    yield 32_400.0, "campaign_received", facts
    interest = habit(state).visits
    if chance.random() < 0.05 + 0.35 * interest:
        yield chance.uniform(32_500, 80_000), "email_opened", facts
        if chance.random() < 0.15 * interest:
            yield chance.uniform(80_000, 86_000), "coupon_redeemed", facts


def _poisson(mean: float, chance: random.Random) -> int:
    """Draw a small count: multiply uniform numbers until they fall under exp(-mean)."""
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count

"""How made-up subscribers behave: their habits, their troubles, and how some of them leave."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ingest.people import made_up_person

DAYS_TO_CHURN_MEAN = 420  # days a subscriber stays on average: about 6 % leave in 28 days
_SEGMENTS = {"budget": 9.0, "standard": 29.0, "premium": 79.0}  # typical monthly value
_CANCELLING_SHARE = 0.45  # of those who leave; the others just fall silent
_CAMPAIGN_EVERY_DAYS = 14
_BILLING_EVERY_DAYS = 30

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
_CANCELLATIONS = ("too_expensive", "missing_feature", "found_alternative", "not_used")

_LAST_SECOND = 86_399.0
# What a subscriber does on a day: seconds after its start, event type, further fields.
Happening = tuple[float, str, dict[str, Any]]


def draw_subscriber(chance: random.Random, customer_id: str, days: int) -> "Subscriber":
    """Draw one subscriber of a simulation of that many days; about 70 % are there at the start."""
    joined = 0 if chance.random() < 0.7 else chance.randrange(max(1, days * 6 // 10))
    segment = chance.choices(tuple(_SEGMENTS), (5, 4, 1))[0]
    monthly_value = round(_SEGMENTS[segment] * chance.uniform(0.8, 1.5), 2)
    profile = made_up_person(chance, customer_id, segment) | {"monthly_value": monthly_value}
    return Subscriber(
        customer_id=customer_id,
        profile=profile,
        joined=joined,
        leaves=joined + 21 + int(chance.expovariate(1 / DAYS_TO_CHURN_MEAN)),
        fading_days=chance.randint(14, 42),
        is_cancelling=chance.random() < _CANCELLING_SHARE,
        sessions=min(3.0, chance.lognormvariate(-0.9, 0.7)),
        calendar=chance.randrange(_BILLING_EVERY_DAYS),
        pause=joined + chance.randrange(400),
    )


def day_of(subscriber: "Subscriber", day: int, chance: random.Random) -> Iterator[Happening]:
    """Yield what a subscriber does on the day of that number, in no order of time."""
    if day < subscriber.joined or (subscriber.is_cancelling and day > subscriber.leaves):
        return
    if day == subscriber.joined:
        yield 0.0, "profile_updated", {"properties": subscriber.profile}
    fading = subscriber.fading(day)
    vigour = subscriber.vigour(day, fading)
    if day % _CAMPAIGN_EVERY_DAYS == subscriber.calendar % _CAMPAIGN_EVERY_DAYS:
        yield from _marketing(subscriber, day, vigour, chance)
    if day > subscriber.leaves:
        return
    yield from _sessions(subscriber, vigour, chance)
    yield from _troubles(subscriber, day, fading, chance)
    if day == subscriber.leaves and subscriber.is_cancelling:
        reason = chance.choice(_CANCELLATIONS)
        yield _LAST_SECOND, "subscription_cancelled", {"properties": {"reason": reason}}


def _sessions(
    subscriber: "Subscriber", vigour: float, chance: random.Random
) -> Iterator[Happening]:
    for _ in range(_poisson(subscriber.sessions * vigour, chance)):
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
        if chance.random() < 0.08:
            amount = round(
                subscriber.profile["monthly_value"] * chance.lognormvariate(-0.7, 0.5), 2
            )
            yield min(at + 900, _LAST_SECOND), "purchase", {"amount": amount}


def _troubles(
    subscriber: "Subscriber", day: int, fading: float, chance: random.Random
) -> Iterator[Happening]:
    if chance.random() < 0.004 + 0.05 * fading:
        subject = chance.choice(_SUBJECTS)
        yield chance.uniform(1, 86_000), "ticket_opened", {"properties": {"subject": subject}}
    if day % _BILLING_EVERY_DAYS == subscriber.calendar and chance.random() < 0.02 + 0.3 * fading:
        facts = {"properties": {"reason": chance.choice(_FAILURES)}}
        yield 3_600.0, "payment_failed", {"amount": subscriber.profile["monthly_value"], **facts}


def _marketing(
    subscriber: "Subscriber", day: int, vigour: float, chance: random.Random
) -> Iterator[Happening]:
    if not subscriber.profile["marketing_consent"]:
        return
    facts = {"properties": {"campaign_id": f"C{day // _CAMPAIGN_EVERY_DAYS:03d}"}}
    yield 32_400.0, "campaign_received", facts
    if chance.random() < 0.05 + 0.35 * vigour:
        yield chance.uniform(32_500, 80_000), "email_opened", facts
        if chance.random() < 0.15 * vigour:
            yield chance.uniform(80_000, 86_000), "coupon_redeemed", facts


def _poisson(mean: float, chance: random.Random) -> int:
    """Draw a small count: multiply uniform numbers until they fall under exp(-mean)."""
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One made-up subscriber; days are counted from the start of the simulation."""

    customer_id: str
    profile: dict[str, Any]
    joined: int
    leaves: int  # the day of the last sign of life, perhaps after the simulation
    fading_days: int  # how long before it activity thins out
    is_cancelling: bool
    sessions: float  # per day, in good times
    calendar: int  # day of the month on which the bill comes
    pause: int  # first of ten quiet days that mean nothing: a holiday

    def fading(self, day: int) -> float:
        """Return how far the leaving has gone: 0 long before, 1 on the last day."""
        return min(1.0, max(0.0, 1 - (self.leaves - day) / self.fading_days))

    def vigour(self, day: int, fading: float) -> float:
        """Return which part of the usual activity is left on a day, 0 to 1."""
        if day > self.leaves:
            return 0.0
        holiday = 0.15 if self.pause <= day < self.pause + 10 else 1.0
        return holiday * (1 - 0.9 * fading**1.5)

"""Simulate: the events of made-up subscribers, seeded, in the order of time, faults on request."""

import random
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from operator import itemgetter
from typing import Any

import msgspec

from ingest.subscribers import Subscriber, day_of, draw_subscriber

_DAY_SECONDS = 86_400
_LATE_BY = 200  # events that overtake one that is out of order


def simulate(customers: int, days: int, seed: int, end: datetime) -> Iterator[dict[str, Any]]:
    """Yield the events of that many subscribers over the days before `end`, ordered by time.

    Events are in the contract's form, ready for JSON. Equal arguments give equal events; another
    seed or end gives other event ids, another seed other customers.
    """
    chance = random.Random(seed)  # noqa: S311 - a simulation keeps no secrets
    start = end.astimezone(timezone.utc) - timedelta(days=days)
    run = f"sim-{seed}-{int(start.timestamp()):x}"
    subscribers = [
        draw_subscriber(chance, f"sim-{seed}-{number:06d}", days) for number in range(customers)
    ]
    count = 0
    for day in range(days):
        midnight = start.replace(tzinfo=None) + timedelta(days=day)
        for seconds, customer_id, event_type, facts in _happenings(subscribers, day, chance):
            moment = midnight + timedelta(seconds=int(seconds))
            yield {
                "event_id": f"{run}-{count:x}",
                "customer_id": customer_id,
                "event_type": event_type,
                "occurred_at": f"{moment.isoformat(timespec='seconds')}Z",
                **facts,
            }
            count += 1


def messages(
    events: Iterable[dict[str, Any]], faults: "Faults", seed: int
) -> Iterator[tuple[bytes, bytes]]:
    """Yield events as (key, message), some of them repeated, late or malformed as `faults` says."""
    chance = random.Random(seed + 1)  # noqa: S311 - a simulation keeps no secrets
    late: deque[tuple[int, tuple[bytes, bytes]]] = deque()
    for number, event in enumerate(events):
        while late and late[0][0] <= number:
            yield late.popleft()[1]
        text = _ENCODER.encode(event)
        if chance.random() < faults.malformed:
            text = _malformed(event, text, chance)
        message = event["customer_id"].encode(), text
        if chance.random() < faults.out_of_order:
            late.append((number + _LATE_BY, message))
            continue
        yield message
        if chance.random() < faults.duplicates:
            yield message
    yield from (message for _, message in late)


def _happenings(
    subscribers: list[Subscriber], day: int, chance: random.Random
) -> list[tuple[float, str, str, dict[str, Any]]]:
    drawn = [
        (seconds, subscriber.customer_id, event_type, facts)
        for subscriber in subscribers
        for seconds, event_type, facts in day_of(subscriber, day, chance)
    ]
    return sorted(drawn, key=itemgetter(0, 1, 2))


def _malformed(event: dict[str, Any], text: bytes, chance: random.Random) -> bytes:
    """Break a message in one of the ways in which producers do."""
    without_customer = {name: value for name, value in event.items() if name != "customer_id"}
    return chance.choice(
        (
            text[: len(text) // 2],
            text[:-1] + b"\xff}",
            _ENCODER.encode(event | {"amount": "12,40"}),
            _ENCODER.encode(event | {"occurred_at": "01/31/2026 12:00"}),
            _ENCODER.encode(without_customer),
        )
    )


@dataclass(frozen=True)
class Faults:
    """Shares of all events, 0 to 1, that are sent twice, late, or broken."""

    duplicates: float = 0.0
    out_of_order: float = 0.0
    malformed: float = 0.0


_ENCODER = msgspec.json.Encoder()

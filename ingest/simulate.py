"""Simulate: the events of made-up subscribers, seeded, in the order of time, faults on request."""

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from operator import itemgetter
from typing import Any

import msgspec

from ingest.leaving import STEADY, State, next_state
from ingest.subscribers import Happening, Subscriber, day_of, draw_subscriber

_LATE_BY = 200  # events that overtake one that is out of order


@dataclass(frozen=True, slots=True)
class Stay:
    """A time that a subscriber spent in one hidden state: how each of these UTC days ended."""

    subscriber: Subscriber
    state: State
    first: date
    last: date


def simulate(
    customers: int,
    days: int,
    seed: int,
    end: datetime,
    on_stay: Callable[[Stay], None] = lambda stay: None,
) -> Iterator[dict[str, Any]]:
    """Yield the events of that many subscribers over the UTC days up to `end`, ordered by time.

    Events are in the contract's form, ready for JSON. Equal arguments give equal events; another
    seed or end gives other event ids, another seed other customers. `on_stay` learns of every stay
    in a hidden state: when it is over, and at the end of those that last, as far as days are whole.
    """
    chance = random.Random(seed)  # noqa: S311 - a simulation keeps no secrets
    end = end.astimezone(timezone.utc)
    run = f"sim-{seed}-{int((end - timedelta(days=days)).timestamp()):x}"
    last_day = (end - timedelta(microseconds=1)).date()
    dates = [last_day - timedelta(days=back) for back in reversed(range(days))]
    lives = [
        _Life(draw_subscriber(chance, f"sim-{seed}-{number:06d}", days))
        for number in range(customers)
    ]
    count = 0
    for day, on in enumerate(dates):
        midnight = datetime.combine(on, time(), timezone.utc)
        drawn = [
            (seconds, life.subscriber.customer_id, event_type, facts)
            for life in lives
            for seconds, event_type, facts in life.live(day, dates, chance, on_stay)
        ]
        for seconds, customer_id, event_type, facts in sorted(drawn, key=itemgetter(0, 1, 2)):
            moment = midnight + timedelta(seconds=int(seconds))
            if moment >= end:
                break
            yield {
                "event_id": f"{run}-{count:x}",
                "customer_id": customer_id,
                "event_type": event_type,
                "occurred_at": f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}Z",
                **facts,
            }
            count += 1
    whole_days = days if end.timetz() == time(tzinfo=timezone.utc) else days - 1
    for life in lives:
        life.tell(whole_days, dates, on_stay)


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


@dataclass(slots=True)
class _Life:
    """A subscriber under way: the state that the last day ended in, and since which day."""

    subscriber: Subscriber
    state: State = STEADY
    since: int = 0

    def live(
        self, day: int, dates: list[date], chance: random.Random, on_stay: Callable[[Stay], None]
    ) -> Iterator[Happening]:
        """Live through one more day; yield what happens on it."""
        if day < self.subscriber.joined:
            return
        before = self.state
        if day == self.subscriber.joined:
            self.since = day
        elif before.name != "cancelled":
            after = next_state(before, self.subscriber.restlessness, chance)
            if after != before:
                self.tell(day, dates, on_stay)
                self.state, self.since = after, day
        yield from day_of(self.subscriber, day, before, self.state, chance)

    def tell(self, day: int, dates: list[date], on_stay: Callable[[Stay], None]) -> None:
        """Tell of the stay that lasted until the day before the one of that number, if any."""
        if self.subscriber.joined <= self.since < day:
            on_stay(Stay(self.subscriber, self.state, dates[self.since], dates[day - 1]))


@dataclass(frozen=True)
class Faults:
    """Shares of all events, 0 to 1, that are sent twice, late, or broken."""

    duplicates: float = 0.0
    out_of_order: float = 0.0
    malformed: float = 0.0


_ENCODER = msgspec.json.Encoder()

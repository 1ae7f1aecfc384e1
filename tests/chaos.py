"""Messages as real topics hold them: a calm history, and a seeded generator that bends some."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.fetched import Fetched

CUSTOMERS, EVENTS, BENT = 200, 5_000, 500
# Only these customers' messages are bent: whoever has a higher number must not notice.
TOUCHED = 60
_TYPES = ("login", "login", "login", "purchase", "purchase", "email_opened", "ticket_opened")


@dataclass(frozen=True)
class Message:
    """One message of the topic; `timestamp` is what its sender wrote on it, in milliseconds."""

    value: bytes | None
    timestamp: int
    is_bent: bool = False


def customer_id(number: int) -> str:
    """Return the id of a customer."""
    return f"chaos-{number:03d}"


def calm_history(seed: int, now: datetime) -> list[dict]:
    """Return the events of all customers over 120 days, in the order of their time."""
    chance, events = random.Random(seed), []
    for number in range(CUSTOMERS):
        profile = {
            "name": chance.choice(["Ada Keller", "Ben Okafor", "Cleo Marsh"]),
            "email": f"c{number}@example.org",
            "region": chance.choice(["north", "east", "south", "west"]),
            "segment": chance.choice(["premium", "standard"]),
            "monthly_value": chance.choice([19, 29.5, 80]),
            "marketing_consent": chance.random() < 0.8,
        }
        first = now - timedelta(days=120, minutes=chance.randrange(600))
        events.append(_event(f"p-{number}", number, "profile_updated", first, properties=profile))
        # Whoever was quiet for a while and had problems lately is at risk.
        quiet_days = 6 if number % 5 == 0 else 0
        for visit in range(EVENTS // CUSTOMERS - 1):
            ago = timedelta(
                days=quiet_days + chance.random() * 100, minutes=5 + chance.randrange(1_000)
            )
            kind = "ticket_opened" if quiet_days and visit < 6 else chance.choice(_TYPES)
            if quiet_days and visit < 6:
                ago = timedelta(days=quiet_days + visit, minutes=5)
            amount = round(chance.uniform(1, 90), 2) if kind == "purchase" else None
            events.append(_event(f"e-{number}-{visit}", number, kind, now - ago, amount=amount))
    # Somebody is active now: the data is fresh.
    events[-1]["occurred_at"] = _text(now - timedelta(seconds=30))
    return sorted(events, key=lambda one: one["occurred_at"])


def bend(events: list[dict], seed: int, now: datetime) -> list[Message]:
    """Return the messages of a history of which BENT are bent, in every way in turn."""
    chance = random.Random(seed)
    touched = {customer_id(number) for number in range(TOUCHED)}
    places = [at for at, one in enumerate(events) if one["customer_id"] in touched]
    chosen = dict(zip(chance.sample(places, BENT), range(BENT), strict=True))
    untouched = [one for one in events if one["customer_id"] not in touched]
    ways = [*WAYS.values()]
    messages = []
    for at, event in enumerate(events):
        if at not in chosen:
            messages.append(Message(json.dumps(event).encode(), _milliseconds(now)))
            continue
        bent = ways[chosen[at] % len(ways)](dict(event), chance, now, untouched)
        messages.append(bent)
    return messages


def fetched(messages: list[Message], *, with_bent: bool) -> Fetched:
    """Return the messages as a client hands them over, each at the offset that it has anyway."""
    kept = [(at, one) for at, one in enumerate(messages) if with_bent or not one.is_bent]
    return Fetched(
        [one.value for _, one in kept],
        [at for at, _ in kept],
        [one.timestamp for _, one in kept],
        len(messages),
        len(messages),
    )


def _event(event_id: str, number: int, kind: str, at: datetime, **more: object) -> dict:
    return {
        "event_id": event_id,
        "customer_id": customer_id(number),
        "event_type": kind,
        "occurred_at": _text(at),
        **{name: value for name, value in more.items() if value is not None},
    }


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds") + "Z"


def _milliseconds(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1)).total_seconds() * 1_000)


# -- the ways in which a message is bent -----------------------------------------------------------

Way = Callable[[dict, random.Random, datetime, list[dict]], Message]


def _changed(*choices: dict, kind: str | None = None) -> Way:
    """Change fields of the event; the properties that are given are the whole profile event."""

    def way(event: dict, chance: random.Random, now: datetime, _: list[dict]) -> Message:
        change = chance.choice(choices)
        changed = event | ({"event_type": kind} if kind else {}) | change
        return Message(json.dumps(changed).encode(), _milliseconds(now), True)

    return way


def _at(*choices: Callable[[datetime], str]) -> Way:
    def way(event: dict, chance: random.Random, now: datetime, _: list[dict]) -> Message:
        event["occurred_at"] = chance.choice(choices)(now)
        return Message(json.dumps(event).encode(), _milliseconds(now), True)

    return way


def _profiles(*choices: dict) -> Way:
    return _changed(*({"properties": one} for one in choices), kind="profile_updated")


def _bytes(*choices: Callable[[bytes], bytes | None]) -> Way:
    def way(event: dict, chance: random.Random, now: datetime, _: list[dict]) -> Message:
        value = chance.choice(choices)(json.dumps(event).encode())
        return Message(value, _milliseconds(now), True)

    return way


def _topic_time(event: dict, chance: random.Random, now: datetime, _: list[dict]) -> Message:
    stamp = chance.choice([0, -1, _milliseconds(now) // 1_000, _milliseconds(now) * 1_000, 2**62])
    return Message(json.dumps(event).encode(), stamp, True)


def _stolen_id(event: dict, chance: random.Random, now: datetime, others: list[dict]) -> Message:
    """Take the id of an event of somebody else, whose own event must stay what it is."""
    event["event_id"] = chance.choice(others)["event_id"]
    event["amount"] = 700
    return Message(json.dumps(event).encode(), 1, True)


def _ahead(**span: float) -> Callable[[datetime], str]:
    return lambda now: _text(now + timedelta(**span))


def _twice(text: bytes) -> bytes:
    return text[:-1] + b', "event_type": "profile_updated", "properties": {"email": 1, "email": 2}}'


WAYS: dict[str, Way] = {
    "amounts": _changed(
        {"amount": 1_767_225_600_000_000_000},
        {"amount": 4e38},
        {"amount": -1.7e308},
        {"amount": 10**18},
        {"amount": 1_000_000_001},
        {"amount": "12.40"},
        {"amount": float("nan")},
        {"amount": float("inf")},
        kind="purchase",
    ),
    "the largest amounts": _changed({"amount": 1e9}, {"amount": -1e9}, kind="purchase"),
    "refunds": _changed({"amount": -500.0}, {"amount": -0.01}, kind="purchase"),
    "refunds by name": _changed({"amount": 800.0}, {"amount": -800.0}, kind="refund"),
    "monthly values": _profiles(
        *({"monthly_value": value} for value in ("NaN", "inf", "-inf", -5, 1e300, "1,250.00")),
        *({"monthly_value": value} for value in ("EUR 45", "0x1F", "1_000", "", [1], True, None)),
    ),
    "profiles in parts": _profiles(
        {}, {"segment": "basic"}, {"name": None}, {"email": None, "region": "north"}
    ),
    "spellings": _profiles(
        {"region": "NORTH "}, {"region": "\u00a0North"}, {"segment": " Premium"}, {"region": "nord"}
    ),
    "names": _profiles(
        *({"name": name} for name in ("Undefined", "N/A", "null", "Guest User", "{{name}}")),
        {"name": {"first": "A"}},
        {"name": "x" * 5_000},
    ),
    "addresses": _profiles(
        *({"email": text} for text in (" a@example.org\u00a0", "Ada <a@example.org>", "a@b")),
        *(
            {"email": text}
            for text in ("jürgen@example.org", "a@b@c", "\u200b", "a\r\nBcc: b@c.de")
        ),
    ),
    "consents": _profiles(
        *({"marketing_consent": said} for said in ("yes", 1, None, False, "TRUE"))
    ),
    "topic times": _topic_time,
    "times at zero": _at(
        lambda _: "1970-01-01T00:00:00Z",
        lambda _: "0001-01-01T00:00:00Z",
        lambda _: "1999-12-31T23:59:59Z",
    ),
    "times ahead": _at(_ahead(hours=3), _ahead(hours=20), _ahead(days=3), _ahead(days=36_500)),
    "times without an offset": _at(lambda _: "2026-01-01T00:00:00", lambda _: "yesterday"),
    "ids of others": _stolen_id,
    "ids": _changed(
        {"event_id": ""}, {"customer_id": "x" * 65}, {"event_id": 7}, {"customer_id": None}
    ),
    "types": _changed({"event_type": "Not Snake"}, {"event_type": "never_heard_of"}),
    "no text": _bytes(
        lambda _: None,
        lambda _: b"",
        lambda text: text[: len(text) // 2],
        lambda text: text.decode().encode("utf-16"),
        lambda _: b"\xff\xfe{",
        lambda _: b"[" * 5_000,
        lambda _: b"null",
    ),
    "frames": _bytes(
        lambda text: b"\0\0\0\0\x07" + text, lambda text: b"\x03\0" + bytes(16) + text
    ),
    "marks": _bytes(lambda text: b"\xef\xbb\xbf" + text),
    "names twice": _bytes(_twice, lambda text: text[:-1] + b', "amount": 1, "amount": 9e99}'),
    "large properties": _changed({"properties": {"text": "x" * 17_000}}, {"properties": [1]}),
}

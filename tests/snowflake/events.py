"""Events for the comparison of the two engines: few customers, every category, awkward cases."""

import json
import random
from datetime import datetime, timedelta

import pandas

CUSTOMERS, DAYS, END = 70, 250, datetime(2026, 6, 1)
# Of customers who are alerted, so that each region has an alert, and those without one have it too.
REGIONS = {"c058": "east", "c017": "west", "c013": None}


def raw_rows(seed: int = 7) -> pandas.DataFrame:
    """Return rows of churn_scores_raw: who leaves, who cancels, doubles, late and empty values."""
    draw = random.Random(seed)
    events = [event for number in range(CUSTOMERS) for event in _life(f"c{number:03}", draw)]
    events += draw.sample(events, 40)  # the same event again, later
    events += _odd()
    events += _merged()
    # Old data is not scored, and how old it is the latest activity says.
    events.append(("c001", "login", END - timedelta(minutes=1), None, None))
    rows = []
    for offset, (customer, kind, at, amount, properties) in enumerate(events):
        event_id = f"{customer}-{kind}-{at:%Y%m%d%H%M%S}"
        rows.append(
            {
                "event_id": event_id,
                "customer_id": customer,
                "event_type": kind,
                "occurred_at": at,
                "amount": amount,
                "payload": json.dumps({"event_id": event_id, "properties": properties}),
                "kafka_topic": "churn.events",
                "kafka_partition": offset % 3,
                "kafka_offset": offset,
                "published_at": END + timedelta(milliseconds=offset),
                "loaded_at": END + timedelta(seconds=1),
            }
        )
    return pandas.DataFrame(rows)


def _odd() -> list[tuple]:
    """Return what an older loader let in, and what profiles, clocks and refunds are like."""
    ago = [END - timedelta(days=days) for days in range(6)]
    return [
        ("c001", "profile_updated", ago[3], None, {"segment": "Premium "}),
        ("c002", "profile_updated", ago[2], None, {"name": None, "region": " Nord"}),
        ("c003", "profile_updated", ago[2], None, {"monthly_value": 1e300, "email": "a@b@c"}),
        ("c003", "profile_updated", ago[1], None, {"name": "Guest User", "marketing_consent": 1}),
        ("c003", "purchase", ago[2], 4e38, None),
        ("c003", "refund", ago[1], 5.0, {}),
        ("c004", "login", datetime(1970, 1, 1), None, None),
        ("c005", "login", END + timedelta(hours=20), None, None),
        ("c006", "purchase", ago[4], 10.0, {"a": 1, "b": {"c": 2}}),
        ("c006", "purchase", ago[4], 99.0, {"a": 1, "b": {"c": 2}}),
        ("c007", "purchase", ago[4], 10.0, {"a": 1, "b": 2}),
        ("c007", "purchase", ago[4], 10.0, {"a": 1, "b": 2}),
        *_moves(),
    ]


def _moves() -> list[tuple]:
    """Return who pauses, who comes back and how, and what a system does, at cut-offs and since."""
    events = []
    for days in (2, 20, 45, 75):
        at, hour = END - timedelta(days=days), timedelta(hours=1)
        events += [
            ("c020", "subscription_cancelled", at, None, None),
            ("c020", "subscription_resumed", at + hour, None, None),
            ("c021", "subscription_paused", at, None, None),
            ("c021", "subscription_resumed", at + 10 * hour, None, None),
            ("c022", "subscription_cancelled", at, None, None),
            ("c022", "login", at + 30 * hour, None, None),
            ("c024", "invoice_issued", at, 20.0, {"name": "Nobody"}),
            ("c024", "kiosk_scanned", at, None, None),
        ]
    return [
        *events,
        ("c023", "subscription_paused", END - timedelta(days=30), None, None),
        ("c025", "subscription_paused", END - timedelta(days=1), None, None),
        ("c026", "unsubscribed", END - timedelta(days=1), None, {"region": "nowhere"}),
        ("c027", "invoice_issued", END + timedelta(days=3), 20.0, None),
    ]


def _merged() -> list[tuple]:
    """Return a visitor who signs in, a chain, a second merge of an id and a circle."""
    begin = END - timedelta(days=DAYS)
    visits = [
        ("v001", "purchase", begin + timedelta(days=day), 5.0, None) for day in range(100, 130, 5)
    ]
    # In each region somebody was merged, so that what its managers see of that can be told.
    regions = {"north": "c031", "east": "c027", "west": "c030"}
    joined = [
        *((one, f"v-{region}", 151) for region, one in regions.items()),
        *(("c020", "v001", 150), ("v003", "v002", 151), ("v004", "v003", 152)),
        *(("c021", "v002", 153), ("v006", "v005", 151), ("v005", "v006", 152)),
    ]
    seen = [(f"v{number:03}", "login", begin + timedelta(days=140), None, None)
            for number in range(2, 7)]  # fmt: skip
    merges = [
        (into, "customer_merged", begin + timedelta(days=day), None, {"merged_id": merged})
        for into, merged, day in joined
    ]
    return [*visits, *seen, *merges]


def _life(customer: str, draw: random.Random) -> list[tuple]:
    """Return one customer's events: a profile, visits at an own pace, and perhaps an end."""
    start = draw.randrange(60)
    last = DAYS if draw.random() < 0.55 else draw.randrange(start + 40, DAYS)
    pace = draw.choice([1, 2, 4, 7])
    begin = END - timedelta(days=DAYS)
    profile = {
        "name": f"Ann O'Neil {customer} 🚀",
        "email": f"{customer}@example.com",
        "region": REGIONS.get(customer, draw.choice(["north", "east", "south", "west", None])),
        "segment": draw.choice(["premium", "standard"]),
        "monthly_value": draw.choice([12.5, "35", None, "much"]),
        "marketing_consent": draw.choice([True, False, "true"]),
    }
    events = [(customer, "profile_updated", begin + timedelta(days=start), None, profile)]
    for day in range(start, last):
        if draw.random() < 1 / pace:
            at = begin + timedelta(days=day, seconds=draw.randrange(86_400))
            kind = draw.choice(["purchase", "purchase", "login", "ticket_opened", "email_opened"])
            amount = draw.choice([9.99, 0.1 + 0.2, -3.5, None]) if kind == "purchase" else None
            events.append((customer, kind, at, amount, None))
    if last < DAYS and draw.random() < 0.3:
        end = begin + timedelta(days=last, hours=1)
        events.append((customer, "subscription_cancelled", end, None, {}))
    return events

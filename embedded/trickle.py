"""A trickle of purchases onto a topic, so that the data of a demo does not grow old."""

import json
import random
import threading
import uuid
from datetime import datetime, timezone

from embedded.engine.storage import Database
from ingest.publisher import send

# Twice within the age from which on data is taken for that of a loader that has stopped.
_SECONDS = 240
# Whoever comes often is likely to be the next; whoever is at risk stays away.
_NEXT = """
    select customer_id, 1 / gap_days_mean as weight, purchase_amount_84d / purchase_count_84d
    from churn_metrics_live
    inner join churn_scores using (customer_id)
    where band = 'low' and gap_days_mean > 0 and purchase_count_84d > 0
"""


def trickle(database: Database, address: str, topic: str, stop: threading.Event) -> None:
    """Send a purchase of one of the customers now and then, until `stop` is set.

    Raises IngestError when the broker does not take it.
    """
    chance = random.Random()  # noqa: S311 - who buys next is no secret
    while not stop.wait(_SECONDS):
        known = database.rows(_NEXT)
        if not known:
            continue
        [(customer_id, _, amount)] = chance.choices(known, [weight for _, weight, _ in known])
        message = {
            "event_id": str(uuid.uuid4()),
            "customer_id": customer_id,
            "event_type": "purchase",
            "occurred_at": datetime.now(timezone.utc).isoformat(),
            "amount": round(amount * chance.uniform(0.5, 1.5), 2),
        }
        event = (customer_id.encode(), json.dumps(message).encode())
        send([event], address, topic, partitions=None)

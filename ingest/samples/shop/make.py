"""Make the exports of an invented coffee shop: orders, what else customers did, and who they are.

Nothing in them is real. Customers visit by a rhythm of their own; some begin to leave, complain or
come less and less, and are not seen again.
"""

import csv
import gzip
import io
import random
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from ingest.people import made_up_person
from ingest.samples.shop import ACTIVITY, CUSTOMERS, ORDERS

_SEED = 7
_FIRST, _DAYS = datetime(2024, 1, 1), 731  # until the end of 2025
_CUSTOMERS = 260
_TIERS = {"bronze": 14.0, "silver": 26.0, "gold": 48.0}  # what an order costs about
_BEGINS_TO_LEAVE = 1 / 420  # a day
_LEAVING_DAYS = 45  # from the first sign to the last visit
_COMPLAINS = 0.5  # share of those who leave
_SUBJECTS = ("Beans arrived late", "Wrong grind", "Charged twice", "Parcel damaged")


def make() -> dict[str, list[tuple[str, ...]]]:
    """Return the rows of each file by its name, header first; the same ones every time."""
    chance = random.Random(_SEED)  # noqa: S311 - invented people, not secrets
    orders: list[tuple[datetime, ...]] = []
    activity: list[tuple[datetime, ...]] = []
    customers: list[tuple[str, ...]] = []
    for number in range(1, _CUSTOMERS + 1):
        client = f"K{number:04d}"
        tier = chance.choice(tuple(_TIERS))
        joined = 0 if chance.random() < 0.4 else int(chance.random() * _DAYS * 0.8)
        person = made_up_person(chance, client, tier)
        customers.append(
            (
                client,
                person["name"],
                person["email"],
                person["region"],
                tier,
                "yes" if person["marketing_consent"] else "no",
                f"{_FIRST + timedelta(days=joined):%Y-%m-%d}",
            )
        )
        _live(chance, client, tier, joined, orders, activity)
    orders.sort()
    activity.sort()
    return {
        ORDERS.name: [
            ("order_no", "client", "created", "total", "channel"),
            *(
                (f"B{number:05d}", client, f"{at:%Y-%m-%d %H:%M}", f"{total:.2f}", channel)
                for number, (at, client, total, channel) in enumerate(orders, 1)
            ),
        ],
        ACTIVITY.name: [
            ("client", "at", "kind", "subject"),
            *((client, f"{at:%Y-%m-%d %H:%M}", kind, text) for at, client, kind, text in activity),
        ],
        CUSTOMERS.name: [
            ("client", "full_name", "mail", "area", "tier", "newsletter", "since"),
            *customers,
        ],
    }


def _live(
    chance: random.Random,
    client: str,
    tier: str,
    joined: int,
    orders: list[tuple],
    activity: list[tuple],
) -> None:
    """Add what one customer does, day by day, until the end or the last visit."""
    every, buys = 5 + 12 * chance.random(), 0.35 + 0.4 * chance.random()
    leaving_since, complains = None, False
    for day in range(joined, _DAYS):
        if leaving_since is None and chance.random() < _BEGINS_TO_LEAVE:
            leaving_since, complains = day, chance.random() < _COMPLAINS
        left = 0.0 if leaving_since is None else (day - leaving_since) / _LEAVING_DAYS
        if left > 1:
            return
        on = _FIRST + timedelta(days=day)
        if chance.random() < (1 - 0.8 * left) / every or day == joined:
            at = on + timedelta(minutes=int(7 * 60 + chance.random() * 12 * 60))
            activity.append((at, client, "Visit", ""))
            if chance.random() < buys * (1 - 0.5 * left):
                total = _TIERS[tier] * (0.5 + chance.random())
                channel = "web" if chance.random() < 0.6 else "counter"
                orders.append((at + timedelta(minutes=9), client, total, channel))
        if chance.random() < (0.06 if complains and left else 0.002):
            subject = _SUBJECTS[int(chance.random() * len(_SUBJECTS))]
            activity.append((on + timedelta(hours=9), client, "Ticket opened", subject))


def write_csv(rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def main() -> int:
    """Write the three files beside this one."""
    made = {name: write_csv(rows) for name, rows in make().items()}
    ORDERS.write_bytes(made[ORDERS.name])
    CUSTOMERS.write_bytes(made[CUSTOMERS.name])
    ACTIVITY.write_bytes(gzip.compress(made[ACTIVITY.name], 9, mtime=0))
    return 0


if __name__ == "__main__":
    sys.exit(main())

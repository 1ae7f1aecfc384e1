"""Files of events for tests, and what is read of them."""

import json

from ingest.events import Event, decode
from ingest.file_options import FileOptions
from ingest.files import EventFile, read_lines

SHOP = {"customer_id": "client", "occurred_at": "created", "amount": "total"}
ORDERS = FileOptions(columns=SHOP, constants={"event_type": "purchase"})


def events(path, options=ORDERS) -> list[dict]:
    """Return the events of a file; each of its rows must be one."""
    messages = [line.message for line in read_lines(path, options=options)]
    assert all(isinstance(decode(message), Event) for message in messages), messages
    return [json.loads(message) for message in messages]


def csv(tmp_path, text: str | bytes, name="orders.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def broken(path, options=ORDERS) -> list[tuple[int, str, bytes]]:
    """Return number, reason and bytes of the rows that could not be taken apart."""
    return [
        (messages.numbers[place], reason, messages.values[place])
        for messages in EventFile(path, options).messages()
        for place, reason in messages.refused.items()
    ]

"""Sending messages to a topic: acknowledged by every replica, at a steady rate if one is asked."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import islice

from ingest.interpreter import busy_interpreter
from ingest.kafka import DEFAULT_PARTITIONS, create_topic, describe_topic
from ingest.libraries import KAFKA_PYTHON
from ingest.senders import SendingError, open_sender
from runtime.errors import IngestError

_PROGRESS_EVERY = 1_000


def send(
    messages: Iterable[tuple[bytes | None, bytes]],
    bootstrap_servers: str,
    topic: str,
    *,
    rate: float | None = None,
    partitions: int | None = DEFAULT_PARTITIONS,
    on_progress: Callable[[int], None] | None = None,
    client: str = KAFKA_PYTHON,
) -> int:
    """Send (key, message) pairs in order; return how many were acknowledged.

    `rate` is in messages per second. A missing topic is created with that many `partitions`;
    None refuses instead. `on_progress` gets the number sent so far. `client` is the library that
    sends, kafka-python or librdkafka; both choose the same partition for a key.
    Raises IngestError when the broker does not take them all.
    """
    if partitions is None:
        describe_topic(bootstrap_servers, topic)
    else:
        create_topic(bootstrap_servers, topic, partitions)
    paced = messages if rate is None else _paced(messages, rate)
    upcoming, sent = iter(paced), 0
    try:
        with closing(open_sender(client, bootstrap_servers, topic)) as sender, busy_interpreter():
            while count := sender.send(islice(upcoming, _PROGRESS_EVERY)):
                sent += count
                if on_progress:
                    on_progress(sent)
            sender.finish()
    except SendingError as error:
        raise IngestError(
            f"the broker at {bootstrap_servers} stopped taking messages for topic {topic} after"
            f" {error.acknowledged:,}: {error}"
        ) from error
    return sent


def _paced(
    messages: Iterable[tuple[bytes | None, bytes]], rate: float
) -> Iterator[tuple[bytes | None, bytes]]:
    started = time.monotonic()
    for number, message in enumerate(messages):
        time.sleep(max(0.0, started + number / rate - time.monotonic()))
        yield message

"""Sending messages to a topic: acknowledged by every replica, at a steady rate if one is asked."""

import time
from collections import deque
from collections.abc import Callable, Iterable

from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.future import Future

from ingest.broker import open_kafka_python
from ingest.errors import IngestError
from ingest.kafka import DEFAULT_PARTITIONS, create_topic, describe_topic

# Messages under way; beyond it, sending waits for the broker instead of filling the memory.
_WINDOW = 20_000
_PROGRESS_EVERY = 1_000
_DELIVERY_SECONDS = 30


def send(
    messages: Iterable[tuple[bytes | None, bytes]],
    bootstrap_servers: str,
    topic: str,
    *,
    rate: float | None = None,
    partitions: int | None = DEFAULT_PARTITIONS,
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Send (key, message) pairs in order; return how many were acknowledged.

    `rate` is in messages per second. A missing topic is created with that many `partitions`;
    None refuses instead. `on_progress` gets the number sent so far.
    Raises IngestError when the broker does not take them all.
    """
    if partitions is None:
        describe_topic(bootstrap_servers, topic)
    else:
        create_topic(bootstrap_servers, topic, partitions)
    producer = _producer(bootstrap_servers)
    under_way: deque[Future] = deque()
    sent, started = 0, time.monotonic()
    try:
        for key, message in messages:
            if rate is not None:
                time.sleep(max(0.0, started + sent / rate - time.monotonic()))
            under_way.append(producer.send(topic, key=key, value=message))
            sent += 1
            if len(under_way) >= _WINDOW:
                _settle(under_way, _WINDOW // 2)
            if on_progress and sent % _PROGRESS_EVERY == 0:
                on_progress(sent)
        producer.flush()
        _settle(under_way, 0)
    except KafkaError as error:
        acknowledged = sent - len(under_way)
        raise IngestError(
            f"the broker at {bootstrap_servers} stopped taking messages for topic {topic} after"
            f" {acknowledged:,}: {error}"
        ) from error
    finally:
        producer.close(timeout=0 if under_way else None)
    if on_progress:
        on_progress(sent)
    return sent


def _settle(under_way: deque[Future], leave: int) -> None:
    """Wait for the oldest messages until only `leave` are under way; raises KafkaError."""
    while len(under_way) > leave:
        under_way[0].get(timeout=2 * _DELIVERY_SECONDS)
        under_way.popleft()


def _producer(bootstrap_servers: str) -> KafkaProducer:
    return open_kafka_python(
        KafkaProducer,
        bootstrap_servers,
        acks="all",
        linger_ms=20,
        batch_size=256 * 1024,
        delivery_timeout_ms=_DELIVERY_SECONDS * 1_000,
        request_timeout_ms=_DELIVERY_SECONDS * 1_000 // 2,
        max_block_ms=_DELIVERY_SECONDS * 1_000 // 2,
        allow_auto_create_topics=False,
        metrics_enabled=False,
    )

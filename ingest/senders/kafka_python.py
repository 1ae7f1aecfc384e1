"""The default sender: kafka-python, which runs wherever Python does."""

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache

from kafka import KafkaProducer
from kafka.cluster import ClusterMetadata
from kafka.errors import KafkaError
from kafka.future import Future
from kafka.partitioner import DefaultPartitioner, murmur2

from ingest.broker import open_kafka_python
from ingest.senders import (
    BATCH_BYTES,
    DELIVERY_SECONDS,
    LINGER_MILLISECONDS,
    WINDOW,
    SendingError,
)

_REMEMBERED_KEYS = 100_000


class KafkaPythonSender:
    """A `Sender` over kafka-python."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        """Connect within a few seconds; raises IngestError when no broker answers."""
        self._topic = topic
        self._under_way: deque[Future] = deque()
        self._acknowledged = 0
        self._producer = open_kafka_python(
            KafkaProducer,
            bootstrap_servers,
            acks="all",
            partitioner=RememberingPartitioner(),
            linger_ms=LINGER_MILLISECONDS,
            batch_size=BATCH_BYTES,
            delivery_timeout_ms=DELIVERY_SECONDS * 1_000,
            request_timeout_ms=DELIVERY_SECONDS * 1_000 // 2,
            max_block_ms=DELIVERY_SECONDS * 1_000 // 2,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )

    def send(self, messages: Iterable[tuple[bytes | None, bytes]]) -> int:
        """Put (key, message) pairs under way and return how many they were."""
        count = 0
        try:
            for key, message in messages:
                self._under_way.append(self._producer.send(self._topic, message, key))
                count += 1
                if len(self._under_way) >= WINDOW:
                    self._settle(WINDOW // 2)
        except KafkaError as error:
            raise SendingError(self._acknowledged, error) from error
        return count

    def finish(self) -> None:
        """Wait until the broker has acknowledged all messages."""
        try:
            self._settle(len(self._under_way))
        except KafkaError as error:
            raise SendingError(self._acknowledged, error) from error

    def close(self) -> None:
        """Let go of the connection, after what is still under way has arrived or has failed.

        The client cannot be closed sooner: it waits for all that it was given.
        """
        with suppress(KafkaError):
            self._producer.close(timeout=2 * DELIVERY_SECONDS)

    def _settle(self, count: int) -> None:
        """Wait for that many of the oldest messages; raises KafkaError."""
        for _ in range(count):
            future = self._under_way[0]
            # Most are there already, and asking them costs less than waiting for them.
            if not future.succeeded():
                future.get(timeout=2 * DELIVERY_SECONDS)
            self._under_way.popleft()
            self._acknowledged += 1


class RememberingPartitioner(DefaultPartitioner):
    """Kafka's default, but the hash of a key, slow in Python, is computed once."""

    def partition(
        self,
        topic: str,
        key: bytes | None,
        serialized_key: bytes | None,
        value: bytes | None,
        serialized_value: bytes | None,
        cluster: ClusterMetadata,
    ) -> int:
        """Return the partition of a message."""
        if serialized_key is None:
            return super().partition(topic, key, None, value, serialized_value, cluster)
        partitions = sorted(cluster.partitions_for_topic(topic))
        return partitions[_hash(serialized_key) % len(partitions)]


@lru_cache(_REMEMBERED_KEYS)
def _hash(key: bytes) -> int:
    """Return the positive number from which Kafka's clients derive the partition of a key."""
    return murmur2(key) & 0x7FFFFFFF

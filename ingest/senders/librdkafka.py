"""The fast sender: librdkafka, through confluent-kafka."""

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from ingest.broker import LIBRDKAFKA_LOG, librdkafka_settings
from ingest.senders import (
    BATCH_BYTES,
    DELIVERY_SECONDS,
    LINGER_MILLISECONDS,
    WINDOW,
    SendingError,
)

_WAIT_SECONDS = 0.1


class LibrdkafkaSender:
    """A `Sender` over librdkafka."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        """Prepare the connection; raises IngestError for settings that cannot be right."""
        self._topic = topic
        self._sent = 0
        self._failed = 0
        self._cause: KafkaError | None = None
        settings = librdkafka_settings(bootstrap_servers) | {
            "acks": "all",
            "enable.idempotence": True,  # a message that is sent again keeps its place
            "partitioner": "murmur2_random",  # Kafka's default; the library has another
            "linger.ms": LINGER_MILLISECONDS,
            "batch.size": BATCH_BYTES,
            "queue.buffering.max.messages": WINDOW,
            "delivery.timeout.ms": DELIVERY_SECONDS * 1_000,
            "request.timeout.ms": DELIVERY_SECONDS * 1_000 // 2,
            "allow.auto.create.topics": False,
            # A message without a report has arrived: see _wait.
            "delivery.report.only.error": True,
            "on_delivery": self._note_failure,
        }
        self._producer = Producer(settings, logger=LIBRDKAFKA_LOG)

    def send(self, messages: Iterable[tuple[bytes | None, bytes]]) -> int:
        """Put (key, message) pairs under way and return how many they were."""
        before = self._sent
        try:
            for key, message in messages:
                self._produce(key, message)
                self._sent += 1
        except KafkaException as error:
            raise SendingError(self._acknowledged(), error.args[0].str()) from error
        self._wait(0)
        return self._sent - before

    def finish(self) -> None:
        """Wait until the broker has acknowledged all messages."""
        while len(self._producer):
            self._wait(_WAIT_SECONDS)

    def close(self) -> None:
        """Let go of the connection, and of messages that are still under way."""
        self._producer.purge()
        self._producer.flush(_WAIT_SECONDS)

    def _produce(self, key: bytes | None, message: bytes) -> None:
        while True:
            try:
                return self._producer.produce(self._topic, message, key)
            except BufferError:  # the window is full
                self._wait(_WAIT_SECONDS)

    def _wait(self, seconds: float) -> None:
        """Let failures be reported; each message either fails in time or has arrived."""
        self._producer.poll(seconds)
        if self._cause is not None:
            raise SendingError(self._acknowledged(), self._cause.str())

    def _acknowledged(self) -> int:
        return self._sent - self._failed - len(self._producer)

    def _note_failure(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failed += 1
            self._cause = self._cause or error

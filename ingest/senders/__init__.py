"""How messages are sent to a broker: one sender per library, all with the same three methods."""

from collections.abc import Iterable
from typing import Protocol

from ingest.libraries import LIBRDKAFKA, chosen_library

# Messages under way; beyond it, sending waits for the broker instead of filling the memory.
WINDOW = 20_000
# Small enough for a person who watches, large enough for the broker to take many at once.
LINGER_MILLISECONDS = 20
BATCH_BYTES = 256 * 1024
DELIVERY_SECONDS = 30


def open_sender(client: str, bootstrap_servers: str, topic: str) -> "Sender":
    """Connect with the client of that name; raises IngestError if it is missing."""
    # Only the library that is used is imported: either takes a while, one may not be installed.
    if chosen_library(client) == LIBRDKAFKA:
        from ingest.senders.librdkafka import LibrdkafkaSender

        return LibrdkafkaSender(bootstrap_servers, topic)
    from ingest.senders.kafka_python import KafkaPythonSender

    return KafkaPythonSender(bootstrap_servers, topic)


class Sender(Protocol):
    """Sends messages to one topic, in order, each to the partition that Kafka's default gives it.

    Every replica acknowledges them, and none is forgotten: the first that the broker does not take
    raises SendingError from one of the methods.
    """

    def send(self, messages: Iterable[tuple[bytes | None, bytes]]) -> int:
        """Put (key, message) pairs under way and return how many they were.

        Waits for the broker when too many are under way.
        """

    def finish(self) -> None:
        """Wait until the broker has acknowledged all messages."""

    def close(self) -> None:
        """Let go of the connection; what is still under way may be lost."""


class SendingError(Exception):
    """The broker did not take a message; `acknowledged` says how many it had taken by then."""

    def __init__(self, acknowledged: int, cause: object) -> None:
        super().__init__(str(cause))
        self.acknowledged = acknowledged

"""How messages are read: one client per library, all with the same three functions."""

from collections.abc import Mapping
from typing import Protocol

from ingest.fetched import Fetched
from ingest.libraries import LIBRDKAFKA, chosen_library

# What one poll may bring of a partition, and what may lie ready in memory.
FETCH_BYTES = 1024 * 1024
# Latency: an idle fetch returns soon. Throughput: a busy one returns a lot.
FETCH_WAIT_MILLISECONDS = 20
# A broker may answer with nothing when it needs longer than a fetch may wait; the laptop's own does
# once it holds very many batches. If there is more to read, later fetches wait longer, up to this.
LONGEST_FETCH_WAIT_MILLISECONDS = 2_000
# What one poll returns at most: a reader that counts bytes must get to count them now and then.
MAX_MESSAGES = 2_000


def open_client(name: str, bootstrap_servers: str, topic: str) -> "Client":
    """Open the client of that name; `auto` takes librdkafka where it is installed.

    Raises IngestError when the library is missing or no broker answers.
    """
    # Only the library that is used is imported: either takes a while, one may not be installed.
    if chosen_library(name) == LIBRDKAFKA:
        from ingest.clients.librdkafka import LibrdkafkaClient

        return LibrdkafkaClient(bootstrap_servers, topic)
    from ingest.clients.apart import ApartClient

    return ApartClient(bootstrap_servers, topic)


class Client(Protocol):
    """Reads the partitions it is told to, from the offsets it is told to, and commits nothing.

    Only whole transactions of producers are read. Not safe to share between threads.
    """

    def read(self, starts: Mapping[int, int]) -> None:
        """Read these partitions too, each from its offset."""

    def poll(self, timeout_seconds: float) -> dict[int, Fetched]:
        """Return what has come by partition, or nothing after the timeout; raises IngestError.

        A partition may come without messages, to say that its `next_offset` has moved on.
        """

    def close(self) -> None:
        """Let go of the connection."""

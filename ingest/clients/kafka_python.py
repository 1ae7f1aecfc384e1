"""The default client: kafka-python, which runs wherever Python does."""

from collections.abc import Mapping
from importlib.util import find_spec

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError, OffsetOutOfRangeError

from ingest.broker import open_kafka_python, refused, vanished
from ingest.clients import (
    FETCH_BYTES,
    FETCH_WAIT_MILLISECONDS,
    LONGEST_FETCH_WAIT_MILLISECONDS,
    MAX_MESSAGES,
)
from ingest.clients.record_batches import read_carefully
from ingest.fetched import Fetched

# Without the compiled checksum, checking halves the speed; TCP and the contract still guard.
_CHECK_CHECKSUMS = find_spec("crc32c") is not None
# All partitions of a fetch together: more is no faster, and takes memory of large messages.
_RESPONSE_BYTES = 2 * FETCH_BYTES
_POSITION_MILLISECONDS = 1_000


class KafkaPythonClient:
    """A `Client` over kafka-python."""

    def __init__(
        self,
        bootstrap_servers: str,
        topic: str,
        fetch_wait_milliseconds: int = FETCH_WAIT_MILLISECONDS,
    ) -> None:
        """Connect within a few seconds; raises IngestError when no broker answers."""
        self._bootstrap_servers, self._topic = bootstrap_servers, topic
        self._consumer = open_kafka_python(
            KafkaConsumer,
            bootstrap_servers,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            allow_auto_create_topics=False,
            isolation_level="read_committed",
            fetch_max_wait_ms=fetch_wait_milliseconds,
            fetch_max_bytes=_RESPONSE_BYTES,
            max_partition_fetch_bytes=FETCH_BYTES,
            max_poll_records=MAX_MESSAGES,
            check_crcs=_CHECK_CHECKSUMS,
            metrics_enabled=False,
        )
        read_carefully(self._consumer)
        self._fetch_wait = fetch_wait_milliseconds

    def read(self, starts: Mapping[int, int]) -> None:
        """Read these partitions too, each from its offset."""
        places = {TopicPartition(self._topic, number): at for number, at in starts.items()}
        self._consumer.assign([*self._consumer.assignment(), *places])
        for place, offset in places.items():
            self._consumer.seek(place, offset)

    def poll(self, timeout_seconds: float) -> dict[int, Fetched]:
        """Return what has come by partition, or nothing after the timeout; raises IngestError."""
        try:
            polled = self._consumer.poll(int(timeout_seconds * 1_000))
            places = polled or self._consumer.assignment()
            found = {
                place.partition: self._fetched(place, polled.get(place, [])) for place in places
            }
        except OffsetOutOfRangeError as error:
            raise vanished(self._bootstrap_servers, self._topic) from error
        except KafkaError as error:
            raise refused(self._bootstrap_servers, self._topic, error) from error
        if not polled:
            self._wait_longer_if(any(one.is_behind for one in found.values()))
        return found

    def _wait_longer_if(self, is_behind: bool) -> None:
        """After a poll without messages, let the next fetches wait longer if there are some."""
        settings = self._consumer._fetcher.config
        longer = min(2 * settings["fetch_max_wait_ms"], LONGEST_FETCH_WAIT_MILLISECONDS)
        settings["fetch_max_wait_ms"] = longer if is_behind else self._fetch_wait

    def _fetched(self, place: TopicPartition, records: list[ConsumerRecord]) -> Fetched:
        return Fetched(
            [record.value for record in records],
            [record.offset for record in records],
            [-1 if record.timestamp is None else record.timestamp for record in records],
            self._consumer.position(place, timeout_ms=_POSITION_MILLISECONDS),
            self._consumer.highwater(place),
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()

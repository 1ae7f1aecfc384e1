"""Reading a topic: partitions by hand, offsets from the warehouse, never from the broker."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError, OffsetOutOfRangeError, TopicAlreadyExistsError, for_code

from ingest.broker import check_topic_name, no_broker, open_client
from ingest.errors import IngestError

DEFAULT_PARTITIONS = 3
_UNKNOWN_TOPIC = 3  # error code of the Kafka protocol
_FETCH_BYTES = 8 * 1024 * 1024
# Without the compiled checksum, checking halves the speed; TCP and the contract still guard.
_CHECK_CHECKSUMS = find_spec("crc32c") is not None


def create_topic(bootstrap_servers: str, topic: str, partitions: int = DEFAULT_PARTITIONS) -> bool:
    """Create the topic unless it exists; return whether it was created. Raises IngestError."""
    check_topic_name(topic)
    with _admin(bootstrap_servers) as admin:
        try:
            admin.create_topics([NewTopic(topic, partitions, replication_factor=-1)])
            admin.wait_for_topics([topic])
        except TopicAlreadyExistsError:
            return False
        except KafkaError as error:
            raise IngestError(
                f"the broker at {bootstrap_servers} does not create topic {topic}: {error}"
            ) from error
    return True


def describe_topic(bootstrap_servers: str, topic: str) -> "TopicState":
    """Return the partitions and the identity of a topic; raises IngestError when it is missing."""
    check_topic_name(topic)
    with _admin(bootstrap_servers) as admin:
        return _describe(admin, bootstrap_servers, topic)


def _describe(admin: KafkaAdminClient, bootstrap_servers: str, topic: str) -> "TopicState":
    try:
        described = admin.describe_topics([topic])[0]
    except KafkaError as error:
        raise no_broker(bootstrap_servers) from error
    code = described["error_code"]
    if code not in (0, _UNKNOWN_TOPIC):
        raise IngestError(
            f"the broker at {bootstrap_servers} refuses topic {topic}: {for_code(code).__name__}"
        )
    if not described["partitions"]:
        raise IngestError(
            f"there is no topic {topic} at {bootstrap_servers}: create it with the broker's tools,"
            " or add --create-topic to 'python -m ingest replay' or 'simulate'"
        )
    topic_id = described.get("topic_id")
    partitions = tuple(sorted(part["partition_index"] for part in described["partitions"]))
    return TopicState(partitions, str(topic_id) if topic_id else None)


def _admin(bootstrap_servers: str) -> KafkaAdminClient:
    return open_client(KafkaAdminClient, bootstrap_servers, request_timeout_ms=10_000)


@dataclass(frozen=True)
class TopicState:
    """What the broker says about a topic; `topic_id` is None on brokers before Kafka 2.8."""

    partitions: tuple[int, ...]
    topic_id: str | None


class TopicReader:
    """Reads the partitions it is told to, from the offsets it is told to, and commits nothing."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        """Connect within a few seconds; raises IngestError when no broker answers."""
        check_topic_name(topic)
        self.bootstrap_servers = bootstrap_servers
        self.topic = topic
        self._admin = _admin(bootstrap_servers)
        self._consumer = self._connect()

    def _connect(self) -> KafkaConsumer:
        return open_client(
            KafkaConsumer,
            self.bootstrap_servers,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            allow_auto_create_topics=False,
            isolation_level="read_committed",
            # Latency: an idle fetch returns soon. Throughput: a busy one returns a lot.
            fetch_max_wait_ms=20,
            max_partition_fetch_bytes=_FETCH_BYTES,
            check_crcs=_CHECK_CHECKSUMS,
            metrics_enabled=False,
        )

    def __enter__(self) -> "TopicReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()
        self._admin.close()

    def describe(self) -> TopicState:
        """Ask the broker for partitions and identity; raises IngestError."""
        return _describe(self._admin, self.bootstrap_servers, self.topic)

    def first_offsets(self, partitions: list[int]) -> dict[int, int]:
        """Return the oldest offset that the broker still has, by partition."""
        return self._offsets(self._consumer.beginning_offsets, partitions)

    def end_offsets(self, partitions: list[int]) -> dict[int, int]:
        """Return the offset after the last message, by partition; some brokers say too little."""
        return self._offsets(self._consumer.end_offsets, partitions)

    def _offsets(self, ask: Any, partitions: list[int]) -> dict[int, int]:
        try:
            found = ask([TopicPartition(self.topic, partition) for partition in partitions])
        except KafkaError as error:
            raise no_broker(self.bootstrap_servers) from error
        return {place.partition: offset for place, offset in found.items()}

    def add(self, starts: dict[int, int]) -> None:
        """Read these partitions too, each from its offset."""
        places = {TopicPartition(self.topic, number): at for number, at in starts.items()}
        self._consumer.assign([*self._consumer.assignment(), *places])
        for place, offset in places.items():
            self._consumer.seek(place, offset)

    def position(self, partition: int) -> int:
        """Return the offset that is read next; it also passes what carries no message."""
        return self._consumer.position(TopicPartition(self.topic, partition), timeout_ms=1_000)

    def poll(self, max_records: int, timeout_seconds: float) -> dict[int, list[ConsumerRecord]]:
        """Return new messages by partition, or nothing after the timeout; raises IngestError."""
        try:
            polled = self._consumer.poll(int(timeout_seconds * 1_000), max_records=max_records)
        except OffsetOutOfRangeError as error:
            raise IngestError(
                f"the broker at {self.bootstrap_servers} no longer has what comes next in topic"
                f" {self.topic}: start the loader again, it says what is missing"
            ) from error
        except KafkaError as error:
            raise IngestError(
                f"the broker at {self.bootstrap_servers} refuses topic {self.topic}: {error}"
            ) from error
        return {place.partition: records for place, records in polled.items()}

"""A topic as its broker knows it: create, describe, where its offsets begin and end."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic, OffsetSpec
from kafka.errors import KafkaError, NoError, TopicAlreadyExistsError, for_code
from kafka.structs import OffsetAndMetadata

from ingest.broker import check_topic_name, no_broker, open_kafka_python
from runtime.errors import IngestError

DEFAULT_PARTITIONS = 3
_UNKNOWN_TOPIC = 3  # error code of the Kafka protocol


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
    return open_kafka_python(KafkaAdminClient, bootstrap_servers, request_timeout_ms=10_000)


@dataclass(frozen=True)
class TopicState:
    """What the broker says about a topic; `topic_id` is None on brokers before Kafka 2.8."""

    partitions: tuple[int, ...]
    topic_id: str | None


class TopicAdmin:
    """Asks the broker about one topic; the connection is kept for the next question."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        """Connect within a few seconds; raises IngestError when no broker answers."""
        self.topic = check_topic_name(topic)
        self.bootstrap_servers = bootstrap_servers
        self._admin = _admin(bootstrap_servers)

    def __enter__(self) -> "TopicAdmin":
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.close()

    def describe(self) -> TopicState:
        """Ask the broker for partitions and identity; raises IngestError."""
        return _describe(self._admin, self.bootstrap_servers, self.topic)

    def first_offsets(self, partitions: Iterable[int]) -> dict[int, int]:
        """Return the oldest offset that the broker still has, by partition."""
        return self._offsets(OffsetSpec.EARLIEST, partitions)

    def end_offsets(self, partitions: Iterable[int]) -> dict[int, int]:
        """Return the offset after the last message, by partition; some brokers say too little."""
        return self._offsets(OffsetSpec.LATEST, partitions)

    def _offsets(self, which: OffsetSpec, partitions: Iterable[int]) -> dict[int, int]:
        places = {TopicPartition(self.topic, partition): which for partition in partitions}
        try:
            found = self._admin.list_partition_offsets(places, "read_committed")
        except KafkaError as error:
            raise no_broker(self.bootstrap_servers) from error
        return {place.partition: found[place].offset for place in places}

    def report(self, group: str, next_offsets: Mapping[int, int]) -> None:
        """Note offsets under a consumer group, for tools that watch lag; raises IngestError."""
        offsets = {
            TopicPartition(self.topic, partition): OffsetAndMetadata(offset, "", -1)
            for partition, offset in next_offsets.items()
        }
        try:
            errors = self._admin.alter_group_offsets(group, offsets).values()
        except KafkaError as error:
            errors = [type(error)]
        if failed := next((error for error in errors if error is not NoError), None):
            raise IngestError(
                f"the broker at {self.bootstrap_servers} does not let offsets be reported under"
                f" group {group}: {failed.__name__}"
            )

"""A batch: what one transaction of a sink stores, every message as one row of one Arrow table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import pyarrow as pa
from kafka.consumer.fetcher import ConsumerRecord

from ingest.events import Rejection, decode

_EPOCH = datetime(1970, 1, 1)
_TIME = pa.timestamp("us")

# Named as in the raw tables. An accepted message has a payload and no reason, a rejected one has
# a reason and the original bytes (none at all, if the broker delivered none).
MESSAGES_SCHEMA = pa.schema(
    [
        ("event_id", pa.string()),
        ("customer_id", pa.string()),
        ("event_type", pa.string()),
        ("occurred_at", _TIME),
        ("amount", pa.float64()),
        ("payload", pa.string()),
        ("message", pa.binary()),
        ("reason", pa.string()),
        ("kafka_topic", pa.string()),
        ("kafka_partition", pa.int32()),
        ("kafka_offset", pa.int64()),
        ("published_at", _TIME),
        ("loaded_at", _TIME),
    ]
)


def judge(
    records: Mapping[int, Sequence[ConsumerRecord]],
    topic: "StoredTopic",
    stands: Mapping[int, int],
) -> "Batch":
    """Turn messages by partition into a batch; `stands` is the next offset that the sink expects.

    A partition that the sink has never seen is absent from `stands`.
    """
    loaded_at = datetime.now(timezone.utc).replace(tzinfo=None)
    rows = [
        (*_judged(message, loaded_at), topic.name, partition, message.offset)
        for partition, messages in records.items()
        for message in messages
    ]
    *judged, published_at, names, partitions, offsets = zip(*rows, strict=True)
    columns = (*judged, names, partitions, offsets, published_at, [loaded_at] * len(rows))
    arrays = [
        pa.array(column, field.type) for column, field in zip(columns, MESSAGES_SCHEMA, strict=True)
    ]
    spans = tuple(
        Span(partition, stands.get(partition), messages[0].offset, messages[-1].offset + 1)
        for partition, messages in records.items()
    )
    return Batch(topic, pa.Table.from_arrays(arrays, schema=MESSAGES_SCHEMA), spans)


def _judged(message: ConsumerRecord, loaded_at: datetime) -> tuple:
    published_at = _published_at(message.timestamp, loaded_at)
    event = decode(message.value, published_at)
    if isinstance(event, Rejection):
        return None, None, None, None, None, None, message.value, event.reason, published_at
    return (
        event.event_id,
        event.customer_id,
        event.event_type,
        event.occurred_at,
        event.amount,
        message.value,
        None,
        None,
        published_at,
    )


def _published_at(milliseconds: int | None, loaded_at: datetime) -> datetime:
    """Return the message's own time; no message is published after it was read."""
    if milliseconds is None or milliseconds < 0:
        return loaded_at
    try:
        return min(_EPOCH + timedelta(milliseconds=milliseconds), loaded_at)
    except OverflowError:
        return loaded_at


@dataclass(frozen=True)
class StoredTopic:
    """The name under which a topic's rows are stored, and the broker's identity of that topic."""

    name: str
    topic_id: str | None


@dataclass(frozen=True)
class Span:
    """The offsets of one partition in a batch; `resumed_from` is None where nothing was stored."""

    partition: int
    resumed_from: int | None
    first_offset: int
    next_offset: int


@dataclass(frozen=True)
class Batch:
    """Judged messages (MESSAGES_SCHEMA, times in UTC) and the offsets that they cover."""

    topic: StoredTopic
    messages: pa.Table
    spans: tuple[Span, ...]

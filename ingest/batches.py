"""A batch: what one transaction of a sink stores, every message as one row of one of two tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from itertools import chain

import numpy
import pyarrow as pa
import pyarrow.compute as pc

from ingest.contract_limits import contract_limits
from ingest.events import (
    MESSAGE_KEPT_BYTES,
    MESSAGE_MAX_BYTES,
    Event,
    Rejection,
    decode,
    decode_usual,
    without_byte_order_mark,
)
from ingest.fetched import Fetched
from ingest.forgotten import Forgotten
from runtime.clock import utc_now

# Devices run ahead of the loader by time zones and bad clocks; a day covers the honest ones.
MAX_AHEAD = timedelta(hours=24)

_TOO_FAR_AHEAD = "occurred_at is more than 24 hours ahead of the loader's clock"

_NONE_REFUSED: Mapping[int, str] = {}
_TIME = pa.timestamp("us")
_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = _EPOCH.replace(tzinfo=timezone.utc)
_PLACE = [
    ("kafka_topic", pa.string()),
    ("kafka_partition", pa.int32()),
    ("kafka_offset", pa.int64()),
    ("published_at", _TIME),
    ("loaded_at", _TIME),
]
_MESSAGE = ["message", *(name for name, _ in _PLACE)]
# Named as in the raw tables; all times are UTC without a zone.
EVENTS_SCHEMA = pa.schema(
    [
        ("event_id", pa.string()),
        ("customer_id", pa.string()),
        ("event_type", pa.string()),
        ("occurred_at", _TIME),
        ("amount", pa.float64()),
        ("payload", pa.string()),
        *_PLACE,
    ]
)
REJECTED_SCHEMA = pa.schema([("message", pa.binary()), ("reason", pa.string()), *_PLACE])


def judge(
    fetched: Mapping[int, Fetched], topic: "StoredTopic", stands: Mapping[int, int]
) -> "Batch":
    """Turn messages by partition into a batch; `stands` is the next offset that the sink expects.

    A partition that the sink has never seen is absent from `stands`. One without messages is left
    out of the batch.
    """
    fetched = {partition: part for partition, part in fetched.items() if part.values}
    loaded_at = utc_now()
    values = [*chain.from_iterable(part.values for part in fetched.values())]
    messages = _with_places(values, fetched, topic.name, loaded_at)
    refused, before = {}, 0
    for part in fetched.values():
        refused |= {before + place: reason for place, reason in part.refused.items()}
        before += len(part.values)
    events, rejected = judge_messages(messages, values, refused)
    spans = tuple(
        Span(
            partition,
            stands.get(partition),
            part.offsets[0],
            part.offsets[-1] + 1,
            part.end_offset,
        )
        for partition, part in fetched.items()
    )
    return Batch(topic, loaded_at, events, rejected, spans)


def judge_messages(
    messages: pa.Table, values: list[bytes | None], refused: Mapping[int, str] = _NONE_REFUSED
) -> tuple[pa.Table, pa.Table]:
    """Return events (EVENTS_SCHEMA) and rejected messages (REJECTED_SCHEMA): each message is one.

    `messages` needs the columns message, kafka_topic, kafka_partition, kafka_offset, published_at
    and loaded_at; `values` are the first of these as Python has them. `refused` has by place why
    the reader could not make a message of what it read.
    """
    texts = _as_texts(messages["message"])
    events = None if texts is None or refused else decode_usual(values)
    accepted, rejected = messages, REJECTED_SCHEMA.empty_table()
    payloads: pa.Array | pa.ChunkedArray = messages["message"]
    if events is None:
        judged = [
            Rejection(refused[place]) if place in refused else decode(value)
            for place, value in enumerate(values)
        ]
        events = [one for one in judged if isinstance(one, Event)]
        reasons = [one.reason for one in judged if isinstance(one, Rejection)]
        is_event = pa.array([isinstance(one, Event) for one in judged], pa.bool_())
        accepted, refused = messages.filter(is_event), messages.filter(pc.invert(is_event))
        payloads = pa.array(
            [
                without_byte_order_mark(value)
                for value, one in zip(values, judged, strict=True)
                if isinstance(one, Event)
            ],
            pa.binary(),
        )
        refused = _shortened(refused.select(_MESSAGE))
        refused = refused.append_column("reason", pa.array(reasons, pa.string()))
        rejected = _shaped(refused, REJECTED_SCHEMA)
    rows = _event_rows(events, payloads, accepted)
    reasons = _reasons_beyond_limits(rows)
    is_beyond = pc.is_valid(reasons)
    if pc.any(is_beyond).as_py():
        refused = accepted.filter(is_beyond).select(_MESSAGE)
        refused = refused.append_column("reason", reasons.filter(is_beyond))
        rejected = pa.concat_tables([rejected, _shaped(refused, REJECTED_SCHEMA)])
        rows = rows.filter(pc.invert(is_beyond))
    return rows, rejected


def _shortened(messages: pa.Table) -> pa.Table:
    """Return messages of which only the beginning is kept where they are too large."""
    column = messages.schema.get_field_index("message")
    values = messages["message"]
    is_large = pc.fill_null(pc.greater(pc.binary_length(values), MESSAGE_MAX_BYTES), False)
    kept = pc.if_else(is_large, pc.binary_slice(values, 0, MESSAGE_KEPT_BYTES), values)
    return messages.set_column(column, "message", kept)


def _reasons_beyond_limits(rows: pa.Table) -> pa.Array:
    """Return by row why it lies beyond the bounds of the contract; null where it does not.

    An event is compared with the loader's clock, because a topic's time is what its sender wrote.
    """
    limits = contract_limits()
    ahead = pc.subtract(rows["occurred_at"], rows["loaded_at"])
    found = pa.nulls(len(rows), pa.string())
    for is_broken, reason in [
        (pc.greater(ahead, pa.scalar(MAX_AHEAD)), _TOO_FAR_AHEAD),
        (
            pc.less(rows["occurred_at"], pa.scalar(limits.earliest, _TIME)),
            f"occurred_at lies before {limits.earliest:%Y-%m-%d}, the var earliest_event_date:"
            " probably a device whose clock was not set",
        ),
        (
            pc.greater(pc.abs(rows["amount"]), limits.largest_amount),
            f"amount lies beyond {limits.largest_amount:,.0f}, the var largest_amount:"
            " probably a time, or another unit",
        ),
    ]:
        found = pc.if_else(pc.fill_null(is_broken, False), reason, found)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _as_texts(messages: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return the messages as texts, or None where one of them is not UTF-8."""
    try:
        return messages.cast(pa.string())
    except pa.ArrowInvalid:
        return None


def turn_down(
    events: pa.Table, rejected: pa.Table, is_turned_down: pa.ChunkedArray, reason: str
) -> tuple[pa.Table, pa.Table]:
    """Return events and rejected messages with the marked events among the rejected."""
    if not pc.any(is_turned_down).as_py():
        return events, rejected
    turned = events.filter(is_turned_down)
    turned = turned.append_column("message", turned["payload"].cast(pa.binary()))
    turned = turned.append_column("reason", pa.repeat(reason, len(turned)))
    kept = events.filter(pc.invert(is_turned_down))
    return kept, pa.concat_tables([rejected, _shaped(turned, REJECTED_SCHEMA)])


def _with_places(
    values: list[bytes | None], fetched: Mapping[int, Fetched], topic: str, loaded_at: datetime
) -> pa.Table:
    """Return every message with its place on the topic and its times."""
    parts = fetched.values()
    published_at = _integers(part.timestamps for part in parts)
    # No message is published after it was read, and some carry no time at all.
    now = (loaded_at - _EPOCH) // timedelta(microseconds=1)
    is_known = (published_at >= 0) & (published_at <= now // 1_000)
    published_at = numpy.where(is_known, published_at * 1_000, now)
    partitions = numpy.repeat([*fetched], [len(part.values) for part in parts])
    return pa.table(
        {
            "message": pa.array(values, pa.binary()),
            "kafka_topic": pa.repeat(topic, len(partitions)),
            "kafka_partition": pa.array(partitions, pa.int32()),
            "kafka_offset": _integers(part.offsets for part in parts),
            "published_at": pa.array(published_at).cast(_TIME),
            "loaded_at": pa.repeat(pa.scalar(loaded_at, _TIME), len(partitions)),
        }
    )


def _integers(lists: Iterable[list[int]]) -> numpy.ndarray:
    return numpy.fromiter(chain.from_iterable(lists), "int64")


def _event_rows(
    events: list[Event], payloads: pa.Array | pa.ChunkedArray, accepted: pa.Table
) -> pa.Table:
    # By way of durations: Arrow takes four times as long for times with a zone.
    times = pa.array([one.occurred_at - _EPOCH_UTC for one in events], pa.duration("us"))
    return _shaped(
        pa.table(
            {
                "event_id": [one.event_id for one in events],
                "customer_id": [one.customer_id for one in events],
                "event_type": [one.event_type for one in events],
                "occurred_at": times.cast(pa.int64()).cast(_TIME),
                "amount": pa.array([one.amount for one in events], pa.float64()),
                "payload": payloads,
                **{name: accepted[name] for name, _ in _PLACE},
            }
        ),
        EVENTS_SCHEMA,
    )


def _shaped(table: pa.Table, schema: pa.Schema) -> pa.Table:
    return table.select(schema.names).cast(schema)


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
    end_offset: int | None


@dataclass(frozen=True)
class Batch:
    """Judged messages, each in one of two tables, and the offsets that they cover."""

    topic: StoredTopic
    loaded_at: datetime
    events: pa.Table
    rejected: pa.Table
    spans: tuple[Span, ...]

    def without(self, forgotten: Forgotten) -> "Batch":
        """Return the batch without messages of forgotten customers; its offsets stay."""
        return replace(
            self,
            events=forgotten.kept(self.events),
            rejected=forgotten.kept_rejected(self.rejected),
        )

    def turn_down(self, is_turned_down: pa.ChunkedArray, reason: str) -> "Batch":
        """Return the batch with the marked events among the rejected messages."""
        events, rejected = turn_down(self.events, self.rejected, is_turned_down, reason)
        return replace(self, events=events, rejected=rejected)

    def offsets(self) -> pa.Table:
        """Return what the batch covers, one row per partition, as in ingest_batches.

        The column resumed_from is added: where the sink must stand for the batch to fit on.
        """
        accepted, rejected = (_per_partition(rows) for rows in (self.events, self.rejected))
        partitions = [span.partition for span in self.spans]
        return pa.table(
            {
                "kafka_topic": pa.repeat(self.topic.name, len(partitions)),
                "kafka_topic_id": pa.array([self.topic.topic_id] * len(partitions), pa.string()),
                "kafka_partition": pa.array(partitions, pa.int32()),
                "resumed_from": pa.array([span.resumed_from for span in self.spans], pa.int64()),
                "first_offset": [span.first_offset for span in self.spans],
                "next_offset": [span.next_offset for span in self.spans],
                "end_offset": pa.array([span.end_offset for span in self.spans], pa.int64()),
                "accepted_count": [accepted.get(partition, 0) for partition in partitions],
                "rejected_count": [rejected.get(partition, 0) for partition in partitions],
                "loaded_at": pa.repeat(pa.scalar(self.loaded_at, _TIME), len(partitions)),
            }
        )


def _per_partition(rows: pa.Table) -> dict[int, int]:
    counted = rows["kafka_partition"].value_counts().to_pylist()
    return {one["values"]: one["counts"] for one in counted}

"""What the Snowflake sink asks and changes in SQL: at a start, and for rejected messages."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa

from ingest.batches import REJECTED_SCHEMA
from ingest.forgotten import FORGOTTEN
from runtime.errors import IngestError

LIVES = "select distinct kafka_topic_id, kafka_topic from ingest_batches"
NEXT_OFFSETS = """
    select kafka_partition, max(next_offset)
    from ingest_batches where kafka_topic = %s group by kafka_partition
"""
STORED = """
    select kafka_offset from churn_scores_raw
    where kafka_topic = %s and kafka_partition = %s and kafka_offset >= %s
    union all
    select kafka_offset from churn_events_rejected
    where kafka_topic = %s and kafka_partition = %s and kafka_offset >= %s
"""
_REJECTED = """
    select message, reason, kafka_topic, kafka_partition, kafka_offset, published_at, loaded_at
    from churn_events_rejected
    where %s is null or kafka_topic = %s
    order by kafka_topic, kafka_partition, kafka_offset
"""
# Events travel as one bound parameter: a JSON array, read again by the database.
_FORGET = """
    delete from churn_events_rejected
    using (
        select
            value:kafka_topic::varchar as kafka_topic,
            value:kafka_partition::integer as kafka_partition,
            value:kafka_offset::integer as kafka_offset
        from table(flatten(input => parse_json(%s)))
    ) as accepted
    where churn_events_rejected.kafka_topic = accepted.kafka_topic
        and churn_events_rejected.kafka_partition = accepted.kafka_partition
        and churn_events_rejected.kafka_offset = accepted.kafka_offset
"""
_ACCEPT = """
    insert into churn_scores_raw (
        event_id, customer_id, event_type, occurred_at, amount, payload,
        kafka_topic, kafka_partition, kafka_offset, published_at, loaded_at
    )
    select
        value:event_id::varchar,
        value:customer_id::varchar,
        value:event_type::varchar,
        value:occurred_at::timestamp_ntz,
        value:amount::double,
        value:payload,
        value:kafka_topic::varchar,
        value:kafka_partition::integer,
        value:kafka_offset::integer,
        value:published_at::timestamp_ntz,
        value:loaded_at::timestamp_ntz
    from table(flatten(input => parse_json(%s)))
"""
STATEMENTS = (LIVES, NEXT_OFFSETS, STORED, FORGOTTEN, _REJECTED, _FORGET, _ACCEPT)
_PIECE_ROWS = 5_000


def rejected(connection: Any, topic: str | None) -> Iterator[pa.Table]:
    """Return the rejected messages of one topic or of all, in pieces (REJECTED_SCHEMA)."""
    with connection.cursor() as cursor:
        cursor.execute(_REJECTED, (topic, topic))
        while rows := cursor.fetchmany(_PIECE_ROWS):
            named = [dict(zip(REJECTED_SCHEMA.names, row, strict=True)) for row in rows]
            yield pa.Table.from_pylist(named, schema=REJECTED_SCHEMA)


def accept(connection: Any, events: list[dict]) -> int:
    """Move events from the rejected to the raw table in one transaction; return how many.

    `events` are rows whose payload is nested values. A text would be parsed once more, and that
    parser refuses an object with a name twice, where the decoder takes the last value.
    Raises IngestError, with nothing changed, when another replay has moved some of them.
    """
    parameter = (msgspec.json.encode(events).decode(),)
    with connection.cursor() as cursor:
        cursor.execute("begin")
        try:
            cursor.execute(_FORGET, parameter)  # waits for another replay of the same rows
            if cursor.rowcount != len(events):
                raise IngestError(
                    "another replay of rejected messages is under way: run this again after it"
                )
            cursor.execute(_ACCEPT, parameter)
            cursor.execute("commit")
        except BaseException:
            cursor.execute("rollback")
            raise
    return len(events)

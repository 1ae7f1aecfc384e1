"""The laptop's sink: rows and offsets become visible together, in one DuckLake transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from embedded.database import LakeError, connect, explain, lake_path, transact
from ingest.batches import Batch
from ingest.errors import IngestError

_TABLES = {"churn_scores_raw", "churn_events_rejected", "ingest_batches"}

# What the decoder takes and this engine does not is one rejected row, never a failed batch.
_JUDGE = """
    select * exclude (is_unreadable) replace (
        if(is_unreadable, encode(payload), message) as message,
        if(is_unreadable, 'the message is not JSON that the database reads', reason) as reason
    )
    from (select *, coalesce(not json_valid(payload), false) as is_unreadable from messages)
"""
# The partitions whose stored offsets are not those that the batch goes on from.
_MOVED = """
    with stands as (
        select kafka_topic, kafka_partition, max(next_offset) as stands
        from ingest_batches where next_offset >= {oldest}
        group by all
    )
    select kafka_partition, resumed_from, stands
    from batch_spans left join stands using (kafka_topic, kafka_partition)
    where stands is distinct from resumed_from
"""
_INSERTS = (
    """
    insert into churn_scores_raw by name
    select * exclude (message, reason) replace (cast(payload as json) as payload)
    from judged_messages where reason is null
    """,
    """
    insert into churn_events_rejected by name
    select kafka_topic, kafka_partition, kafka_offset, message, reason, published_at, loaded_at
    from judged_messages where reason is not null
    """,
    """
    insert into ingest_batches by name
    select
        kafka_topic, kafka_topic_id, kafka_partition, first_offset, next_offset,
        count(*) filter (where reason is null) as accepted_count,
        count(reason) as rejected_count,
        loaded_at
    from judged_messages join batch_spans using (kafka_topic, kafka_partition)
    group by all
    """,
)


class DuckLakeSink:
    """Appends batches to the raw tables of the lake at $CHURN_LAKE."""

    def __init__(self) -> None:
        """Open the lake; raises LakeError, or IngestError when the raw tables are missing."""
        self._connection = connect(create=False)
        # DuckLake may carry an insert over to a newer snapshot without running it again, and so
        # past the check of the offsets. Without that, every lost race comes back to transact.
        self._connection.execute("set ducklake_max_retry_count = 0")
        found = {name for (name,) in self._connection.execute("show tables").fetchall()}
        if missing := sorted(_TABLES - found):
            self.close()
            raise IngestError(
                f"the lake at {lake_path()} has no table {missing[0]}: run 'dbt build' first"
            )

    def lives(self, topic: str) -> dict[str | None, str]:
        """Return the stored name of every life of a topic, by the broker's id of that life."""
        rows = self._connection.execute(
            "select distinct kafka_topic_id, kafka_topic from ingest_batches"
        ).fetchall()
        return {life: name for life, name in rows if name.partition("@")[0] == topic}

    def next_offsets(self, stored_name: str) -> dict[int, int]:
        """Return where to go on, by partition."""
        rows = self._connection.execute(
            "select kafka_topic, kafka_partition, max(next_offset) from ingest_batches group by all"
        ).fetchall()
        return {partition: offset for name, partition, offset in rows if name == stored_name}

    def write(self, batch: Batch) -> int:
        """Store rows and offsets together or not at all; return how many rows were accepted.

        Raises IngestError when another loader has stored some of these offsets, and LakeError
        when the lake cannot be written.
        """
        try:
            with self._registered(batch) as accepted:
                transact(self._connection, lambda lake: _insert(lake, batch))
        except duckdb.Error as error:
            raise LakeError(explain(error)) from error
        return accepted

    @contextmanager
    def _registered(self, batch: Batch) -> Iterator[int]:
        self._connection.register("messages", batch.messages)
        judged = self._connection.execute(_JUDGE).to_arrow_table()
        self._connection.unregister("messages")
        self._connection.register("judged_messages", judged)
        self._connection.register("batch_spans", _spans(batch))
        try:
            yield judged["reason"].null_count
        finally:
            self._connection.unregister("judged_messages")
            self._connection.unregister("batch_spans")

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


def _insert(lake: duckdb.DuckDBPyConnection, batch: Batch) -> None:
    # Only rows at or after these offsets matter, and statistics skip the files of all others.
    oldest = min(span.resumed_from or 0 for span in batch.spans)
    if moved := lake.execute(_MOVED.format(oldest=oldest)).fetchone():
        partition, expected, stands = moved
        raise IngestError(
            f"another loader is writing topic {batch.topic.name} into the lake at {lake_path()}:"
            f" partition {partition} stands at offset {stands}, not {expected};"
            " let only one of them run"
        )
    for statement in _INSERTS:
        lake.execute(statement)


def _spans(batch: Batch) -> pa.Table:
    return pa.table(
        {
            "kafka_topic": [batch.topic.name] * len(batch.spans),
            "kafka_topic_id": pa.array([batch.topic.topic_id] * len(batch.spans), pa.string()),
            "kafka_partition": pa.array([span.partition for span in batch.spans], pa.int32()),
            "resumed_from": pa.array([span.resumed_from for span in batch.spans], pa.int64()),
            "first_offset": [span.first_offset for span in batch.spans],
            "next_offset": [span.next_offset for span in batch.spans],
        }
    )

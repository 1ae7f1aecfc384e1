"""The laptop's sink: rows and offsets become visible together, in one DuckLake transaction."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from embedded.changes import current_snapshot, may_have_changed
from embedded.compaction import merge_files
from embedded.database import (
    CATALOG,
    INLINED_ROWS,
    LARGE,
    attach_for_large_rows,
    connect,
    explain,
    lake_path,
    transact,
)
from ingest.batches import REJECTED_SCHEMA, Batch
from runtime.errors import EngineError, IngestError
from runtime.single_process import single_process

_TABLES = {"churn_scores_raw", "churn_events_rejected", "ingest_batches"}

# The partitions whose stored offsets are not those that the batch goes on from.
_MOVED = """
    with stands as (
        select kafka_topic, kafka_partition, max(next_offset) as stands
        from {lake}.main.ingest_batches where next_offset >= {oldest}
        group by all
    )
    select kafka_partition, resumed_from, stands
    from batch_offsets left join stands using (kafka_topic, kafka_partition)
    where stands is distinct from resumed_from
"""
# Times in the raw tables have no zone, and JSON has a type of its own.
_INSERTS = {
    "batch_events": """
        insert into {lake}.main.churn_scores_raw by name
        select * replace (cast(payload as json) as payload) from batch_events
    """,
    "batch_rejected": """
        insert into {lake}.main.churn_events_rejected by name select * from batch_rejected
    """,
    "batch_offsets": """
        insert into {lake}.main.ingest_batches by name
        select * exclude (resumed_from) from batch_offsets
    """,
}
_REJECTED = """
    select message, reason, kafka_topic, kafka_partition, kafka_offset, published_at, loaded_at
    from lake.main.churn_events_rejected
    where $1 is null or kafka_topic = $1
    order by kafka_topic, kafka_partition, kafka_offset
"""
_ACCEPT = """
    insert into lake.main.churn_scores_raw by name
    select batch_events.* replace (cast(payload as json) as payload)
    from batch_events
    semi join lake.main.churn_events_rejected using (kafka_topic, kafka_partition, kafka_offset)
"""
_FORGET = """
    delete from lake.main.churn_events_rejected as rejected using batch_events
    where rejected.kafka_topic = batch_events.kafka_topic
        and rejected.kafka_partition = batch_events.kafka_partition
        and rejected.kafka_offset = batch_events.kafka_offset
"""
_MEMORY = "200MB"
_PIECE_ROWS = 10_000
# Every look at the raw table opens all of its small files, so that these must stay few.
_SMALL_FILES = 20
_SMALL_FILE_BYTES = 250_000
# More than this is not kept in the catalog, however few rows it is.
_LARGE_BYTES = 1024 * 1024
_UNREADABLE = "the message is not JSON that the database reads"


class DuckLakeSink:
    """Appends batches to the raw tables of the lake at $CHURN_LAKE."""

    def __init__(self) -> None:
        """Open the lake; raises EngineError, or IngestError when the raw tables are missing."""
        self._connection = connect(role=None, create=False)
        # Rows are few and large here: what is buffered for one batch is all the memory it takes.
        self._connection.execute(f"set memory_limit = '{_MEMORY}'")
        # The commit has the second core, not both: reading goes on beside it.
        self._connection.execute("set threads = 1")
        # DuckLake may carry an insert over to a newer snapshot without running it again, and so
        # past the check of the offsets. Without that, every lost race comes back to transact.
        self._connection.execute("set ducklake_max_retry_count = 0")
        found = {name for (name,) in self._connection.execute("show tables").fetchall()}
        if missing := sorted(_TABLES - found):
            self.close()
            raise IngestError(
                f"the lake at {lake_path()} has no table {missing[0]}: run 'dbt build' first"
            )
        attach_for_large_rows(self._connection)
        self._small_files = 0
        # Where our last batch ended, by topic and partition, and the snapshot that it made.
        self._ended_at: dict[tuple[str, int], int] = {}
        self._last_snapshot: int | None = None
        # Statements that need no lake then begin no transaction on it.
        self._connection.execute("use memory")

    def lives(self, topic: str) -> dict[str | None, str]:
        """Return the stored name of every life of a topic, by the broker's id of that life."""
        rows = self._connection.execute(
            "select distinct kafka_topic_id, kafka_topic from lake.main.ingest_batches"
        ).fetchall()
        return {life: name for life, name in rows if name.partition("@")[0] == topic}

    def next_offsets(self, stored_name: str) -> dict[int, int]:
        """Return where to go on, by partition."""
        rows = self._connection.execute(
            "select kafka_topic, kafka_partition, max(next_offset)"
            " from lake.main.ingest_batches group by all"
        ).fetchall()
        return {partition: offset for name, partition, offset in rows if name == stored_name}

    def hold(self, topic: str, stop: threading.Event) -> AbstractContextManager[bool]:
        """Be the only loader of a topic: wait for another one, or until `stop` (then False)."""
        return single_process(
            lake_path() / "loaders", topic, f"topic {topic} is being loaded", stop
        )

    def write(self, batch: Batch) -> int:
        """Store rows and offsets together or not at all; return how many rows were accepted.

        Raises IngestError when another loader has stored some of these offsets, and EngineError
        when the lake cannot be written.
        """
        try:
            try:
                self._store(batch)
            except duckdb.ConversionException:  # rare: one message that only the decoder reads
                is_unreadable = pc.invert(self._is_readable(batch.events))
                batch = batch.turn_down(is_unreadable, _UNREADABLE)
                self._store(batch)
        except duckdb.Error as error:
            raise EngineError(explain(error)) from error
        return len(batch.events)

    def _store(self, batch: Batch) -> None:
        tables = (batch.events, batch.rejected, batch.offsets())
        filled = {view: rows for view, rows in zip(_INSERTS, tables, strict=True) if len(rows)}
        if not filled:  # which would make no snapshot
            return
        with ExitStack() as views:
            for view, rows in filled.items():
                views.enter_context(self._view(view, rows))
            insert = partial(self._insert, batch=batch, views=filled)
            self._last_snapshot = transact(self._connection, insert)
        for span in batch.spans:
            self._ended_at[batch.topic.name, span.partition] = span.next_offset
        if batch.events.nbytes < _SMALL_FILE_BYTES and len(batch.events) > INLINED_ROWS:
            self._small_files += 1
        if self._small_files >= _SMALL_FILES:
            transact(self._connection, _merge_small_files)
            self._small_files = 0

    def _insert(
        self, lake: duckdb.DuckDBPyConnection, batch: Batch, views: Iterable[str]
    ) -> int | None:
        """Insert what is not empty; return the snapshot that this will make, None if unknown."""
        size = batch.events.nbytes + batch.rejected.nbytes
        name = LARGE if size > _LARGE_BYTES else CATALOG
        snapshot = current_snapshot(lake) if name == CATALOG else None
        if snapshot is None or not self._goes_on(lake, batch):
            _check_offsets(lake, batch, name)
        for view in views:
            lake.execute(_INSERTS[view].format(lake=name))
        return None if snapshot is None else snapshot + 1

    def _goes_on(self, lake: duckdb.DuckDBPyConnection, batch: Batch) -> bool:
        """Tell, sooner than what is stored does, whether a batch follows our last one of all."""
        return (
            self._last_snapshot is not None
            and all(
                span.resumed_from is not None
                and self._ended_at.get((batch.topic.name, span.partition)) == span.resumed_from
                for span in batch.spans
            )
            and not may_have_changed(lake, "ingest_batches", self._last_snapshot)
        )

    def rejected(self, topic: str | None) -> Iterator[pa.Table]:
        """Return the rejected messages of one topic or of all, in pieces (REJECTED_SCHEMA)."""
        with self._connection.cursor() as cursor:
            reader = cursor.execute(_REJECTED, [topic]).to_arrow_reader(_PIECE_ROWS)
            for piece in reader:
                yield pa.Table.from_batches([piece]).select(REJECTED_SCHEMA.names)

    def accept(self, events: pa.Table) -> int:
        """Move messages that are events now from the rejected to the raw table; return how many.

        What this engine does not read stays where it is. Raises EngineError.
        """
        events = events.filter(self._is_readable(events))
        try:
            with self._view("batch_events", events):
                return transact(self._connection, _accept)
        except duckdb.Error as error:
            raise EngineError(explain(error)) from error

    def _is_readable(self, events: pa.Table) -> pa.ChunkedArray:
        """Mark what this engine reads too, which the decoder took: the rest never fails a batch."""
        with self._view("batch_events", events):
            marked = self._connection.execute("select json_valid(payload) from batch_events")
            return marked.to_arrow_table().column(0)

    @contextmanager
    def _view(self, name: str, rows: pa.Table) -> Iterator[None]:
        self._connection.register(name, rows)
        try:
            yield
        finally:
            self._connection.unregister(name)

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


def _check_offsets(lake: duckdb.DuckDBPyConnection, batch: Batch, name: str) -> None:
    """Raise IngestError when a batch does not go on from what is stored."""
    # Only rows at or after these offsets matter, and statistics skip the files of all others.
    oldest = min(span.resumed_from or 0 for span in batch.spans)
    if moved := lake.execute(_MOVED.format(lake=name, oldest=oldest)).fetchone():
        partition, expected, stands = moved
        raise IngestError(
            f"another loader is writing topic {batch.topic.name} into the lake at {lake_path()}:"
            f" partition {partition} stands at offset {stands}, not {expected};"
            " let only one of them run"
        )


def _merge_small_files(lake: duckdb.DuckDBPyConnection) -> int:
    return merge_files(lake, schema="main", table="churn_scores_raw", below_bytes=_SMALL_FILE_BYTES)


def _accept(lake: duckdb.DuckDBPyConnection) -> int:
    accepted = lake.execute(_ACCEPT).fetchone()
    lake.execute(_FORGET)
    return accepted[0] if accepted else 0

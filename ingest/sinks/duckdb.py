"""The laptop's sink: rows and offsets become visible together, in one transaction."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from embedded.engine.storage import Connection, Database, Opened, explain, transact
from ingest.batches import REJECTED_SCHEMA, Batch
from ingest.forgotten import FORGOTTEN, Forgotten
from ingest.sinks import Stored, stored
from runtime.errors import EngineError, IngestError
from runtime.single_process import single_process

_TABLES = {"churn_scores_raw", "churn_events_rejected", "ingest_batches", "forgotten_customers"}

# The partitions whose stored offsets are not those that the batch goes on from.
_MOVED = """
    with stored as (
        select kafka_topic, kafka_partition, max(next_offset) as stored_offset
        from ingest_batches where next_offset >= {oldest}
        group by all
    )
    select kafka_partition, resumed_from, stored_offset
    from batch_offsets left join stored using (kafka_topic, kafka_partition)
    where stored_offset is distinct from resumed_from
"""
# Times in the raw tables have no zone, and JSON has a type of its own.
_INSERTS = {
    "batch_events": """
        insert into churn_scores_raw by name
        select * replace (cast(payload as json) as payload) from batch_events
    """,
    "batch_rejected": "insert into churn_events_rejected by name select * from batch_rejected",
    "batch_offsets": """
        insert into ingest_batches by name select * exclude (resumed_from) from batch_offsets
    """,
}
_REJECTED = """
    select message, reason, kafka_topic, kafka_partition, kafka_offset, published_at, loaded_at
    from churn_events_rejected
    where $1 is null or kafka_topic = $1
    order by kafka_topic, kafka_partition, kafka_offset
"""
_ACCEPT = """
    insert into churn_scores_raw by name
    select batch_events.* replace (cast(payload as json) as payload)
    from batch_events
    semi join churn_events_rejected using (kafka_topic, kafka_partition, kafka_offset)
"""
_FORGET = """
    delete from churn_events_rejected as rejected using batch_events
    where rejected.kafka_topic = batch_events.kafka_topic
        and rejected.kafka_partition = batch_events.kafka_partition
        and rejected.kafka_offset = batch_events.kafka_offset
"""
_PIECE_ROWS = 10_000
# In turn: added rows do not conflict, and each batch must see where the one before it ended.
_writing = threading.Lock()
_UNREADABLE = "the message is not JSON that the database reads"


class DuckDBSink:
    """Appends batches to the raw tables of a database; other processes may have it in between."""

    def __init__(self, database: Database) -> None:
        """Look for the raw tables; raises EngineError, or IngestError when one is missing."""
        self._database = database
        self._opened: Opened | None = None
        self._cursor: Connection | None = None
        with self._connection() as connection:
            found = {name for (name,) in connection.execute("show tables").fetchall()}
        if missing := sorted(_TABLES - found):
            raise IngestError(
                f"the database {database.file} has no table {missing[0]}: run 'dbt build' first"
            )

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """Have the sink's connection, which lives as long as the file stays open."""
        with self._database.session() as opened:
            if self._opened is not opened or self._cursor is None:
                self._opened, self._cursor = opened, opened.cursor()
            yield self._cursor

    def lives(self, topic: str) -> dict[str | None, str]:
        """Return the stored name of every life of a topic, by the broker's id of that life."""
        with self._connection() as connection:
            rows = connection.execute(
                "select distinct kafka_topic_id, kafka_topic from ingest_batches"
            ).fetchall()
        return {life: name for life, name in rows if name.partition("@")[0] == topic}

    def next_offsets(self, stored_name: str) -> dict[int, int]:
        """Return where to go on, by partition."""
        with self._connection() as connection:
            rows = connection.execute(
                "select kafka_topic, kafka_partition, max(next_offset)"
                " from ingest_batches group by all"
            ).fetchall()
        return {partition: offset for name, partition, offset in rows if name == stored_name}

    def hold(self, topic: str, stop: threading.Event) -> AbstractContextManager[bool]:
        """Be the only loader of a topic: wait for another one, or until `stop` (then False)."""
        folder = self._database.home / "loaders"
        return single_process(folder, topic, f"topic {topic} is being loaded", stop)

    def write(self, batch: Batch) -> Stored:
        """Store rows and offsets together or not at all; return what became of the messages.

        Raises IngestError when another loader has stored some of these offsets, and EngineError
        when the database cannot be written.
        """
        judged = batch
        try:
            with self._connection() as connection:
                # Asked each time: who forgets a customer has the file between two batches.
                batch = batch.without(_forgotten(connection))
                try:
                    self._store(connection, batch)
                except duckdb.ConversionException:  # rare: a message that only the decoder reads
                    is_unreadable = pc.invert(_is_readable(connection, batch.events))
                    batch = batch.turn_down(is_unreadable, _UNREADABLE)
                    self._store(connection, batch)
        except duckdb.FatalException:  # ends the process, see embedded/up.py
            raise
        except duckdb.Error as error:
            raise EngineError(explain(error)) from error
        return stored(judged, batch)

    def _store(self, connection: Connection, batch: Batch) -> None:
        tables = (batch.events, batch.rejected, batch.offsets())
        filled = {view: rows for view, rows in zip(_INSERTS, tables, strict=True) if len(rows)}
        if not filled:
            return

        def work(open_: Connection) -> None:
            self._check_offsets(open_, batch)
            for view in filled:
                open_.execute(_INSERTS[view])

        with ExitStack() as views:
            for view, rows in filled.items():
                views.enter_context(_view(connection, view, rows))
            transact(connection, work, _writing)

    def _check_offsets(self, connection: Connection, batch: Batch) -> None:
        """Raise IngestError when a batch does not go on from what is stored."""
        # Only rows at or after these offsets matter, and statistics skip most of the others.
        oldest = min(span.resumed_from or 0 for span in batch.spans)
        if moved := connection.execute(_MOVED.format(oldest=oldest)).fetchone():
            partition, expected, stored = moved
            raise IngestError(
                f"another loader is writing topic {batch.topic.name} into {self._database.file}:"
                f" partition {partition} is at offset {stored}, not {expected};"
                " let only one of them run"
            )

    def rejected(self, topic: str | None) -> Iterator[pa.Table]:
        """Return the rejected messages of one topic or of all, in pieces (REJECTED_SCHEMA)."""
        with self._database.session() as opened:
            cursor = opened.cursor()
            try:
                reader = cursor.execute(_REJECTED, [topic]).to_arrow_reader(_PIECE_ROWS)
                for piece in reader:
                    yield pa.Table.from_batches([piece]).select(REJECTED_SCHEMA.names)
            finally:
                cursor.close()

    def accept(self, events: pa.Table) -> int:
        """Move messages that are events now from the rejected to the raw table; return how many.

        What this engine does not read stays where it is. Raises EngineError.
        """
        try:
            with self._connection() as connection:
                events = _forgotten(connection).kept(events)
                events = events.filter(_is_readable(connection, events))
                with _view(connection, "batch_events", events):
                    return transact(connection, _accept, _writing)
        except duckdb.FatalException:  # ends the process, see embedded/up.py
            raise
        except duckdb.Error as error:
            raise EngineError(explain(error)) from error

    def close(self) -> None:
        """Let go of the connection."""
        if self._cursor is not None:
            self._cursor.close()
        self._opened = self._cursor = None


def _forgotten(connection: Connection) -> Forgotten:
    return Forgotten.of_rows(connection.execute(FORGOTTEN).fetchall())


def _accept(connection: Connection) -> int:
    accepted = connection.execute(_ACCEPT).fetchone()
    connection.execute(_FORGET)
    return accepted[0] if accepted else 0


def _is_readable(connection: Connection, events: pa.Table) -> pa.ChunkedArray:
    """Mark what this engine reads too, which the decoder took: the rest never fails a batch."""
    with _view(connection, "batch_events", events):
        marked = connection.execute("select json_valid(payload) from batch_events")
        return marked.to_arrow_table().column(0)


@contextmanager
def _view(connection: Connection, name: str, rows: pa.Table) -> Iterator[None]:
    connection.register(name, rows)
    try:
        yield
    finally:
        connection.unregister(name)

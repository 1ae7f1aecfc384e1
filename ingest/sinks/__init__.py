"""Where batches go: one sink per engine, all with the same promises."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

import pyarrow as pa

from ingest.batches import Batch


def open_sink(name: str) -> "Sink":
    """Open the sink of that name; raises IngestError or EngineError when it cannot be used."""
    return SINKS[name]()  # each imports its own database only, of which both take a while


def _open_duckdb() -> "Sink":
    from embedded.engine.storage import existing_database
    from ingest.sinks.duckdb import DuckDBSink

    return DuckDBSink(existing_database())


def _open_snowflake() -> "Sink":
    from ingest.sinks.snowflake import SnowflakeSink
    from ingest.sinks.snowflake_account import account_from_environment, require_streaming

    require_streaming()
    return SnowflakeSink(account_from_environment())


class Stored(NamedTuple):
    """How many messages of a batch were stored as events and as rejected, and how many dropped."""

    accepted: int
    rejected: int
    forgotten: int


def stored(judged: Batch, written: Batch) -> Stored:
    """Return what became of a batch: what was judged beside what of it was written."""
    counts = len(written.events), len(written.rejected)
    return Stored(*counts, len(judged.events) + len(judged.rejected) - sum(counts))


class Sink(Protocol):
    """Stores batches exactly once. Every method raises IngestError or EngineError in one line."""

    def hold(self, topic: str, stop: threading.Event) -> AbstractContextManager[bool]:
        """Be the only loader of a topic: wait for another one, or until `stop` (then False)."""

    def lives(self, topic: str) -> dict[str | None, str]:
        """Return the stored name of every life of a topic, by the broker's id of that life."""

    def next_offsets(self, stored_name: str) -> dict[int, int]:
        """Return where to go on, by partition."""

    def write(self, batch: Batch) -> "Stored":
        """Store rows and offsets together or not at all; return what became of the messages.

        Those of forgotten customers are not stored.
        """

    def rejected(self, topic: str | None) -> Iterator[pa.Table]:
        """Return the rejected messages of one topic or of all, in pieces (REJECTED_SCHEMA)."""

    def accept(self, events: pa.Table) -> int:
        """Move messages that are events now from the rejected to the raw table; return how many.

        What is no longer among the rejected is left alone, so that doing it twice changes nothing,
        and so is what is of a forgotten customer.
        """

    def close(self) -> None:
        """Let go of the connection."""


SINKS = {"duckdb": _open_duckdb, "snowflake": _open_snowflake}

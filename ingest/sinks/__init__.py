"""Where batches go: one sink per engine, all with the same promises."""

from typing import Protocol

from ingest.batches import Batch


def open_sink(name: str) -> "Sink":
    """Open the sink of that name; raises IngestError or LakeError when it cannot be used."""
    return SINKS[name]()


def _open_ducklake() -> "Sink":
    from ingest.sinks.ducklake import DuckLakeSink

    return DuckLakeSink()


class Sink(Protocol):
    """Stores batches exactly once. Every method raises IngestError or LakeError in one line."""

    def lives(self, topic: str) -> dict[str | None, str]:
        """Return the stored name of every life of a topic, by the broker's id of that life."""

    def next_offsets(self, stored_name: str) -> dict[int, int]:
        """Return where to go on, by partition."""

    def write(self, batch: Batch) -> int:
        """Store rows and offsets together or not at all; return how many rows were accepted."""

    def close(self) -> None:
        """Let go of the connection."""


SINKS = {"duckdb": _open_ducklake}

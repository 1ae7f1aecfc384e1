"""Committing batches, one behind the next, and what came of them."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ingest.batches import Batch
from ingest.sinks import Sink, Stored


@dataclass(frozen=True)
class LoadSummary:
    """What a run of the loader committed: messages by verdict, batches, seconds since its start.

    `forgotten` counts messages of customers who were forgotten, which are not stored. `lag` counts
    by partition the offsets that the broker was known to hold and that are not read.
    """

    accepted: int = 0
    rejected: int = 0
    batches: int = 0
    seconds: float = 0.0
    lag: dict[int, int] = field(default_factory=dict)
    forgotten: int = 0

    @property
    def count(self) -> int:
        """All messages."""
        return self.accepted + self.rejected + self.forgotten

    @property
    def rate(self) -> float:
        """Messages per second."""
        return self.count / self.seconds if self.seconds else 0.0


class Committer:
    """Commits one batch in the background while the next one is read and judged."""

    def __init__(self, sink: Sink) -> None:
        """Commit to this sink."""
        self._sink = sink
        self._thread = ThreadPoolExecutor(1, "commit")
        self._pending: tuple[Future[Stored], Batch] | None = None
        self._done = LoadSummary()
        self.next_offsets: dict[int, int] = {}

    def __enter__(self) -> "Committer":
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    def commit(self, batch: Batch) -> None:
        """Commit a batch once the one before it is in; raises what that one's commit raised."""
        self.settle()
        self._pending = self._thread.submit(self._sink.write, batch), batch

    def settle(self) -> None:
        """Wait for the batch under way; raises IngestError or EngineError if it could not be."""
        if self._pending is None:
            return
        (result, batch), self._pending = self._pending, None
        stored = result.result()
        self.next_offsets.update((span.partition, span.next_offset) for span in batch.spans)
        self._done = replace(
            self._done,
            accepted=self._done.accepted + stored.accepted,
            rejected=self._done.rejected + stored.rejected,
            forgotten=self._done.forgotten + stored.forgotten,
            batches=self._done.batches + 1,
        )

    def settle_if_done(self) -> None:
        """Take in the batch under way if that needs no waiting; raises as `settle` does."""
        if self._pending is not None and self._pending[0].done():
            self.settle()

    def summary(self, started: float, lag: dict[int, int]) -> LoadSummary:
        """Return what was committed since `started`."""
        return replace(self._done, seconds=time.monotonic() - started, lag=lag)

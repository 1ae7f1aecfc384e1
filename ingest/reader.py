"""Reading a topic: partitions by hand, offsets from the warehouse, never from the broker."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace

from ingest.clients import Client, open_client
from ingest.fetched import Fetched
from ingest.kafka import TopicAdmin, TopicState
from runtime.errors import IngestError

_POLL_SECONDS = 0.1
# A batch of large messages is full before it has many of them: this bounds the memory.
_BATCH_BYTES = 6 * 1024 * 1024
# Each batch costs its sink a transaction, and messages that have waited so long can wait for more.
_BEHIND_SECONDS = 1.0
# Some brokers report end offsets that are too low, so the end is reached when nothing comes, too.
_QUIET_SECONDS = 0.5
# So long nothing comes although the broker holds more: a slow broker needs less, and what is left
# then is behind a transaction that is still open.
_PATIENCE_SECONDS = 5.0


class TopicReader:
    """Reads the partitions it is told to, and knows how far it has come in each."""

    def __init__(self, bootstrap_servers: str, topic: str, client: str) -> None:
        """Connect within a few seconds; raises IngestError when no broker answers."""
        self.bootstrap_servers, self.topic = bootstrap_servers, topic
        with ExitStack() as opened:
            self._admin = opened.enter_context(TopicAdmin(bootstrap_servers, topic))
            self._client: Client = opened.enter_context(
                closing(open_client(client, bootstrap_servers, topic))
            )
            self._opened = opened.pop_all()
        self._next_offsets: dict[int, int] = {}
        self._end_offsets: dict[int, int] = {}
        self._last_arrival = time.monotonic()
        self._failure: IngestError | None = None

    def __enter__(self) -> "TopicReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def describe(self) -> TopicState:
        """Ask the broker for partitions and identity; raises IngestError."""
        return self._admin.describe()

    def first_offsets(self, partitions: Iterable[int]) -> dict[int, int]:
        """Return the oldest offset that the broker still has, by partition."""
        return self._admin.first_offsets(partitions)

    def end_offsets(self, partitions: Iterable[int]) -> dict[int, int]:
        """Return the offset after the last message, by partition; some brokers say too little."""
        return self._admin.end_offsets(partitions)

    def report(self, group: str, next_offsets: Mapping[int, int]) -> None:
        """Note offsets under a consumer group, for tools that watch lag; raises IngestError."""
        self._admin.report(group, next_offsets)

    def add(self, starts: Mapping[int, int]) -> None:
        """Read these partitions too, each from its offset."""
        self._client.read(starts)
        self._next_offsets.update(starts)
        self._last_arrival = time.monotonic()

    def collect(self, batch_rows: int, linger_seconds: float) -> dict[int, Fetched]:
        """Return messages by partition, or nothing after a moment; raises IngestError.

        Stops with the poll that brings them to `batch_rows`, or `linger_seconds` after the first;
        where the broker holds all of them already, they are waited for a little longer. What came
        before an error is returned, and the error is raised the next time.
        """
        if self._failure is not None:
            raise self._failure
        collected: dict[int, list[Fetched]] = defaultdict(list)
        rows = size = 0
        wait, began = _POLL_SECONDS, None
        while wait > 0 and rows < batch_rows and size < _BATCH_BYTES:
            count = 0
            try:
                polled = self._poll(min(wait, _POLL_SECONDS))
            except IngestError as error:
                if not rows:
                    raise
                self._failure = error
                break
            for partition, part in polled.items():
                collected[partition].append(part)
                count += len(part.values)
                size += sum(len(value) for value in part.values if value is not None)
            rows += count
            if began is None:
                if not count:
                    return {}
                began = time.monotonic()
            is_behind = rows + sum(self.lag().values()) >= batch_rows
            patience = max(linger_seconds, _BEHIND_SECONDS) if is_behind else linger_seconds
            wait = began + patience - time.monotonic()
        return {partition: _joined(parts) for partition, parts in collected.items()}

    def _poll(self, timeout_seconds: float) -> dict[int, Fetched]:
        polled = self._client.poll(timeout_seconds)
        for partition, part in polled.items():
            self._next_offsets[partition] = part.next_offset
            if part.end_offset is not None:
                self._end_offsets[partition] = part.end_offset
            if part.values:
                self._last_arrival = time.monotonic()
        return polled

    def has_read(self, ends: Mapping[int, int]) -> bool:
        """Tell whether these offsets were reached, and nothing has come for half a second.

        Where the broker has told of more, or has not answered yet, it takes five seconds.
        """
        if any(self._next_offsets[partition] < end for partition, end in ends.items()):
            return False
        is_known = all(partition in self._end_offsets for partition in ends)
        is_all = is_known and not any(self.lag().values())
        quiet_for = time.monotonic() - self._last_arrival
        return quiet_for >= (_QUIET_SECONDS if is_all else _PATIENCE_SECONDS)

    def lag(self) -> dict[int, int]:
        """Return by partition how many offsets the broker was known to hold that are not read."""
        return {
            partition: max(0, self._end_offsets.get(partition, 0) - offset)
            for partition, offset in sorted(self._next_offsets.items())
        }


def _joined(parts: list[Fetched]) -> Fetched:
    if len(parts) == 1:
        return parts[0]
    return replace(
        parts[-1],
        values=[value for part in parts for value in part.values],
        offsets=[offset for part in parts for offset in part.offsets],
        timestamps=[timestamp for part in parts for timestamp in part.timestamps],
    )

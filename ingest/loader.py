"""The loader: poll, judge, commit. What the sink has committed is the only memory there is."""

import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

from kafka.consumer.fetcher import ConsumerRecord

from ingest.kafka import TopicReader
from ingest.sinks import Sink
from ingest.topics import LoadedTopic

BATCH_ROWS = 50_000
LINGER_SECONDS = 0.1

_BATCH_BYTES = 64 * 1024 * 1024
_POLL_SECONDS = 0.1
# Some brokers report end offsets that are too low, so the end is reached when nothing comes, too.
_QUIET_SECONDS = 0.5


def load(
    sink: Sink,
    bootstrap_servers: str,
    topic: str,
    *,
    until_end: bool = False,
    recreated: bool = False,
    skip_lost: bool = False,
    batch_rows: int = BATCH_ROWS,
    linger_seconds: float = LINGER_SECONDS,
    stop: threading.Event | None = None,
    on_progress: Callable[["LoadSummary"], None] | None = None,
) -> "LoadSummary":
    """Load a topic into the sink, each message exactly once, until `stop` is set.

    `until_end` stops once everything is in that the topic held at the start, and nothing more has
    come for half a second. `recreated` loads a topic that was deleted and made anew as a new one.
    `skip_lost` goes on after messages that the broker deleted before they were loaded. A batch is
    committed `linger_seconds` after its first message, or at `batch_rows` messages.
    Raises IngestError or LakeError; what was committed by then stays, and a rerun goes on there.
    """
    stop = stop or threading.Event()
    summary, started = LoadSummary(), time.monotonic()
    with TopicReader(bootstrap_servers, topic) as reader:
        loaded = LoadedTopic(reader, sink, recreated=recreated, skip_lost=skip_lost)
        ends = reader.end_offsets(loaded.partitions) if until_end else {}
        last_arrival = time.monotonic()
        while not stop.is_set():
            loaded.refresh(patient=not until_end)
            if messages := _collect(reader, batch_rows, linger_seconds):
                count, accepted = sum(map(len, messages.values())), loaded.store(messages)
                last_arrival = time.monotonic()
                summary = summary.plus(accepted, count - accepted, last_arrival - started)
                if on_progress:
                    on_progress(summary)
            elif until_end and _is_read(reader, ends, time.monotonic() - last_arrival):
                break
    return replace(summary, seconds=time.monotonic() - started)


def stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set: the batch at hand is committed, then all ends.

    Works in the main thread only.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _is_read(reader: TopicReader, ends: dict[int, int], quiet_seconds: float) -> bool:
    return quiet_seconds >= _QUIET_SECONDS and all(
        reader.position(partition) >= end for partition, end in ends.items()
    )


def _collect(
    reader: TopicReader, batch_rows: int, linger_seconds: float
) -> dict[int, list[ConsumerRecord]]:
    collected: dict[int, list[ConsumerRecord]] = defaultdict(list)
    rows = size = 0
    wait, deadline = _POLL_SECONDS, None
    while wait > 0 and rows < batch_rows and size < _BATCH_BYTES:
        polled = reader.poll(batch_rows - rows, wait)
        if not polled and deadline is None:
            break
        deadline = deadline or time.monotonic() + linger_seconds
        for partition, messages in polled.items():
            collected[partition] += messages
            rows += len(messages)
            size += sum(message.serialized_value_size for message in messages)
        wait = deadline - time.monotonic()
    return collected


@dataclass(frozen=True)
class LoadSummary:
    """What a run of the loader committed: messages by verdict, batches, seconds since its start."""

    accepted: int = 0
    rejected: int = 0
    batches: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Messages per second."""
        return (self.accepted + self.rejected) / self.seconds if self.seconds else 0.0

    def plus(self, accepted: int, rejected: int, seconds: float) -> "LoadSummary":
        """Return the summary after one more batch, `seconds` after the start."""
        return LoadSummary(
            self.accepted + accepted, self.rejected + rejected, self.batches + 1, seconds
        )

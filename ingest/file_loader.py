"""Files straight into the warehouse: as exactly once as a topic, without a broker."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ingest.batches import Batch, StoredTopic, judge
from ingest.committer import Committer, LoadSummary
from ingest.event_types import count_types, unnamed_in_words
from ingest.fetched import Fetched
from ingest.files import EventFile, Messages
from ingest.interpreter import busy_interpreter
from ingest.loader import BATCH_ROWS
from ingest.seen import Seen, count_copies
from ingest.sinks import Sink
from ingest.topics import stored_name
from runtime.errors import IngestError

PARTITION = 0  # a file is a topic with one


def load_file(
    sink: Sink,
    file: EventFile,
    *,
    batch_rows: int = BATCH_ROWS,
    stop: threading.Event | None = None,
    on_progress: Callable[[LoadSummary], None] | None = None,
) -> "FileSummary":
    """Load a file into the sink, each row exactly once, until its end or until `stop` is set.

    Its rows are stored as those of a topic `file:NAME`, offset by the number of the row. The same
    content read in the same way goes on where it ended, which is nowhere once all is in; any other
    content under that name is a new life of the topic. Raises IngestError or EngineError; what was
    committed by then stays, and a rerun goes on there.
    """
    stop, started = stop or threading.Event(), time.monotonic()
    found = FileSummary(file.topic)
    with (
        sink.hold(file.topic, stop) as is_held,
        Committer(sink) as committer,
        busy_interpreter(),
    ):
        if not is_held:
            return found
        topic_id, lives = file.fingerprint(), sink.lives(file.topic)
        name = stored_name(file.topic, topic_id, lives, recreated=True)
        found.is_changed = bool(lives) and topic_id not in lives
        found.stored_name = name
        topic, stands = StoredTopic(name, topic_id), sink.next_offsets(name)
        start = stands.get(PARTITION, 0)
        for messages, is_last in _with_last(file.messages(batch_rows)):
            if stop.is_set():
                found.is_stopped = True
                break
            found.rows += len(messages.numbers)
            if fetched := _from(messages, start, is_last=is_last):
                batch = judge({PARTITION: fetched}, topic, stands)
                stands[PARTITION] = fetched.next_offset
                found.count(batch)
                committer.commit(batch)
            committer.settle_if_done()
            if on_progress:
                on_progress(committer.summary(started, {}))
        committer.settle()
        found.loaded = committer.summary(started, {})
    if not found.rows and not found.is_stopped:
        raise IngestError(f"{file.path} is empty: give a file of events in CSV, JSONL or Parquet")
    return found


def _from(messages: Messages, start: int, *, is_last: bool) -> Fetched | None:
    """Return what is at `start` and behind it, or None when all of it is in already."""
    if messages.numbers[-1] < start:
        return None
    first = next(at for at, number in enumerate(messages.numbers) if number >= start)
    next_offset = messages.numbers[-1] + 1
    numbers = messages.numbers[first:]
    return Fetched(
        list(messages.values[first:]),
        numbers,
        [-1] * len(numbers),  # a file does not say when its rows were sent
        next_offset,
        next_offset if is_last else None,
        {at - first: reason for at, reason in messages.refused.items() if at >= first},
    )


def _with_last(parts: Iterator[Messages]) -> Iterator[tuple[Messages, bool]]:
    """Yield each part with whether it is the last one."""
    before = next(parts, None)
    for part in parts:
        yield before, False
        before = part
    if before is not None:
        yield before, True


@dataclass
class FileSummary:
    """What a run made of one file: rows by verdict, and what is worth knowing of them.

    `copies` counts the rows of this run whose event an earlier row of it was.
    """

    topic: str
    stored_name: str = ""
    loaded: LoadSummary = field(default_factory=LoadSummary)
    rows: int = 0
    copies: int = 0
    is_changed: bool = False
    is_stopped: bool = False
    types: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    _seen: Seen = field(default_factory=Seen)

    def count(self, batch: Batch) -> None:
        """Add what a batch holds."""
        self.types += count_types(batch.events)
        self.reasons.update(batch.rejected["reason"].to_pylist())
        self.copies += count_copies(self._seen, batch.events)

    def in_words(self) -> list[str]:
        """Return the summary of a file, one line for each thing that is to be known."""
        loaded = self.loaded
        lines = [
            f"{self.topic}: loaded {loaded.accepted:,} events, rejected {loaded.rejected:,},"
            f"{f' forgotten {loaded.forgotten:,},' if loaded.forgotten else ''}"
            f" in {loaded.seconds:.1f} s ({loaded.rate:,.0f} events/s)"
        ]
        if before := self.rows - loaded.count:
            lines.append(f"  {before:,} rows were loaded before: none is loaded twice")
        if self.is_stopped:
            lines.append("  stopped before the end: the same command goes on there")
        if self.is_changed:
            lines.append("  the file has changed since it was loaded: it is stored as a new one,")
            lines.append("  and rows that both have are copies, which count once")
        if self.copies:
            lines.append(f"  copies of earlier rows, which count once: {self.copies:,}")
        lines += [f"  {count:,} x {reason}" for reason, count in self.reasons.most_common()]
        if self.reasons:
            lines.append(f"  see them: python -m ingest rejected --topic {self.stored_name}")
        return lines + unnamed_in_words(self.types)

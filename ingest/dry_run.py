"""A dry run: what the loader would make of a topic, without a warehouse and without a trace."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from ingest.batches import StoredTopic, judge
from ingest.libraries import KAFKA_PYTHON
from ingest.loader import BATCH_ROWS, LINGER_SECONDS
from ingest.reader import TopicReader

_SHOWN = ["reason", "kafka_partition", "kafka_offset"]


def dry_run(
    bootstrap_servers: str,
    topic: str,
    *,
    client: str = KAFKA_PYTHON,
    stop: threading.Event | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> "DryRun":
    """Judge every message that a topic holds; `on_progress` gets the count so far.

    Raises IngestError when the topic cannot be read.
    """
    stop, found = stop or threading.Event(), DryRun()
    with TopicReader(bootstrap_servers, topic, client) as reader:
        stored = StoredTopic(topic, None)
        partitions = reader.describe().partitions
        ends = reader.end_offsets(partitions)
        reader.add(reader.first_offsets(partitions))
        while not stop.is_set():
            if fetched := reader.collect(BATCH_ROWS, LINGER_SECONDS):
                batch = judge(fetched, stored, {})
                found.accepted += len(batch.events)
                for row in batch.rejected.select(_SHOWN).to_pylist():
                    found.add_rejected(row)
                if on_progress:
                    on_progress(found.accepted + found.rejected)
            elif reader.has_read(ends):
                break
    return found


@dataclass
class Rejections:
    """How often one rule was broken, and where first, as (partition, offset)."""

    count: int
    first_place: tuple[int, int]


@dataclass
class DryRun:
    """What a dry run found: messages by verdict, and the rejected ones by reason."""

    accepted: int = 0
    reasons: dict[str, Rejections] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        """All messages that would be rejected."""
        return sum(one.count for one in self.reasons.values())

    def add_rejected(self, row: dict) -> None:
        """Count one rejected message."""
        place = (row["kafka_partition"], row["kafka_offset"])
        seen = self.reasons.setdefault(row["reason"], Rejections(0, place))
        seen.count += 1

    def in_words(self) -> list[str]:
        """Return the report, one line for each reason, the most frequent first."""
        total = self.accepted + self.rejected
        lines = [
            f"{total:,} messages: {self.accepted:,} would be loaded, {self.rejected:,} rejected"
        ]
        for reason, seen in sorted(self.reasons.items(), key=lambda item: -item[1].count):
            partition, offset = seen.first_place
            lines.append(
                f"  {seen.count:,} x {reason} (first: partition {partition}, offset {offset})"
            )
        return lines

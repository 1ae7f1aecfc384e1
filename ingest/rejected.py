"""Rejected messages: what was wrong with them, and a second judgement after a fix."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa

from ingest.batches import judge_messages
from ingest.sinks import Sink
from runtime.clock import utc_now

_PREVIEW_BYTES = 120


def list_rejected(sink: Sink, topic: str | None) -> "RejectedReport":
    """Return what was rejected from one topic or from all, by reason; raises EngineError."""
    report = RejectedReport()
    for messages in sink.rejected(topic):
        report.replayable += len(_judged(messages))
        for row in messages.to_pylist():
            report.add(row)
    if topic is not None and not report.count:
        report.topics = sorted({name for name, _ in list_rejected(sink, None).groups})
    return report


def replay_rejected(
    sink: Sink, topic: str | None, on_progress: Callable[[int], None] | None = None
) -> int:
    """Judge rejected messages again and move those that are events now; return how many moved.

    Each keeps its place on the topic, so that it counts once, however often this is done.
    Raises EngineError.
    """
    moved = seen = 0
    for messages in sink.rejected(topic):
        events = _judged(messages)
        if len(events):
            moved += sink.accept(_loaded_now(events))
        seen += len(messages)
        if on_progress:
            on_progress(seen)
    return moved


def _judged(messages: pa.Table) -> pa.Table:
    """Return those of the messages that are events now."""
    events, _ = judge_messages(messages, messages["message"].to_pylist())
    return events


def _loaded_now(events: pa.Table) -> pa.Table:
    column = events.schema.get_field_index("loaded_at")
    of_type = events.schema.field(column)
    now = utc_now()
    return events.set_column(column, of_type, pa.repeat(pa.scalar(now, of_type.type), len(events)))


@dataclass
class Rejected:
    """Messages of one topic that broke the same rule, with the latest of them as an example."""

    count: int = 0
    example: dict = field(default_factory=dict)


@dataclass
class RejectedReport:
    """What was rejected, by (topic, reason), and how many of it would be accepted today."""

    groups: dict[tuple[str, str], Rejected] = field(default_factory=dict)
    replayable: int = 0
    topics: list[str] | None = None  # that do have some, for whoever asked about another

    @property
    def count(self) -> int:
        """All rejected messages."""
        return sum(one.count for one in self.groups.values())

    def add(self, row: dict) -> None:
        """Count one rejected message."""
        group = self.groups.setdefault((row["kafka_topic"], row["reason"]), Rejected())
        group.count += 1
        group.example = row

    def in_words(self) -> list[str]:
        """Return the report, the most frequent reason first, with one example of each."""
        lines = [f"{self.count:,} rejected messages"]
        if self.topics:
            lines[0] += f" of this topic; there are some of {', '.join(self.topics)}"
        for (topic, reason), group in sorted(self.groups.items(), key=lambda one: -one[1].count):
            row = group.example
            lines += [
                f"{group.count:,} x {reason}",
                f"    latest: {topic}, partition {row['kafka_partition']},"
                f" offset {row['kafka_offset']}, published {row['published_at']:%Y-%m-%d %H:%M:%S}",
                f"    {_preview(row['message'])}",
            ]
        if self.count:
            lines.append(
                f"{self.replayable:,} of them obey the contract as it is now"
                + (": add --replay to load them" if self.replayable else "")
            )
        return lines


def _preview(message: bytes | None) -> str:
    """Show the beginning of a message on one line, whatever its bytes are."""
    if message is None:
        return "(no bytes)"
    text = message[:_PREVIEW_BYTES].decode("utf-8", "backslashreplace")
    shown = text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
    return shown + ("…" if len(message) > _PREVIEW_BYTES else "")

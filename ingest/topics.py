"""A topic on its way into a sink: which life of it, which partitions, and from which offsets."""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace

from ingest.batches import Batch, StoredTopic, judge
from ingest.broker import BrokerSilentError
from ingest.fetched import Fetched
from ingest.kafka import TopicState
from ingest.reader import TopicReader
from ingest.sinks import Sink
from runtime.errors import IngestError

REFRESH_SECONDS = 3

_log = logging.getLogger(__name__)


def stored_name(
    topic: str, topic_id: str | None, lives: Mapping[str | None, str], recreated: bool
) -> str:
    """Return the name under which this life of the topic is stored.

    `lives` holds the stored names so far, by the broker's id. Raises IngestError when the topic
    was deleted and made anew, so that its offsets begin again, and `recreated` does not allow it.
    """
    if topic_id in lives:
        return lives[topic_id]
    if not lives or topic_id is None or None in lives:
        return topic  # the first life, or a broker that does not tell lives apart
    if not recreated:
        raise IngestError(
            f"topic {topic} was deleted and made anew since it was last loaded, so its offsets"
            " begin again: add --recreated to load it as a new topic beside the old rows"
        )
    return f"{topic}@{topic_id}"


def start_offset(place: str, stands: int | None, oldest: int, *, skip_lost: bool) -> int:
    """Return where to start: where the sink stands, or at the oldest message if it has none.

    Raises IngestError when messages in between are gone and `skip_lost` does not allow it.
    """
    if stands is not None and stands < oldest and not skip_lost:
        raise IngestError(
            f"the broker deleted offsets {stands} to {oldest - 1} of {place} before they were"
            " loaded: add --skip-lost to go on after them"
        )
    return max(stands or 0, oldest)


class LoadedTopic:
    """Knows where every partition stands, and keeps the reader on all of them."""

    def __init__(
        self, reader: TopicReader, sink: Sink, *, recreated: bool, skip_lost: bool
    ) -> None:
        """Place the reader where the sink stands; raises IngestError when it cannot go on there."""
        self._reader, self._skip_lost = reader, skip_lost
        state = reader.describe()
        name = stored_name(reader.topic, state.topic_id, sink.lives(reader.topic), recreated)
        self._topic = StoredTopic(name, state.topic_id)
        self._stands = sink.next_offsets(name)
        self.partitions: list[int] = []
        self._follow(state)

    def refresh(self, *, patient: bool) -> None:
        """Every few seconds, pick up new partitions; a patient run outlasts a silent broker.

        Raises IngestError when the topic is gone or is not the same any more.
        """
        if time.monotonic() - self._refreshed_at < REFRESH_SECONDS:
            return
        try:
            self._follow(self._reader.describe())
        except BrokerSilentError:
            if not patient:
                raise
            _log.warning("no answer from %s, still trying", self._reader.bootstrap_servers)
            self._refreshed_at = time.monotonic()

    def judge(self, fetched: Mapping[int, Fetched]) -> Batch:
        """Judge messages by partition; the next batch goes on from where this one ends."""
        batch = judge(fetched, self._topic, self._stands)
        # The sink goes on after what carries no message too, such as the end of a transaction: the
        # broker may delete it, and it must not look as if messages had been lost.
        spans = [
            replace(span, next_offset=fetched[span.partition].next_offset) for span in batch.spans
        ]
        batch = replace(batch, spans=tuple(spans))
        self._stands.update((span.partition, span.next_offset) for span in batch.spans)
        return batch

    def _follow(self, state: TopicState) -> None:
        if state.topic_id != self._topic.topic_id:
            raise IngestError(
                f"topic {self._reader.topic} was deleted and made anew while it was being loaded:"
                " start again with --recreated"
            )
        if new := sorted(set(state.partitions) - set(self.partitions)):
            first = self._reader.first_offsets(new)
            starts = {
                partition: start_offset(
                    f"{self._reader.topic}, partition {partition},",
                    self._stands.get(partition),
                    first[partition],
                    skip_lost=self._skip_lost,
                )
                for partition in new
            }
            self._reader.add(starts)
            self.partitions += new
        self._refreshed_at = time.monotonic()

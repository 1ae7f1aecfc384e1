"""The loader: poll, judge, commit. What the sink has committed is the only memory there is."""

import logging
import threading
import time
from collections.abc import Callable

from ingest.committer import Committer, LoadSummary
from ingest.interpreter import busy_interpreter
from ingest.libraries import KAFKA_PYTHON
from ingest.reader import TopicReader
from ingest.sinks import Sink
from ingest.topics import LoadedTopic
from runtime.errors import IngestError

BATCH_ROWS = 30_000
LINGER_SECONDS = 0.1

_REPORT_SECONDS = 1.0

_log = logging.getLogger(__name__)


def load(
    sink: Sink,
    bootstrap_servers: str,
    topic: str,
    *,
    client: str = KAFKA_PYTHON,
    until_end: bool = False,
    recreated: bool = False,
    skip_lost: bool = False,
    batch_rows: int = BATCH_ROWS,
    linger_seconds: float = LINGER_SECONDS,
    report_group: str | None = None,
    stop: threading.Event | None = None,
    on_progress: Callable[[LoadSummary], None] | None = None,
) -> LoadSummary:
    """Load a topic into the sink, each message exactly once, until `stop` is set.

    `until_end` stops once everything is in that the topic held at the start, and nothing more has
    come for half a second. `recreated` loads a topic that was deleted and made anew as a new one.
    `skip_lost` goes on after messages that the broker deleted before they were loaded. A batch is
    committed `linger_seconds` after its first message, or at `batch_rows` messages, while the next
    one is being read. Every second or so, `report_group` is told the offsets that were committed,
    and `on_progress` what was done. Another loader of the topic is waited for.
    Raises IngestError or EngineError; what was committed by then stays, and a rerun goes on there.
    """
    stop, started = stop or threading.Event(), time.monotonic()
    with (
        TopicReader(bootstrap_servers, topic, client) as reader,
        sink.hold(topic, stop) as is_held,
        Committer(sink) as committer,
        busy_interpreter(),
    ):
        if not is_held:
            return LoadSummary()
        loaded = LoadedTopic(reader, sink, recreated=recreated, skip_lost=skip_lost)
        reporter = _Reporter(reader, report_group, on_progress or (lambda _: None))
        ends = reader.end_offsets(loaded.partitions) if until_end else {}
        while not stop.is_set():
            loaded.refresh(patient=not until_end)
            if fetched := reader.collect(batch_rows, linger_seconds):
                committer.commit(loaded.judge(fetched))
                del fetched  # the next one needs the memory
            elif until_end and reader.has_read(ends):
                break
            reporter.tell(committer, started)
        committer.settle()
        reporter.tell(committer, started, is_last=True)
        return committer.summary(started, reader.lag())


class _Reporter:
    """Tells of the progress about once a second, to people and to a consumer group."""

    def __init__(
        self,
        reader: TopicReader,
        group: str | None,
        on_progress: Callable[[LoadSummary], None],
    ) -> None:
        self._reader, self._group, self._on_progress = reader, group, on_progress
        self._told_at = 0.0
        self._reported: dict[int, int] = {}

    def tell(self, committer: Committer, started: float, *, is_last: bool = False) -> None:
        """Tell what has changed since the last time, if that was long enough ago."""
        committer.settle_if_done()
        if not is_last and time.monotonic() - self._told_at < _REPORT_SECONDS:
            return
        self._told_at = time.monotonic()
        self._on_progress(committer.summary(started, self._reader.lag()))
        if self._group and committer.next_offsets != self._reported:
            try:
                self._reader.report(self._group, committer.next_offsets)
            except IngestError as error:  # lag tools go without; the load goes on
                _log.warning("%s", error)
            self._reported = dict(committer.next_offsets)

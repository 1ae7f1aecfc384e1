"""Replay: files of events onto a topic, as they are or moved in time."""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from heapq import merge
from pathlib import Path

from ingest.file_options import FileOptions
from ingest.files import Line, check_file, latest_event, read_lines
from ingest.kafka import DEFAULT_PARTITIONS
from ingest.libraries import KAFKA_PYTHON
from ingest.publisher import send

_AS_IT_IS = FileOptions()

_log = logging.getLogger(__name__)


def replay(
    files: Iterable[Path],
    bootstrap_servers: str,
    topic: str,
    *,
    rate: float | None = None,
    shift_to_now: bool = False,
    options: FileOptions = _AS_IT_IS,
    partitions: int | None = DEFAULT_PARTITIONS,
    on_progress: Callable[[int], None] | None = None,
    client: str = KAFKA_PYTHON,
) -> int:
    """Send the events of one or several files, merged by time; return how many were acknowledged.

    `rate` is in events per second. `shift_to_now` moves all events by the same time, so that the
    last one is now. `options` say how the files are read. A missing topic is created with that many
    `partitions`; None refuses instead.
    A line that breaks the contract is sent as it is, for the loader to judge, and is counted in a
    warning. `client` is the library that sends, kafka-python or librdkafka.
    Raises IngestError when a file cannot be read or the broker does not take all events.
    """
    files = [Path(file) for file in files]
    for file in files:
        check_file(file, options)
    shift = _shift_to_now(files, options) if shift_to_now else timedelta()
    broken = 0

    def messages() -> Iterator[tuple[bytes | None, bytes]]:
        nonlocal broken
        for line in _in_order([read_lines(file, shift, options) for file in files]):
            broken += line.is_broken
            yield line.key, line.message

    sent = send(
        messages(),
        bootstrap_servers,
        topic,
        rate=rate,
        partitions=partitions,
        on_progress=on_progress,
        client=client,
    )
    if broken:
        _log.warning("%s of %s lines break the contract: the loader rejects them", broken, sent)
    return sent


def _shift_to_now(files: list[Path], options: FileOptions) -> timedelta:
    return datetime.now(timezone.utc) - max(latest_event(file, options) for file in files)


def _in_order(readers: list[Iterator[Line]]) -> Iterator[Line]:
    if len(readers) == 1:
        return readers[0]
    return merge(*readers, key=lambda line: line.occurred_at)

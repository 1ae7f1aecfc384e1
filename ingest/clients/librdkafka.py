"""The fast client: librdkafka, through confluent-kafka; the extra [fast] installs it."""

import re
from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from ingest.broker import LIBRDKAFKA_LOG, librdkafka_settings, refused, vanished
from ingest.clients import (
    FETCH_BYTES,
    FETCH_WAIT_MILLISECONDS,
    LONGEST_FETCH_WAIT_MILLISECONDS,
    MAX_MESSAGES,
)
from ingest.clients.unreadable import WRONG_CHECKSUM, damaged, not_compressed, unknown_codec
from ingest.fetched import Fetched
from ingest.libraries import LIBRDKAFKA
from runtime.errors import IngestError

# All that may lie ready in memory, whatever the number of partitions.
_QUEUE_KILOBYTES = 4 * 1024
_NO_TIMESTAMP = 0
# So many polls in a row may bring nothing although there is more, before a fetch waits longer.
_EMPTY_POLLS, _TIMES = 10, 5
# Which codec failed stands in the text alone: "Decompression (codec 0x4) of message at 12 …".
_CODEC = re.compile(r"codec 0x([0-9a-fA-F]+)")


class LibrdkafkaClient:
    """A `Client` over librdkafka."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        """Prepare the connection; raises IngestError for settings that cannot be right."""
        self._bootstrap_servers, self._topic = bootstrap_servers, topic
        self._next_offsets: dict[int, int] = {}
        self._failure: IngestError | None = None
        self._empty_polls = 0
        self._settings = librdkafka_settings(bootstrap_servers) | {
            "group.id": "churn-loader",  # the library wants one, but nothing is stored under it
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "allow.auto.create.topics": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,  # tells of an end that carries no message
            "check.crcs": True,
            "fetch.wait.max.ms": FETCH_WAIT_MILLISECONDS,
            "fetch.message.max.bytes": FETCH_BYTES,
            "queued.max.messages.kbytes": _QUEUE_KILOBYTES,
            # Once there is room again; by default it would leave the broker alone for a second.
            "fetch.queue.backoff.ms": 5,
        }
        self._consumer = Consumer(self._settings, logger=LIBRDKAFKA_LOG)

    def read(self, starts: Mapping[int, int]) -> None:
        """Read these partitions too, each from its offset."""
        self._consumer.incremental_assign(
            [TopicPartition(self._topic, number, at) for number, at in starts.items()]
        )
        self._next_offsets.update(starts)

    def poll(self, timeout_seconds: float) -> dict[int, Fetched]:
        """Return what has come by partition, or nothing after the timeout; raises IngestError."""
        if self._failure is not None:
            raise self._failure
        try:
            # The first one is worth waiting for; with it, only what lies ready.
            first = self._consumer.poll(timeout_seconds)
            ready = [] if first is None else self._consumer.consume(MAX_MESSAGES - 1, 0)
        except KafkaException as error:
            raise refused(self._bootstrap_servers, self._topic, error) from error
        if first is None:
            found = {number: self._fetched(number, [], [], []) for number in self._next_offsets}
            self._wait_longer_if(any(one.is_behind for one in found.values()))
            return found
        self._empty_polls = 0
        return self._by_partition([first, *ready])

    def _wait_longer_if(self, is_behind: bool) -> None:
        """After polls without messages, let fetches wait longer if there are some: connect anew."""
        self._empty_polls = self._empty_polls + 1 if is_behind else 0
        wait = self._settings["fetch.wait.max.ms"]
        if self._empty_polls < _EMPTY_POLLS or wait >= LONGEST_FETCH_WAIT_MILLISECONDS:
            return
        self._empty_polls = 0
        self._settings["fetch.wait.max.ms"] = min(_TIMES * wait, LONGEST_FETCH_WAIT_MILLISECONDS)
        self._consumer.close()
        self._consumer = Consumer(self._settings, logger=LIBRDKAFKA_LOG)
        self.read(dict(self._next_offsets))

    def _by_partition(self, polled: list[Message]) -> dict[int, Fetched]:
        lists: dict[int, tuple[list, list, list]] = {}
        for message in polled:
            partition = message.partition()
            found = lists.get(partition)
            if found is None:
                found = lists[partition] = ([], [], [])
            if (error := message.error()) is not None:
                self._failure = self._judged(error, partition, message)
                if self._failure is not None:
                    break  # after it the library may have passed over messages
                continue
            kind, timestamp = message.timestamp()
            found[0].append(message.value())
            found[1].append(message.offset())
            found[2].append(-1 if kind == _NO_TIMESTAMP else timestamp)
        if self._failure is not None and not any(offsets for _, offsets, _ in lists.values()):
            raise self._failure
        for partition, (_, offsets, _) in lists.items():
            if offsets:
                last = offsets[-1] + 1
                self._next_offsets[partition] = max(self._next_offsets.get(partition, 0), last)
        return {number: self._fetched(number, *found) for number, found in lists.items()}

    def _judged(self, error: KafkaError, partition: int, message: Message) -> IngestError | None:
        """Return what an event that is no message means, None where it is nothing bad."""
        code, place = error.code(), (self._topic, partition, message.offset())
        found = _CODEC.search(error.str())
        codec = int(found[1], 16) if found else None
        if code == KafkaError._PARTITION_EOF:
            self._next_offsets[partition] = message.offset()
        elif code in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            return vanished(self._bootstrap_servers, self._topic)
        elif code == KafkaError._NOT_IMPLEMENTED and codec is not None:
            return unknown_codec(*place, codec, LIBRDKAFKA)
        elif code == KafkaError._BAD_COMPRESSION and codec is not None:
            return damaged(*place, not_compressed(codec), LIBRDKAFKA)
        elif code == KafkaError._BAD_MSG:
            is_checksum = "CRC" in error.str()
            cause = WRONG_CHECKSUM if is_checksum else error.str()
            return damaged(*place, cause, LIBRDKAFKA)
        elif not error.retriable():
            return refused(self._bootstrap_servers, self._topic, error.str())
        return None

    def _fetched(
        self, partition: int, values: list, offsets: list[int], timestamps: list[int]
    ) -> Fetched:
        place = TopicPartition(self._topic, partition)
        _, end = self._consumer.get_watermark_offsets(place, cached=True) or (0, -1)
        return Fetched(
            values, offsets, timestamps, self._next_offsets[partition], end if end >= 0 else None
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._consumer.close()

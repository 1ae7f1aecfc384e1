"""Kafka's record batches, read by kafka-python 3.0.12 with what it gets wrong put right.

All that is put right is done on one consumer, never in the library itself: see `read_carefully`.
"""

from collections.abc import Iterator

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord, Fetcher
from kafka.errors import CorruptRecordError, KafkaError, UnsupportedCodecError
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch
from kafka.record.legacy_records import LegacyRecordBatch
from kafka.record.util import decode_varint

from ingest.clients.unreadable import (
    WRONG_CHECKSUM,
    damaged,
    not_compressed,
    unknown_codec,
)
from ingest.libraries import KAFKA_PYTHON
from runtime.errors import IngestError


def read_carefully(consumer: KafkaConsumer) -> None:
    """Let a consumer read its batches as this module does."""
    consumer._fetcher.PartitionRecords = _PartitionRecords


class _PartitionRecords(Fetcher.PartitionRecords):
    """The records of one partition in one answer of a broker."""

    def _unpack_records(
        self, tp: TopicPartition, records: MemoryRecords, *deserializers: None
    ) -> Iterator[ConsumerRecord]:
        batches = _Batches(records)
        try:
            yield from super()._unpack_records(tp, batches, *deserializers)
        except Exception as error:  # each codec has errors of its own
            raise self._unreadable(batches.current, error) from error

    def _unreadable(
        self, batch: DefaultRecordBatch | LegacyRecordBatch | None, error: Exception
    ) -> IngestError:
        topic, partition = self.topic_partition
        offset = self.next_fetch_offset if batch is None else batch.base_offset
        codec = 0 if batch is None else batch.compression_type
        if isinstance(error, UnsupportedCodecError):
            return unknown_codec(topic, partition, offset, codec, KAFKA_PYTHON)
        if "crc check" in str(error):
            cause = WRONG_CHECKSUM
        elif isinstance(error, KafkaError):  # without its class, which str() puts in front
            cause = error.args[0] if error.args else error
        else:
            cause = not_compressed(codec) if codec else repr(error)
        return damaged(topic, partition, offset, cause, KAFKA_PYTHON)

    def _contains_abort_marker(self, batch: DefaultRecordBatch) -> bool:
        """Tell whether a batch ends an aborted transaction.

        Compaction may leave a marker's batch without its record, and kafka-python ends with
        "StopIteration raised unpacking messageset" there. Nothing is left of such a transaction.
        """
        return batch.records_count > 0 and super()._contains_abort_marker(batch)


class _Batches:
    """Hands out batches one by one, and knows which one is being read."""

    def __init__(self, records: MemoryRecords) -> None:
        self._records = records
        self.current: DefaultRecordBatch | LegacyRecordBatch | None = None

    def next_batch(self) -> DefaultRecordBatch | LegacyRecordBatch | None:
        """Return the next batch, or None after the last one."""
        self.current = None
        self.current = batch = self._records.next_batch()
        if isinstance(batch, DefaultRecordBatch) and not batch.is_control_batch:
            batch.__class__ = _Batch
        return batch


class _Batch(DefaultRecordBatch):
    """A batch whose keys and headers are passed over: an event is in the value alone.

    kafka-python takes a whole batch for damaged when the name of one header is not UTF-8, which
    no broker checks.
    """

    __slots__ = ()

    def _read_msg(self) -> DefaultRecord:
        buffer, header = self._buffer, self._header_data
        attributes, first_timestamp, max_timestamp = header[5], header[7], header[8]
        length, start = decode_varint(buffer, self._pos)
        end = start + length
        timestamp, at = decode_varint(buffer, start + 1)  # after the attributes
        offset, at = decode_varint(buffer, at)
        key_length, at = decode_varint(buffer, at)
        value_length, at = decode_varint(buffer, at + max(key_length, 0))
        value = bytes(buffer[at : at + value_length]) if value_length >= 0 else None
        if not start < at + max(value_length, 0) < end <= len(buffer):
            raise CorruptRecordError("a message does not end where it says")
        self._pos = end
        is_append_time = bool(attributes & self.TIMESTAMP_TYPE_MASK)
        timestamp = max_timestamp if is_append_time else first_timestamp + timestamp
        return DefaultRecord(
            length, header[0] + offset, timestamp, int(is_append_time), None, value, ()
        )

"""Kafka's record batches, byte by byte: also such as no producer sends, but a broker keeps."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from kafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from kafka.record.util import calc_crc32c, encode_varint

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
ABORT, COMMIT = 0, 1
_ENCODERS = {0: bytes, 1: gzip_encode, 2: snappy_encode, 3: lz4_encode, 4: zstd_encode}
_TRANSACTIONAL, _CONTROL = 0x10, 0x20
_TIMESTAMP = 1_767_225_600_000
# Up to the checksum, and what the checksum covers.
_HEAD, _COVERED = struct.Struct(">qiibI"), struct.Struct(">hiqqqhii")


@dataclass(frozen=True)
class RecordBatch:
    """Offsets from `base` to `last`, and what compaction has left of their records."""

    base: int
    last: int
    records: tuple[tuple[int, bytes | None], ...]
    producer: int = -1
    is_transactional: bool = False
    is_control: bool = False
    codec: int = 0

    def encode(self) -> bytes:
        """Return the batch as it stands in the log and on the wire."""
        records = b"".join(self._record(offset, value) for offset, value in self.records)
        # What is empty after compaction is written without a codec.
        codec = self.codec if self.records else 0
        attributes = codec
        attributes |= _TRANSACTIONAL if self.is_transactional else 0
        attributes |= _CONTROL if self.is_control else 0
        epoch = -1 if self.producer < 0 else 0
        sequence = -1 if self.producer < 0 or self.is_control else self.base
        covered = _COVERED.pack(
            attributes,
            self.last - self.base,
            _TIMESTAMP,
            _TIMESTAMP,
            self.producer,
            epoch,
            sequence,
            len(self.records),
        )
        covered += _ENCODERS[codec](records) if records else b""
        return sealed(self.base, covered)

    def _record(self, offset: int, value: bytes | None) -> bytes:
        key, body = None, bytearray(b"\0")  # no attributes
        if self.is_control:
            key, value = value, struct.pack(">hi", 0, 0)
        encode_varint(0, body.append)
        encode_varint(offset - self.base, body.append)
        for field_ in (key, value):
            encode_varint(-1 if field_ is None else len(field_), body.append)
            body += field_ or b""
        encode_varint(0, body.append)  # no headers
        record = bytearray()
        encode_varint(len(body), record.append)
        return bytes(record + body)


def sealed(base: int, covered: bytes) -> bytes:
    """Return a batch of these contents with its length and its checksum."""
    length = _HEAD.size - 12 + len(covered)
    return _HEAD.pack(base, length, 0, 2, calc_crc32c(covered)) + covered


@dataclass
class PartitionLog:
    """A partition as its broker keeps it; everything that is added moves its end on."""

    batches: list[tuple[int, int, bytes]] = field(default_factory=list)
    # By producer, first and last offset.
    aborted: list[tuple[int, int, int]] = field(default_factory=list)
    start: int = 0
    end: int = 0
    # What a reader of whole transactions must be given, by offset.
    expected: dict[int, bytes | None] = field(default_factory=dict)
    _open: dict[int, list[tuple[RecordBatch, bool]]] = field(default_factory=dict)

    @property
    def last_stable(self) -> int:
        """Where the first transaction begins that is still open."""
        return min((begun[0][0].base for begun in self._open.values()), default=self.end)

    @property
    def is_in_transaction(self) -> bool:
        """Tell whether a transaction is open."""
        return bool(self._open)

    @property
    def ends_in_a_gap(self) -> bool:
        """Tell whether nothing is left of the last offsets that a reader may come to.

        No broker has that: what was written last is not compacted.
        """
        ends = [last + 1 for base, last, _ in self.batches if base < self.last_stable]
        return max(ends, default=0) < self.last_stable

    def skip(self, count: int) -> None:
        """Leave a gap: whole batches that compaction took away."""
        self.end += count

    def add(
        self, values: Sequence[bytes | None], kept: Sequence[bool], codec: int = 0
    ) -> RecordBatch:
        """Add messages outside any transaction, of which compaction kept some."""
        batch = self._batch(values, kept, codec=codec)
        self.put(batch.base, batch.last, batch.encode())
        self.expected |= dict(batch.records)
        return batch

    def write(
        self,
        producer: int,
        values: Sequence[bytes | None],
        kept: Sequence[bool],
        *,
        stays: bool = True,
        codec: int = 0,
    ) -> None:
        """Add messages to a producer's transaction; an empty batch `stays`, or is taken away."""
        batch = self._batch(values, kept, producer=producer, is_transactional=True, codec=codec)
        self._open.setdefault(producer, []).append((batch, stays))
        self.end = batch.last + 1

    def finish(self, producer: int, outcome: int, *, marker: str = "kept") -> None:
        """Commit or abort a producer's transaction.

        The marker is "kept", "emptied" or "gone": the latter two only where nothing is left of the
        transaction, as the broker does it. Before a transaction that is open, empty batches stay.
        """
        written = self._open.pop(producer, [])
        if self._open:
            written = [(batch, True) for batch, _ in written]
            marker = "emptied" if marker == "gone" else marker
        if outcome == ABORT and marker != "kept":
            written = [(_emptied(batch), stays) for batch, stays in written]
        is_left = any(batch.records for batch, _ in written)
        for batch, stays in written:
            if batch.records or stays:
                self.put(batch.base, batch.last, batch.encode())
            if outcome == COMMIT:
                self.expected |= dict(batch.records)
        at = self.end
        key = struct.pack(">hh", 0, outcome)
        control = RecordBatch(at, at, ((at, key),), producer, True, True)
        if is_left or marker == "kept":
            self.put(at, at, control.encode())
        elif marker == "emptied":
            self.put(at, at, _emptied(control).encode())
        self.end = at + 1
        if outcome == ABORT and written and (is_left or marker == "kept"):
            self.aborted.append((producer, written[0][0].base, at))

    def put(self, base: int, last: int, encoded: bytes) -> None:
        """Put a batch into its place in the log, whatever it holds."""
        self.batches.append((base, last, encoded))
        self.batches.sort(key=lambda one: one[0])
        self.end = max(self.end, last + 1)

    def _batch(
        self, values: Sequence[bytes | None], kept: Sequence[bool], **more: object
    ) -> RecordBatch:
        offsets = range(self.end, self.end + len(values))
        rows = zip(offsets, values, kept, strict=True)
        records = tuple((offset, value) for offset, value, is_kept in rows if is_kept)
        return RecordBatch(offsets[0], offsets[-1], records, **more)


def _emptied(batch: RecordBatch) -> RecordBatch:
    return RecordBatch(
        batch.base, batch.last, (), batch.producer, batch.is_transactional, batch.is_control
    )

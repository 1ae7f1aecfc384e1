"""Files of events: JSONL, one event per line, and Parquet with one column per field."""

import codecs
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.events import Event, Rejection, decode
from runtime.errors import IngestError, first_line

_BATCH_ROWS = 10_000
_COLUMNS = {
    "event_id": pa.string(),
    "customer_id": pa.string(),
    "event_type": pa.string(),
    "occurred_at": pa.timestamp("us"),
    "amount": pa.float64(),
    "properties": pa.binary(),
}
_REQUIRED = ("event_id", "customer_id", "event_type", "occurred_at")
_FIRST_MOMENT = datetime.min.replace(tzinfo=timezone.utc)


def read_lines(path: Path, shift: timedelta = timedelta()) -> "Iterator[Line]":
    """Yield the events of a file in its own order, all moved by `shift`; raises IngestError.

    A line that breaks the contract keeps its place and its text.
    """
    return _read_parquet(path, shift) if _is_parquet(path) else _read_jsonl(path, shift)


def check_file(path: Path) -> None:
    """Raise IngestError when a file is missing, empty, or not what its ending says."""
    if next(read_lines(path), None) is None:
        raise IngestError(f"{path} is empty: give a file of events in JSONL or Parquet")


def latest_event(path: Path) -> datetime:
    """Return when the last event of a file happened, in UTC; raises IngestError."""
    if _is_parquet(path):
        latest = max((time for time in _parquet_times(path) if time is not None), default=None)
    else:
        events = (line for line in _read_jsonl(path, timedelta()) if not line.is_broken)
        latest = max((line.occurred_at for line in events), default=None)
    if latest is None:
        raise IngestError(f"{path} holds no event that obeys the contract, so none is the last")
    return latest


def _is_parquet(path: Path) -> bool:
    if path.suffix not in (".parquet", ".jsonl"):
        raise IngestError(f"{path} ends in neither .jsonl nor .parquet: name it after what it is")
    if not path.is_file():
        raise IngestError(f"there is no file {path}: check the path")
    return path.suffix == ".parquet"


def _read_jsonl(path: Path, shift: timedelta) -> "Iterator[Line]":
    latest = _FIRST_MOMENT
    try:
        with path.open("rb") as file:
            _check_encoding(path, file)
            for text in file:
                if message := text.strip():
                    line = _judged(message, latest, shift)
                    latest = line.occurred_at
                    yield line
    except OSError as error:
        raise IngestError(f"{path} cannot be read: {error.strerror}") from error


def _check_encoding(path: Path, file: BinaryIO) -> None:
    """Go past a byte order mark; raises IngestError for one of another encoding than UTF-8."""
    beginning = file.read(len(codecs.BOM_UTF8))
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise IngestError(f"{path} is UTF-16: save it as UTF-8, one event a line")
    if beginning != codecs.BOM_UTF8:
        file.seek(0)


def _judged(message: bytes, latest: datetime, shift: timedelta) -> "Line":
    event = _event(message)
    if event is None:
        return Line(latest, None, message, True)
    occurred_at = event.occurred_at.astimezone(timezone.utc)
    if shift:
        try:
            occurred_at += shift
        except OverflowError:  # nobody's event: year 1, or a thousand years ahead
            return Line(latest, None, message, True)
        message = _moved(message, occurred_at)
    return Line(occurred_at, event.customer_id.encode(), message, False)


def _event(message: bytes) -> Event | None:
    """Return the event of a message that obeys the contract."""
    event = decode(message)
    return None if isinstance(event, Rejection) else event


def _moved(message: bytes, occurred_at: datetime) -> bytes:
    """Return the message with another time; every other field keeps its very text."""
    fields: dict[str, Any] = _FIELDS_DECODER.decode(message)
    fields["occurred_at"] = occurred_at
    return _ENCODER.encode(fields)


def _parquet_times(path: Path) -> Iterator[datetime | None]:
    for batch in _parquet_batches(path, ["occurred_at"]):
        latest = pc.max(_in_calendar(batch["occurred_at"])).as_py()
        yield latest and latest.replace(tzinfo=timezone.utc)


def _read_parquet(path: Path, shift: timedelta) -> "Iterator[Line]":
    latest = _FIRST_MOMENT
    for batch in _parquet_batches(path, list(_COLUMNS)):
        columns = [batch[name].to_pylist() for name in _COLUMNS if name != "occurred_at"]
        for occurred_at, *values in zip(_times(batch["occurred_at"], shift), *columns, strict=True):
            latest = occurred_at or latest
            event_id, customer_id, event_type, amount, properties = values
            message = _ENCODER.encode(
                _Row(
                    event_id,
                    customer_id,
                    event_type,
                    occurred_at,
                    amount,
                    msgspec.UNSET if properties is None else msgspec.Raw(properties),
                )
            )
            key = None if customer_id is None else customer_id.encode()
            yield Line(latest, key, message, _event(message) is None)


def _times(column: pa.Array, shift: timedelta) -> list[datetime | None]:
    """Return moved times in UTC; None for those that are missing or that no calendar holds."""
    moved = _in_calendar(pc.add(column, pa.scalar(shift, pa.duration("us"))))
    # By way of NumPy: Arrow itself takes ten times as long to make Python's times.
    times = moved.to_numpy(zero_copy_only=False).tolist()
    return [time and time.replace(tzinfo=timezone.utc) for time in times]


def _in_calendar(times: pa.Array) -> pa.Array:
    """Drop times before year 1 or after year 9999, which Python does not have."""
    is_early = pc.less(times, pa.scalar(datetime.min, times.type))
    is_late = pc.greater(times, pa.scalar(datetime.max, times.type))
    return pc.if_else(pc.or_(is_early, is_late), None, times)


def _parquet_batches(path: Path, names: list[str]) -> Iterator[dict[str, pa.Array]]:
    try:
        with pq.ParquetFile(path) as file:
            present = set(file.schema_arrow.names)
            if missing := [name for name in _REQUIRED if name not in present]:
                raise IngestError(f"{path} has no column {missing[0]}: see the event contract")
            wanted = [name for name in names if name in present]
            for batch in file.iter_batches(_BATCH_ROWS, columns=wanted):
                yield {name: _column(batch, name) for name in names}
    except (pa.ArrowException, OSError) as error:
        detail = first_line(error)
        raise IngestError(f"{path} is not a Parquet file of events: {detail}") from error


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    if name not in batch.schema.names:
        return pa.nulls(len(batch), _COLUMNS[name])
    # Not safe: times may be kept in nanoseconds, of which the contract drops the last three digits.
    return batch[name].cast(_COLUMNS[name], safe=name != "occurred_at")


class Line(msgspec.Struct, frozen=True, gc=False):
    """One event of a file; `occurred_at` is UTC and only orders what is sent."""

    occurred_at: datetime
    key: bytes | None
    message: bytes
    is_broken: bool


class _Row(msgspec.Struct, omit_defaults=True, gc=False):
    event_id: str | None
    customer_id: str | None
    event_type: str | None
    occurred_at: datetime | None
    amount: float | None = None
    properties: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_ENCODER = msgspec.json.Encoder()
_FIELDS_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])

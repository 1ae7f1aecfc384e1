"""Files of events: JSONL, one event per line, and Parquet with one column per field."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.errors import IngestError
from ingest.events import Rejection, decode

_BATCH_ROWS = 10_000
_COLUMNS = {
    "event_id": pa.string(),
    "customer_id": pa.string(),
    "event_type": pa.string(),
    "occurred_at": pa.timestamp("us"),
    "amount": pa.float64(),
    "properties": pa.string(),
}
_REQUIRED = ("event_id", "customer_id", "event_type", "occurred_at")


class Line(NamedTuple):
    """One event of a file; `occurred_at` is UTC, naive, and only orders what is sent."""

    occurred_at: datetime
    key: bytes | None
    message: bytes
    is_broken: bool


def read_lines(path: Path, shift: timedelta = timedelta()) -> Iterator[Line]:
    """Yield the events of a file in its own order, all moved by `shift`; raises IngestError.

    A line that breaks the contract keeps its place and its text.
    """
    return _read_parquet(path, shift) if _is_parquet(path) else _read_jsonl(path, shift)


def check_file(path: Path) -> None:
    """Raise IngestError when a file is missing, empty, or not what its ending says."""
    if next(read_lines(path), None) is None:
        raise IngestError(f"{path} is empty: give a file of events in JSONL or Parquet")


def latest_event(path: Path) -> datetime:
    """Return when the last event of a file happened, in UTC, naive; raises IngestError."""
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


def _read_jsonl(path: Path, shift: timedelta) -> Iterator[Line]:
    latest = datetime.min
    try:
        with path.open("rb") as file:
            for text in file:
                if message := text.strip():
                    line = _judged(message, latest, shift)
                    latest = line.occurred_at
                    yield line
    except OSError as error:
        raise IngestError(f"{path} cannot be read: {error.strerror}") from error


def _judged(message: bytes, latest: datetime, shift: timedelta) -> Line:
    event = decode(message)
    if isinstance(event, Rejection):
        return Line(latest, None, message, True)
    occurred_at = event.occurred_at.astimezone(timezone.utc).replace(tzinfo=None)
    if shift:
        try:
            occurred_at += shift
        except OverflowError:  # nobody's event: year 1, or a thousand years ahead
            return Line(latest, None, message, True)
        message = _moved(message, occurred_at)
    return Line(occurred_at, event.customer_id.encode(), message, False)


def _moved(message: bytes, occurred_at: datetime) -> bytes:
    """Return the message with another time; every other field keeps its very text."""
    fields = msgspec.json.decode(message, type=dict[str, msgspec.Raw])
    moment = msgspec.json.encode(occurred_at.replace(tzinfo=timezone.utc))
    fields["occurred_at"] = msgspec.Raw(moment)
    return msgspec.json.encode(fields)


def _parquet_times(path: Path) -> Iterator[datetime | None]:
    for batch in _parquet_batches(path, ["occurred_at"]):
        yield pc.max(batch["occurred_at"]).as_py()


def _read_parquet(path: Path, shift: timedelta) -> Iterator[Line]:
    latest = datetime.min
    for batch in _parquet_batches(path, list(_COLUMNS)):
        moved = pc.add(batch["occurred_at"], pa.scalar(shift, pa.duration("us")))
        times = moved.to_pylist()
        columns = [batch[name].to_pylist() for name in _COLUMNS if name != "occurred_at"]
        for occurred_at, *values in zip(times, *columns, strict=True):
            latest = occurred_at or latest
            event_id, customer_id, event_type, amount, properties = values
            message = msgspec.json.encode(
                _Row(
                    event_id,
                    customer_id,
                    event_type,
                    occurred_at and occurred_at.replace(tzinfo=timezone.utc),
                    amount,
                    msgspec.UNSET if properties is None else msgspec.Raw(properties.encode()),
                )
            )
            key = None if customer_id is None else customer_id.encode()
            yield Line(latest, key, message, isinstance(decode(message), Rejection))


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
        detail = str(error).splitlines()[0]
        raise IngestError(f"{path} is not a Parquet file of events: {detail}") from error


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    if name not in batch.schema.names:
        return pa.nulls(len(batch), _COLUMNS[name])
    # Not safe: times may be kept in nanoseconds, of which the contract drops the last three digits.
    return batch[name].cast(_COLUMNS[name], safe=name != "occurred_at")


class _Row(msgspec.Struct, omit_defaults=True, gc=False):
    event_id: str | None
    customer_id: str | None
    event_type: str | None
    occurred_at: datetime | None
    amount: float | None = None
    properties: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET

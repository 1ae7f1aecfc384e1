"""Files of events: CSV, JSONL and Parquet, read as messages of the contract."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from ingest.events import Event, decode
from ingest.file_options import FileOptions
from ingest.file_rows import Rows
from ingest.formats import Block
from ingest.formats.csv_file import csv_blocks
from ingest.formats.jsonl_file import is_of_the_contract, jsonl_blocks, numbered_lines
from ingest.formats.parquet_file import parquet_blocks
from runtime.errors import IngestError

# No topic of Kafka has a colon in its name, so that rows of files can be told by it.
FILE_PREFIX = "file:"

_BLOCK_ROWS = 10_000
_BLOCKS = {".csv": csv_blocks, ".tsv": csv_blocks, ".jsonl": jsonl_blocks}
_KINDS = (*_BLOCKS, ".parquet")
_FIRST_MOMENT = datetime.min.replace(tzinfo=timezone.utc)
_AS_IT_IS = FileOptions()
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_MAX_LENGTH = 150
_HASHED_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Messages:
    """Some rows of a file as messages, with their numbers.

    `refused` holds by place why a row could not be taken apart: its message is then its own bytes.
    `block` is what they were made of; a message that was taken as it is has none.
    """

    numbers: list[int]
    values: list[bytes]
    refused: Mapping[int, str] = field(default_factory=dict)
    block: Block | None = None


class EventFile:
    """A file of events and how to read it."""

    def __init__(self, path: Path, options: FileOptions = _AS_IT_IS) -> None:
        """Look at the file's name and whether it is there; raises IngestError."""
        name = path.name.lower().removesuffix(".gz")
        self.path, self.options = path, options
        self.kind = next((kind for kind in _KINDS if name.endswith(kind)), "")
        if not self.kind or (self.kind == ".parquet" and path.name.lower().endswith(".gz")):
            raise IngestError(
                f"{path} ends in none of .csv, .tsv, .jsonl and .parquet: name it after what it is"
            )
        if not path.is_file():
            raise IngestError(f"there is no file {path}: check the path")
        self.rows = Rows(path, options)

    @property
    def topic(self) -> str:
        """The name under which the file's rows are stored; '@' begins the number of a life."""
        name = _NOT_IN_A_NAME.sub("_", self.path.name)
        return f"{FILE_PREFIX}{name[-_NAME_MAX_LENGTH:]}"

    def fingerprint(self) -> str:
        """Return what tells this content, read in this way, from any other; raises IngestError."""
        found = hashlib.sha256(self.options.signature())
        try:
            with self.path.open("rb") as file:
                while piece := file.read(_HASHED_BYTES):
                    found.update(piece)
        except OSError as error:
            raise IngestError(f"{self.path} cannot be read: {error.strerror}") from error
        return found.hexdigest()[:16]

    def messages(self, block_rows: int = _BLOCK_ROWS) -> Iterator[Messages]:
        """Yield the rows of the file in its own order, some at a time; raises IngestError.

        Lines of a JSONL file in the contract's form stay as they are. Of any other file the columns
        are read as `options` say.
        """
        is_whole = self.kind == ".jsonl" and is_of_the_contract(self.path)
        if is_whole and self.options.is_default:
            for lines in numbered_lines(self.path, block_rows):
                yield Messages([number for number, _ in lines], [line for _, line in lines])
            return
        self.rows = Rows(self.path, self.options)
        blocks = _BLOCKS.get(self.kind, parquet_blocks)
        for block in blocks(self.path, block_rows):
            values = self.rows.messages(block)
            for place, one in block.broken.items():
                values[place] = one.content
            refused = {place: one.reason for place, one in block.broken.items()}
            yield Messages(block.numbers, values, refused, block)


def read_lines(
    path: Path, shift: timedelta = timedelta(), options: FileOptions = _AS_IT_IS
) -> "Iterator[Line]":
    """Yield the events of a file in its own order, all moved by `shift`; raises IngestError.

    A line that breaks the contract keeps its place and its text.
    """
    latest = _FIRST_MOMENT
    for messages in EventFile(path, options).messages():
        for place, message in enumerate(messages.values):
            line = _judged(message, latest, shift, is_broken=place in messages.refused)
            latest = line.occurred_at
            yield line


def check_file(path: Path, options: FileOptions = _AS_IT_IS) -> None:
    """Raise IngestError when a file is missing, empty, or not what its ending says."""
    if next(EventFile(path, options).messages(1), None) is None:
        raise IngestError(f"{path} is empty: give a file of events in CSV, JSONL or Parquet")


def latest_event(path: Path, options: FileOptions = _AS_IT_IS) -> datetime:
    """Return when the last event of a file happened, in UTC; raises IngestError."""
    lines = read_lines(path, options=options)
    latest = max((line.occurred_at for line in lines if not line.is_broken), default=None)
    if latest is None:
        raise IngestError(f"{path} holds no event that obeys the contract, so none is the last")
    return latest


def _judged(message: bytes, latest: datetime, shift: timedelta, *, is_broken: bool) -> "Line":
    event = None if is_broken else decode(message)
    if not isinstance(event, Event):
        return Line(latest, None, message, True)
    occurred_at = event.occurred_at.astimezone(timezone.utc)
    if shift:
        try:
            occurred_at += shift
        except OverflowError:  # nobody's event: year 1, or a thousand years ahead
            return Line(latest, None, message, True)
        message = _moved(message, occurred_at)
    return Line(occurred_at, event.customer_id.encode(), message, False)


def _moved(message: bytes, occurred_at: datetime) -> bytes:
    """Return the message with another time; every other field keeps its very text."""
    fields: dict[str, Any] = _FIELDS_DECODER.decode(message)
    fields["occurred_at"] = occurred_at
    return _ENCODER.encode(fields)


class Line(msgspec.Struct, frozen=True, gc=False):
    """One event of a file; `occurred_at` is UTC and only orders what is sent."""

    occurred_at: datetime
    key: bytes | None
    message: bytes
    is_broken: bool


_ENCODER = msgspec.json.Encoder()
_FIELDS_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])

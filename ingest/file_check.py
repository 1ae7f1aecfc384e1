"""The check of files: what every column and row is understood as, without loading anything."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.compute as pc

from ingest.batches import StoredTopic, judge
from ingest.event_types import count_types
from ingest.fetched import Fetched
from ingest.file_options import FIELDS, FileOptions
from ingest.file_times import DATE, NAIVE, NUMBER, OTHER, ZONED
from ingest.files import EventFile, Messages
from ingest.formats import Block
from ingest.formats.jsonl_file import columns_of
from ingest.loader import BATCH_ROWS
from ingest.readiness import Days, Readiness
from ingest.seen import Seen, count_copies
from runtime.errors import IngestError

_FIRST_ROWS = 3


def check_files(
    paths: Iterable[Path], options: FileOptions, on_progress: Callable[[int], None] | None = None
) -> "Checked":
    """Read files as `load` would and return what was found; raises IngestError."""
    checked, seen = Checked(), Seen()
    with Days() as days:
        for path in paths:
            file = EventFile(path, options)
            _check_file(file, checked, seen, days, on_progress or (lambda _: None))
        checked.readiness = days.readiness()
    return checked


def _check_file(
    file: EventFile,
    checked: "Checked",
    seen: Seen,
    days: Days,
    on_progress: Callable[[int], None],
) -> None:
    columns = Columns(file)
    topic = StoredTopic(file.topic, None)
    for messages in file.messages(BATCH_ROWS):
        columns.add(messages)
        numbers = messages.numbers
        fetched = Fetched(
            [*messages.values],
            numbers,
            [-1] * len(numbers),
            numbers[-1] + 1,
            None,
            messages.refused,
        )
        batch = judge({0: fetched}, topic, {})
        for row in batch.rejected.select(["reason", "kafka_offset"]).to_pylist():
            checked.reject(file.path, row["reason"], row["kafka_offset"])
        events = batch.events
        checked.accepted += len(events)
        checked.types += count_types(events)
        checked.copies += count_copies(seen, events)
        if len(events):
            bounds = pc.min_max(events["occurred_at"]).as_py()
            checked.first = min(bounds["min"], checked.first or bounds["min"])
            checked.last = max(bounds["max"], checked.last or bounds["max"])
            days.add(events)
        on_progress(checked.accepted + checked.rejected)
    if not columns.count:
        raise IngestError(f"{file.path} is empty: give a file of events in CSV, JSONL or Parquet")
    checked.columns[file.path] = columns.facts()


@dataclass
class Checked:
    """What was found in all files; `reasons` has by file and reason the count and first rows."""

    accepted: int = 0
    copies: int = 0
    first: datetime | None = None
    last: datetime | None = None
    types: Counter[str] = field(default_factory=Counter)
    reasons: dict[tuple[Path, str], tuple[int, list[int]]] = field(default_factory=dict)
    columns: dict[Path, list["ColumnFacts"]] = field(default_factory=dict)
    readiness: Readiness | None = None

    @property
    def rejected(self) -> int:
        """All rows that would be rejected."""
        return sum(count for count, _ in self.reasons.values())

    def reject(self, path: Path, reason: str, number: int) -> None:
        """Count a rejected row."""
        count, first = self.reasons.get((path, reason), (0, []))
        first = [*first, number] if count < _FIRST_ROWS else first
        self.reasons[path, reason] = count + 1, first


@dataclass
class ColumnFacts:
    """A column, what it is read as, its kind in words, how many are empty, and an example."""

    name: str
    read_as: str
    kind: str
    empty: int = 0
    example: str = ""


class Columns:
    """Gathers the facts of a file's columns, block after block."""

    def __init__(self, file: EventFile) -> None:
        """Begin with the file's first block."""
        self._file, self._facts = file, {}
        self.count = 0

    def add(self, messages: Messages) -> None:
        """Look at some rows."""
        block = messages.block or _block_of(messages)
        before, self.count = self.count, self.count + len(block.numbers)
        for name, values in block.columns.items():
            if name not in self._facts:
                kind = block.kinds.get(name) or _kind(values)
                self._facts[name] = ColumnFacts(name, "", kind, empty=before)
            facts = self._facts[name]
            held = [one for one in values if one is not None]
            facts.empty += len(values) - len(held)
            if held and not facts.example:
                facts.example = _shown(held[0])
        for name, facts in self._facts.items():
            if name not in block.columns:
                facts.empty += len(block.numbers)

    def facts(self) -> list[ColumnFacts]:
        """Return what was found: the fields first, then what becomes a property."""
        rows, options = self._file.rows, self._file.options
        fields = rows.fields or {name: name for name in self._facts if name in FIELDS}
        found = []
        for one, column in fields.items():
            facts = self._facts[column]
            facts.read_as = one if one in FIELDS else f"properties.{one}"
            if one == "occurred_at" and rows.times is not None:
                facts.kind = _times_in_words(rows.times.forms, options)
            found.append(facts)
        found += [
            ColumnFacts(
                f"(--set {one})", one if one in FIELDS else f"properties.{one}", "", 0, value
            )
            for one, value in options.constants.items()
        ]
        if rows.fields and "event_id" not in fields:
            derived = "derived from the row and how often it came before"
            found.append(ColumnFacts("(no column)", "event_id", derived))
        for name, facts in self._facts.items():
            if name not in fields.values():
                facts.read_as = f"properties.{name}" if rows.fields else "kept in the payload"
                found.append(facts)
        return found


def _block_of(messages: Messages) -> Block:
    """Return messages that were taken as they are as columns."""
    objects = []
    for message in messages.values:
        try:
            found = msgspec.json.decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = None
        objects.append(found if isinstance(found, dict) else None)
    return Block(messages.numbers, columns_of(objects))


def _kind(values: list[Any]) -> str:
    held = [one for one in values if one is not None]
    for words, kinds in (
        ("true or false", bool),
        ("whole number", int),
        ("number", int | float | Decimal),
        ("object", dict),
        ("list", list),
        ("time", datetime),
        ("date", date),
    ):
        if held and all(isinstance(one, kinds) for one in held):
            return words
    return "text" if held else "nothing"


def _times_in_words(forms: Counter[str], options: FileOptions) -> str:
    zone = options.zone_name
    words = {
        ZONED: "time with a zone",
        NAIVE: f"time without a zone, read as {zone}",
        DATE: f"date, read as midnight {zone}",
        NUMBER: f"number, read as {options.time_unit} since 1970",
        OTHER: "no time",
    }
    if len(forms) == 1:
        return words[next(iter(forms))]
    return "; ".join(f"{words[one]} ({count:,})" for one, count in forms.most_common())


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
    return text.strip('"')

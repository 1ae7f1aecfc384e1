"""CSV as shops and spreadsheets write it: a header, four delimiters, quotes, a row at a time."""

import csv
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TextIO

from ingest.formats import BLOCK_BYTES, Block, Broken
from ingest.formats.opened import open_text
from runtime.errors import IngestError, first_line

_DELIMITERS = ",;\t|"
_SAMPLE_CHARACTERS = 256 * 1024
# Texts that stand for no value: nothing, and what Snowflake, MySQL and Postgres write for NULL.
_NOTHING = {"", "\\N"}
_BLANK: tuple[list[str], ...] = ([], [""])
_NOT_UTF8 = "the row is not UTF-8 text: save the file as UTF-8"
_BAD_QUOTE = "the row has a quote that is out of place or never closed, or a field beyond 128 KiB"
_HEADER_AGAIN = "the row is the header again"


def csv_blocks(path: Path, block_rows: int) -> Iterator[Block]:
    """Yield the rows of a CSV file with their numbers, as a spreadsheet counts them: the header's
    is 1. Raises IngestError.

    A row with too many or too few fields, a quote out of place or bytes that are no text is broken,
    and the line after it is read as usual.
    """
    try:
        with open_text(path) as file:
            yield from _blocks(path, file, block_rows)
    except (OSError, EOFError, zlib.error) as error:
        raise IngestError(f"{path} cannot be read: {first_line(error)}") from error


def _blocks(path: Path, file: TextIO, block_rows: int) -> Iterator[Block]:
    sample = file.readlines(_SAMPLE_CHARACTERS)
    rows = _numbered_rows(sample, file)
    number, header, _ = next((one for one in rows if one[1] not in _BLANK), (0, [], ""))
    if not number:
        return
    if isinstance(header, Broken):
        raise IngestError(f"{path} has no header that can be read: {header.reason}")
    names, size = _names(path, header), 0
    numbers: list[int] = []
    values: list[list[str]] = []
    broken: dict[int, Broken] = {}
    for number, row, raw in rows:
        if row in _BLANK:
            continue
        row = row if isinstance(row, Broken) else _checked(row, raw, header)
        if isinstance(row, Broken):
            broken[len(numbers)] = row
            row = [""] * len(names)
        numbers.append(number)
        values.append(row)
        size += len(raw)
        if len(numbers) == block_rows or size >= BLOCK_BYTES:
            yield _block(names, numbers, values, broken)
            numbers, values, broken, size = [], [], {}, 0
    if numbers:
        yield _block(names, numbers, values, broken)


def _block(
    names: list[str], numbers: list[int], values: list[list[str]], broken: dict[int, Broken]
) -> Block:
    columns = zip(*values, strict=True)
    return Block(
        numbers,
        {
            name: [None if value in _NOTHING else value for value in column]
            for name, column in zip(names, columns, strict=True)
        },
        broken,
    )


def _numbered_rows(
    sample: list[str], file: TextIO
) -> Iterator[tuple[int, list[str] | Broken, str]]:
    """Yield each row's number, its fields and its text."""
    lines, number = _Lines(sample, file), 0
    reader = csv.reader(lines, delimiter=_delimiter(sample), strict=True, skipinitialspace=True)
    while True:
        lines.taken.clear()
        number += 1
        try:
            row: list[str] | Broken = next(reader)
            raw = "".join(lines.taken)
        except StopIteration:
            return
        except csv.Error:
            # One quote too many may have swallowed good rows: only the first line is given up.
            raw, *others = lines.taken
            lines.put_back(others)
            row = Broken(_bytes(raw), _BAD_QUOTE)
        yield number, row, raw


def _checked(row: list[str], raw: str, header: list[str]) -> list[str] | Broken:
    if not raw.isascii() and not _is_text(raw):
        return Broken(_bytes(raw), _NOT_UTF8)
    if len(row) != len(header):
        count, columns = len(row), len(header)
        return Broken(_bytes(raw), f"the row has {count} fields and the header has {columns}")
    return Broken(_bytes(raw), _HEADER_AGAIN) if row == header else row


def _is_text(raw: str) -> bool:
    try:
        raw.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bytes(raw: str) -> bytes:
    return raw.rstrip("\r\n").encode("utf-8", "surrogateescape")


def _delimiter(sample: list[str]) -> str:
    """Return the delimiter that takes the header apart into most columns."""

    def columns(delimiter: str) -> int:
        try:
            return len(next((row for row in csv.reader(sample, delimiter=delimiter) if row), []))
        except csv.Error:
            return 0

    return max(_DELIMITERS, key=columns)


def _names(path: Path, header: list[str]) -> list[str]:
    names = [name.strip() or f"column_{place}" for place, name in enumerate(header, 1)]
    if twice := [name for name in names if names.count(name) > 1]:
        raise IngestError(f"{path} has the column {twice[0]} twice: rename one of them")
    return names


class _Lines:
    """Lines of a file, of which some can be given back to be read again."""

    def __init__(self, sample: list[str], file: TextIO) -> None:
        self._lines: Iterator[str] = chain(sample, file)
        self.taken: list[str] = []

    def put_back(self, lines: list[str]) -> None:
        if lines:
            self._lines = chain(lines, self._lines)

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.taken.append(line)
        return line

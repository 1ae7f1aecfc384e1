"""JSONL: events of the contract as they are, or one object a line whose names are columns."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from ingest.file_options import FIELDS
from ingest.formats import BLOCK_BYTES, Block, Broken
from ingest.formats.opened import open_bytes
from runtime.errors import IngestError, first_line

_BLANK = b" \t\r\n\x1e"  # the last one stands before each record of RFC 7464
_NO_OBJECT = "the line is not a JSON object"
_LOOKED_AT = 100  # lines: one of them is an object, if any is


def is_of_the_contract(path: Path) -> bool:
    """Tell whether a file's first object has the contract's names; raises IngestError."""
    for _, lines in zip(range(1), numbered_lines(path, _LOOKED_AT), strict=False):
        for _, line in lines:
            found = _object(line)
            if found is not None:
                is_whole = {"event_id", "customer_id", "event_type"} <= found.keys()
                return is_whole and isinstance(found.get("occurred_at"), str)
            if line.startswith(b"["):
                raise IngestError(
                    f"{path} begins with a JSON array: write one object a line, as"
                    f" \"jq -c '.[]' {path.name}\" does"
                )
    return True


def numbered_lines(path: Path, block_rows: int) -> Iterator[list[tuple[int, bytes]]]:
    """Yield the lines of a file that are not blank, with their numbers from 1, some at a time.

    Raises IngestError.
    """
    block: list[tuple[int, bytes]] = []
    size = 0
    try:
        with open_bytes(path) as file:
            for number, line in enumerate(file, 1):
                if text := line.strip(_BLANK):
                    block.append((number, text))
                    size += len(text)
                    if len(block) == block_rows or size >= BLOCK_BYTES:
                        yield block
                        block, size = [], 0
    except (OSError, EOFError, zlib.error) as error:
        raise IngestError(f"{path} cannot be read: {first_line(error)}") from error
    if block:
        yield block


def jsonl_blocks(path: Path, block_rows: int) -> Iterator[Block]:
    """Yield the objects of a file as rows of columns; raises IngestError."""
    for lines in numbered_lines(path, block_rows):
        found = [_object(line) for _, line in lines]
        yield Block(
            [number for number, _ in lines],
            columns_of(found),
            {
                place: Broken(line, _NO_OBJECT)
                for place, (_, line) in enumerate(lines)
                if found[place] is None
            },
        )


def columns_of(objects: list[dict[str, Any] | None]) -> dict[str, list[Any]]:
    """Return the values of objects by name, those of the contract first."""
    names = dict.fromkeys(name for one in objects if one for name in one)
    in_order = [*(name for name in FIELDS if name in names), *names]
    return {
        name: [None if one is None else one.get(name) for one in objects]
        for name in dict.fromkeys(in_order)
    }


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

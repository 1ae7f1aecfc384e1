"""The kinds of files that are read, each as blocks of rows with their columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# A block of large rows is full before it has many of them: this bounds the memory.
BLOCK_BYTES = 6 * 1024 * 1024


@dataclass(frozen=True)
class Block:
    """Rows of a file by column, with their numbers; a value that is not there is None.

    `broken` holds by place in the block the bytes of a row that has no columns, and why.
    """

    numbers: list[int]
    columns: dict[str, list[Any]]
    broken: Mapping[int, "Broken"] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Broken:
    """A row that cannot be taken apart: its bytes, and why in words for a person."""

    content: bytes
    reason: str

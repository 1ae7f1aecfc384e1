"""What a client hands over: messages as they came, before anyone has judged them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fetched:
    """Messages of one partition, in the order of their offsets, as one list for each of its facts.

    `timestamps` are the broker's, in milliseconds, negative where unknown. `next_offset` is read
    next: it also passes what carries no message. `end_offset` follows the last message that the
    broker was known to hold. `refused` has by place why a row of a file could not be taken apart.
    """

    values: list[bytes | None]
    offsets: list[int]
    timestamps: list[int]
    next_offset: int
    end_offset: int | None
    refused: Mapping[int, str] = field(default_factory=dict)

    @property
    def is_behind(self) -> bool:
        """Whether the broker is known to hold more."""
        return self.end_offset is not None and self.next_offset < self.end_offset

"""What a person says about a file: fields by column, constants, zone and unit of its times."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timezone, tzinfo

import msgspec

from runtime.errors import IngestError

FIELDS = ("event_id", "customer_id", "event_type", "occurred_at", "amount", "properties")
# Properties of a profile_updated event, which a column may be named for as well.
PROFILE_FIELDS = ("name", "email", "region", "segment", "monthly_value", "marketing_consent")
REQUIRED = ("customer_id", "event_type", "occurred_at")  # event_id is derived where it is missing

# Microseconds in one of each unit of an epoch time.
TIME_UNITS = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}


@dataclass(frozen=True)
class FileOptions:
    """How to read a file whose columns are not those of the contract.

    `columns` gives the column of a field, `constants` the value of a field for all rows. Times
    without a zone are of `zone`; numbers count `time_unit` since 1970, or are refused without one.
    Text that is no ISO time is read by `time_format`, in the directives of strptime.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo = timezone.utc
    zone_name: str = "UTC"
    time_unit: str | None = None
    time_format: str | None = None
    decimal_comma: bool = False

    def __post_init__(self) -> None:
        """Raise IngestError for a field that is given both ways."""
        if twice := sorted(self.columns.keys() & self.constants.keys()):
            raise IngestError(f"{twice[0]} has a --map and a --set: keep one of them")

    @property
    def is_default(self) -> bool:
        """Whether nothing was said."""
        return self == FileOptions()

    def signature(self) -> bytes:
        """Return what tells these options from others."""
        return msgspec.json.encode(
            [
                sorted(self.columns.items()),
                sorted(self.constants.items()),
                self.zone_name,
                self.time_unit,
                self.time_format,
                self.decimal_comma,
            ]
        )

    def as_arguments(self) -> str:
        """Return the options as they are typed."""
        words = [
            *(f"--map {shlex.quote(f'{name}={one}')}" for name, one in self.columns.items()),
            *(f"--set {shlex.quote(f'{name}={one}')}" for name, one in self.constants.items()),
        ]
        if self.zone_name != "UTC":
            words.append(f"--time-zone {self.zone_name}")
        if self.time_unit:
            words.append(f"--time-unit {self.time_unit}")
        if self.time_format:
            words.append(f"--time-format {shlex.quote(self.time_format)}")
        if self.decimal_comma:
            words.append("--decimal-comma")
        return " ".join(words)


def columns_of_fields(names: list[str], options: FileOptions, place: str) -> dict[str, str]:
    """Return which of a file's columns is which field; the other columns become properties.

    Names are compared without capitals. `place` names the file in errors. Raises IngestError for a
    column that is not there, that is there twice, or that is missing without a constant.
    """
    has = f"its columns are {', '.join(names)}"
    by_name: dict[str, str] = {}
    for name in names:
        if by_name.setdefault(name.lower(), name) != name:
            raise IngestError(
                f"{place} has the columns {by_name[name.lower()]} and {name}, which differ in"
                " capitals alone: rename one of them"
            )
    found = {}
    for one, column in options.columns.items():
        if column.strip().lower() not in by_name:
            raise IngestError(f"{place} has no column {column} (--map {one}={column}): {has}")
        found[one] = by_name[column.strip().lower()]
    taken = set(found.values())
    for one in (*FIELDS, *PROFILE_FIELDS):
        column = by_name.get(one)
        if column and one not in found and one not in options.constants and column not in taken:
            found[one] = column
    for one in REQUIRED:
        if one not in found and one not in options.constants:
            constant = {
                "event_type": " or, if all rows are of one type, --set event_type=purchase",
                "occurred_at": " or, if all rows are of one moment, --set occurred_at=2026-01-31",
            }.get(one, "")
            raise IngestError(
                f"{place} has no column {one}: add --map {one}=COLUMN{constant}; {has}"
            )
    return found

"""Rows of a file as messages of the contract: fields by their columns, the rest as properties."""

import hashlib
import math
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy

from ingest.file_options import PROFILE_FIELDS, FileOptions, columns_of_fields
from ingest.file_times import Times
from ingest.formats import Block
from ingest.seen import Seen
from runtime.errors import IngestError

_PLAIN = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\Z", re.ASCII)
_NO_LETTERS = re.compile(r"[^a-z0-9]+")
_TYPE_LOOKED_AT = 100  # characters; a longer one is no type, and would fill the cache
_YES = {"true", "yes", "y", "t", "1"}


class Rows:
    """Makes messages of the rows of one file, block after block from the beginning."""

    def __init__(self, path: Path, options: FileOptions) -> None:
        """Read the columns as the options say; raises IngestError for a constant that is none."""
        self._path, self._options = path, options
        self._seen = Seen()
        self._constants = dict(options.constants)
        if "occurred_at" in self._constants:
            self._constants["occurred_at"] = _constant_moment(options)
        self.fields: dict[str, str] = {}
        self.times: Times | None = None

    def messages(self, block: Block) -> list[bytes]:
        """Return one message a row; a value that breaks the contract is in it as it was."""
        count, names = len(block.numbers), list(block.columns)
        fields = self.fields = columns_of_fields(names, self._options, str(self._path))
        if self.times is None:
            place = f"{self._path}: the column {fields.get('occurred_at')}, the time,"
            self.times = Times(self._options, place)
        columns = {one: block.columns[column] for one, column in fields.items()}
        for one, value in self._constants.items():
            columns[one] = [value] * count
        rest = {name: block.columns[name] for name in names if name not in fields.values()}
        moments = columns["occurred_at"]
        if "occurred_at" in fields:
            moments = self.times.read(moments)
        event_ids = _texts(columns.get("event_id", [None] * count))
        if any(not one for one in event_ids):
            derived = self._derived_ids(block)
            event_ids = [one or other for one, other in zip(event_ids, derived, strict=True)]
        encode = _ENCODER.encode
        return [
            encode(_Row(*values))
            for values in zip(
                event_ids,
                _texts(columns["customer_id"]),
                _event_types(columns["event_type"]),
                moments,
                self._amounts(columns.get("amount"), count),
                self._properties(columns, rest, count),
                strict=True,
            )
        ]

    def _amounts(self, values: list[Any] | None, count: int) -> list[Any]:
        if values is None:
            return [None] * count
        return [_amount(value, self._options.decimal_comma) for value in values]

    def _properties(
        self, columns: Mapping[str, list[Any]], rest: dict[str, list[Any]], count: int
    ) -> list[Any]:
        whole = columns.get("properties", [None] * count)
        parts = rest | {one: columns[one] for one in PROFILE_FIELDS if one in columns}
        if "marketing_consent" in parts:
            parts["marketing_consent"] = [_consent(one) for one in parts["marketing_consent"]]
        if not parts:
            return [msgspec.UNSET if one is None else _object(one) for one in whole]
        return [
            _joined(
                one,
                {name: value for name, value in zip(parts, row, strict=True) if value is not None},
            )
            for one, row in zip(whole, zip(*parts.values(), strict=True), strict=True)
        ]

    def _derived_ids(self, block: Block) -> list[str]:
        """Return ids that follow from what a row holds, and how often it has come before.

        The same row of another file or of a later export has the same id. Constants count as
        columns; zone and unit of time do not, so that a file that is read with others has the ids
        that it had.
        """
        columns = dict(sorted((name.lower(), values) for name, values in block.columns.items()))
        start = hashlib.blake2b(_ENCODER.encode(sorted(self._options.constants.items())))
        digests = []
        for row in zip(*columns.values(), strict=True):
            held = {
                name: value for name, value in zip(columns, row, strict=True) if value is not None
            }
            one = start.copy()
            one.update(_ENCODER.encode(held))
            digests.append(one.digest()[:16])
        keys = numpy.frombuffer(b"".join(one[:8] for one in digests), "int64")
        counts = self._seen.occurrences(keys).tolist()
        return [
            f"row-{one.hex()}" + (f"-{number}" if number > 1 else "")
            for one, number in zip(digests, counts, strict=True)
        ]


def _constant_moment(options: FileOptions) -> Any:
    given = options.constants["occurred_at"]
    times = Times(options, "--set occurred_at")
    [moment] = times.read([given])
    if moment == given:
        raise IngestError(
            f"--set occurred_at={given} is not a time: write 2026-01-31 or 2026-01-31T12:00:00Z"
        )
    return moment


def _texts(values: list[Any]) -> list[Any]:
    # Nearly all values are texts, and a call for each of them would take most of the time.
    return [value.strip() if type(value) is str else _text(value) for value in values]


def _text(value: Any) -> Any:
    """Return an id as text; a number with nothing behind its point is written without."""
    if isinstance(value, float | Decimal) and math.isfinite(value) and value == int(value):
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if value is None or isinstance(value, bool | dict | list) else str(value)


@cache
def _snake_case(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _NO_LETTERS.sub("_", plain.lower()).strip("_") or text


def _event_types(values: list[Any]) -> list[Any]:
    """Return types in the contract's form: "Check-in" becomes check_in."""
    return [
        _snake_case(value) if isinstance(value, str) and len(value) <= _TYPE_LOOKED_AT else value
        for value in _texts(values)
    ]


def _amount(value: Any, decimal_comma: bool) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if decimal_comma:
        text = text.replace(".", "").replace(",", ".")
    return float(text) if _PLAIN.match(text) else (value or None)


def _consent(value: Any) -> Any:
    """Return true for a plain yes; whatever else is there stays, and the models refuse it."""
    if isinstance(value, bool) or value is None:
        return value
    return True if str(value).strip().lower() in _YES else value


def _object(value: Any) -> Any:
    """Return properties as they are encoded: JSON text as the object that it is."""
    if isinstance(value, bytes | str):
        if not value.strip():
            return msgspec.UNSET
        try:
            _OBJECT_DECODER.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return value
        return msgspec.Raw(value)
    return msgspec.UNSET if value is None else value


def _joined(whole: Any, parts: dict[str, Any]) -> Any:
    """Return properties with further ones; those that are no object stay what they are."""
    found = _object(whole)
    if isinstance(found, msgspec.Raw):
        found = _FIELDS_DECODER.decode(found)
    if found is msgspec.UNSET:
        return parts or msgspec.UNSET
    return found | parts if isinstance(found, dict) else found


class _Object(msgspec.Struct, gc=False):
    """Any JSON object: what it holds is skipped, not built."""


class _Row(msgspec.Struct, omit_defaults=True, gc=False):
    event_id: Any
    customer_id: Any
    event_type: Any
    occurred_at: Any
    amount: Any = None
    properties: Any = msgspec.UNSET


_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
_OBJECT_DECODER = msgspec.json.Decoder(_Object)
_FIELDS_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])

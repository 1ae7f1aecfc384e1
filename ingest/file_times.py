"""Times as files have them: text, dates, numbers since 1970, with a zone and without."""

import re
from collections import Counter
from datetime import date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any

from ingest.file_options import TIME_UNITS, FileOptions
from runtime.errors import IngestError

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?"
    r" ?(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?\Z",
    re.ASCII,
)
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z", re.ASCII)

# The forms that are told apart; the check of a file names those that it has met.
ZONED, NAIVE, DATE, NUMBER, OTHER = "zoned", "naive", "date", "number", "other"


class Times:
    """Turns the values of one file's time column into moments, and counts their forms."""

    def __init__(self, options: FileOptions, place: str) -> None:
        """Read as the options say; `place` names the column in errors."""
        self._zone, self._unit, self._place = options.zone, options.time_unit, place
        self._format = options.time_format
        self.forms: Counter[str] = Counter()

    def read(self, values: list[Any]) -> list[Any]:
        """Return moments in UTC; a value that is no time stays, for the contract to reject it.

        Raises IngestError when the first value is a number of which nobody said what it counts.
        """
        are_moments = self._zone is timezone.utc and {*map(type, values)} == {datetime}
        if are_moments and not any(one.tzinfo for one in values):  # as warehouses write them
            self.forms[NAIVE] += len(values)
            return [one.replace(tzinfo=timezone.utc) for one in values]
        return [None if value is None else self._moment(value) for value in values]

    def _moment(self, value: Any) -> Any:
        try:
            form, moment = self._understood(value)
        except (ValueError, OverflowError):  # day 31 of February, or year 300,000
            form, moment = OTHER, value
        self.forms[form] += 1
        return moment

    def _understood(self, value: Any) -> tuple[str, Any]:
        if isinstance(value, str):
            value = value.strip()
            if match := _ISO.match(value):
                return _from_text(match, self._zone)
            if self._format is not None:
                return _by_format(value, self._format, self._zone)
            if not _NUMBER.match(value):
                return OTHER, value
        if isinstance(value, datetime):
            if value.tzinfo is None:
                return NAIVE, _as_utc(value, self._zone)
            return ZONED, value.astimezone(timezone.utc)
        if isinstance(value, date):
            return DATE, _as_utc(datetime(value.year, value.month, value.day), self._zone)
        if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool):
            if self._unit is not None:
                return NUMBER, _since_1970(value, self._unit)
            if not self.forms:
                raise IngestError(_refusal(self._place, value))
        return OTHER, value


def _from_text(match: re.Match, zone: tzinfo) -> tuple[str, datetime]:
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    if hour is None and offset is None:
        return DATE, _as_utc(datetime(int(year), int(month), int(day)), zone)
    moment = datetime(
        int(year),
        int(month),
        int(day),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        int((fraction or "0")[:6].ljust(6, "0")),
    )
    if offset is None:
        return NAIVE, _as_utc(moment, zone)
    return ZONED, _as_utc(moment, _offset(offset))


def _by_format(text: str, time_format: str, zone: tzinfo) -> tuple[str, datetime]:
    moment = datetime.strptime(text, time_format)
    if moment.tzinfo is not None:
        return ZONED, moment.astimezone(timezone.utc)
    return NAIVE, _as_utc(moment, zone)


def _offset(text: str) -> tzinfo:
    if text in ("Z", "z", "UTC"):
        return timezone.utc
    minutes = int(text[1:3]) * 60 + int(text[3:].lstrip(":") or 0)
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _as_utc(moment: datetime, zone: tzinfo) -> datetime:
    if zone is timezone.utc:
        return moment.replace(tzinfo=timezone.utc)
    return moment.replace(tzinfo=zone).astimezone(timezone.utc)


def _since_1970(value: Any, unit: str) -> datetime:
    microseconds = Decimal(str(value)) * Decimal(str(TIME_UNITS[unit]))
    return _EPOCH + timedelta(microseconds=int(microseconds))


def _refusal(place: str, value: Any) -> str:
    meanings = []
    for unit in TIME_UNITS:
        try:
            meanings.append(f"{unit} {_since_1970(value, unit):%Y-%m-%d %H:%M:%S}")
        except (ValueError, OverflowError):
            meanings.append(f"{unit} no date")
    return (
        f"{place} holds numbers: add --time-unit with one of {', '.join(TIME_UNITS)}, because"
        f" {value} would mean {'; '.join(meanings)}; or, for dates without dashes,"
        " --time-format %Y%m%d"
    )

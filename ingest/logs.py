"""Structured logs on standard error: words and fields for people, or one JSON object a line."""

import logging
import time
from datetime import datetime, timezone

import msgspec

from ingest.committer import LoadSummary

FORMATS = ("text", "json")

_LOGGER = logging.getLogger("ingest")
_LOGGERS = (_LOGGER, logging.getLogger("runtime"))  # single_process.py tells who is waited for


def set_up_logs(log_format: str, level: int = logging.INFO) -> None:
    """Send what ingest/ and runtime/ log to standard error in one of FORMATS."""
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines() if log_format == "json" else _Words())
    for logger in _LOGGERS:
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False


def log_event(logger: logging.Logger, event: str, **fields: object) -> None:
    """Log at INFO what happened, with its facts as fields of their own."""
    logger.info(event, extra={"fields": fields})


class LoadLog:
    """Logs the progress of a load every so many seconds: rate since the last line, lag now."""

    def __init__(self, topic: str, seconds: float, *, only_changes: bool = False) -> None:
        """Log about a topic; the first line comes after as many seconds.

        With `only_changes` nothing is logged while nothing comes.
        """
        self._topic, self._seconds, self._only_changes = topic, seconds, only_changes
        self._logged_at, self._logged_count = time.monotonic(), 0

    def __call__(self, summary: LoadSummary) -> None:
        """Log if it is time."""
        passed = time.monotonic() - self._logged_at
        if passed < self._seconds:
            return
        count = summary.count
        if self._only_changes and count == self._logged_count:
            self._logged_at = time.monotonic()
            return
        log_event(
            _LOGGER,
            "progress",
            topic=self._topic,
            accepted=summary.accepted,
            rejected=summary.rejected,
            events_per_second=round((count - self._logged_count) / passed, 1),
            lag=summary.lag,
            **({"forgotten": summary.forgotten} if summary.forgotten else {}),
        )
        self._logged_at, self._logged_count = time.monotonic(), count


class _Words(logging.Formatter):
    """The time, the words, and the fields as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={_text(value)}" for name, value in _fields(record).items())
        return f"{_at(record)} {record.levelname.lower()} {record.getMessage()}{fields}"


class _JsonLines(logging.Formatter):
    """One JSON object: at, level, event, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        said = {"at": _at(record), "level": record.levelname.lower(), "event": record.getMessage()}
        return msgspec.json.encode(said | _fields(record)).decode()


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return getattr(record, "fields", {})


def _at(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}:{one}" for name, one in value.items()) or "-"
    return f"{value:,.0f}" if isinstance(value, float) else str(value)

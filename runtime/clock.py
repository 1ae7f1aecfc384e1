"""The present moment as the database keeps it, and how long to wait after failures in a row."""

from datetime import datetime, timedelta, timezone


def utc_now() -> datetime:
    """Return the present moment in UTC, without a zone, as the database keeps all times."""
    return datetime.now(timezone.utc).replace(tzinfo=None)


def backoff(failures: int, first_seconds: float, longest_seconds: float) -> timedelta:
    """Return how long to wait after the n-th failure in a row: twice as long as the time before."""
    seconds = first_seconds * 2 ** (min(failures, 30) - 1)
    return timedelta(seconds=min(seconds, longest_seconds))

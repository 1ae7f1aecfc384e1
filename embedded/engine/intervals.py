"""Spans of time as dbt configurations and Snowflake write them: '10 SECONDS', '1 minute'."""

import re
from datetime import timedelta

from runtime.errors import EngineError

_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}
DOWNSTREAM = "DOWNSTREAM"


def parse_interval(text: str, what: str) -> timedelta:
    """Return the span that a text such as '60 MINUTES' names; raises EngineError, naming `what`."""
    match = re.fullmatch(r"([1-9]\d*)\s+(SECOND|MINUTE|HOUR|DAY)S?", text.strip(), re.IGNORECASE)
    if match is None:
        raise EngineError(f"{what} '{text}' is not understood here: write '60 MINUTES'")
    return timedelta(seconds=int(match[1]) * _SECONDS[match[2].upper()])


def parse_target_lag(text: str) -> timedelta | None:
    """Return the target lag of a dynamic table, None for DOWNSTREAM; raises EngineError."""
    if text.strip().upper() == DOWNSTREAM:
        return None
    return parse_interval(text, "target_lag")

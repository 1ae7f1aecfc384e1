"""The event contract: what a message must look like, and why one that does not is rejected."""

import re
from datetime import datetime, timedelta, timezone
from typing import Annotated

import msgspec
from msgspec import Meta

PROPERTIES_MAX_BYTES = 16 * 1024
# Devices run ahead of the broker by time zones and bad clocks; a day covers the honest ones.
MAX_AHEAD = timedelta(hours=24)

Identifier = Annotated[str, Meta(min_length=1, max_length=64)]
# \Z and not $: the latter would let a trailing line break through.
EventType = Annotated[str, Meta(max_length=40, pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")]
ZonedTime = Annotated[datetime, Meta(tz=True)]

_RULES = {
    "event_id": "event_id is not a text of 1 to 64 characters",
    "customer_id": "customer_id is not a text of 1 to 64 characters",
    "event_type": "event_type is not a lower_snake_case text of at most 40 characters",
    "occurred_at": "occurred_at is not a time with an offset, such as 2026-01-31T12:00:00Z",
    "amount": "amount is not a finite number",
}
_MISSING = re.compile(r"missing required field `(\w+)`")
_PLACE = re.compile(r" \(byte \d+\)$")
_AT_FIELD = re.compile(r"at `\$\.(\w+)`$")


def decode(message: bytes | None, published_at: datetime | None) -> "Event | Rejection":
    """Judge one message; never raises.

    `published_at` is the broker's time of the message (UTC, naive); without it an event may lie
    in the future. The event comes back with `occurred_at` in UTC, naive, in microseconds.
    """
    if not message:
        return Rejection("the message is empty")
    try:
        message.decode()  # fields that are skipped are not checked by the decoder
        event = _DECODER.decode(message)
        occurred_at = event.occurred_at.astimezone(timezone.utc).replace(tzinfo=None)
    except UnicodeDecodeError:
        return Rejection("the message is not UTF-8 text")
    except msgspec.ValidationError as error:
        return Rejection(_broken_rule(str(error)))
    except msgspec.DecodeError as error:
        return Rejection(f"the message is not valid JSON: {_fault(str(error))}")
    except RecursionError:
        return Rejection("the message is nested too deeply")
    except OverflowError:  # year 1 or 9999, pushed out of the calendar by its offset
        return Rejection("occurred_at lies outside the years 1 to 9999")
    return _judge(event, occurred_at, published_at)


def _judge(
    event: "Event", occurred_at: datetime, published_at: datetime | None
) -> "Event | Rejection":
    properties = memoryview(event.properties)
    if properties[:1] not in (b"{", b"") and properties != b"null":
        return Rejection("properties is not an object")
    if len(properties) > PROPERTIES_MAX_BYTES:
        return Rejection(f"properties is larger than {PROPERTIES_MAX_BYTES // 1024} KiB")
    if published_at is not None and occurred_at - published_at > MAX_AHEAD:
        return Rejection("occurred_at is more than 24 hours ahead of the broker's time")
    event.occurred_at = occurred_at
    return event


def _fault(error: str) -> str:
    """Name the fault without its place: reasons are counted, and the bytes are kept anyway."""
    text = _PLACE.sub("", error.removeprefix("JSON is malformed: "))
    return text[:1].lower() + text[1:]


def _broken_rule(error: str) -> str:
    if missing := _MISSING.search(error):
        return f"{missing[1]} is missing"
    if field := _AT_FIELD.search(error):
        return _RULES[field[1]]
    return "the message is not a JSON object"


class Event(msgspec.Struct, gc=False):
    """One customer event. Unknown fields live on in the message text, which is stored whole."""

    event_id: Identifier
    customer_id: Identifier
    event_type: EventType
    occurred_at: ZonedTime
    amount: float | None = None
    properties: msgspec.Raw = msgspec.Raw(b"")


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """Why a message is no event, in words for a person."""

    reason: str


_DECODER = msgspec.json.Decoder(Event)

"""The event contract: what a message must look like, and why one that does not is rejected."""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ingest.contract_limits import contract_limits

PROPERTIES_MAX_BYTES = 16 * 1024
# A database holds some thousands of messages in memory at a time, whatever their size.
MESSAGE_MAX_BYTES = 64 * 1024
MESSAGE_KEPT_BYTES = 4 * 1024  # of a larger one: enough to see where it came from

Identifier = Annotated[str, Meta(min_length=1, max_length=64)]
ZonedTime = Annotated[datetime, Meta(tz=True)]

# \Z and not $: the latter would let a trailing line break through.
_EVENT_TYPE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
_EVENT_TYPE_MAX_LENGTH = 40
RULES = {
    "event_id": "event_id is not a text of 1 to 64 characters",
    "customer_id": "customer_id is not a text of 1 to 64 characters",
    "event_type": "event_type is not a lower_snake_case text of at most 40 characters",
    "occurred_at": "occurred_at is not a time with an offset, such as 2026-01-31T12:00:00Z",
    "amount": "amount is not a finite number",
    "properties": "properties is not an object",
}
_MISSING = re.compile(r"missing required field `(\w+)`")
_PLACE = re.compile(r" \(byte \d+\)$")
_AT_FIELD = re.compile(r"at `\$\.(\w+)`$")
_FIRST_YEAR, _LAST_YEAR = 1, 9999
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# What a schema registry's serializer writes before a value. Confluent and Apicurio: a zero and the
# schema's number in four bytes. AWS Glue: a three, the compression, and a UUID.
_REGISTRY_FRAME = re.compile(rb"\x00.{4}|\x03[\x00\x05].{16}", re.DOTALL)
_FRAMED = (
    "the message has the frame of a schema registry, so it is Avro, Protobuf or framed JSON: let"
    " the producer write plain JSON, or convert the topic first"
)


def decode(message: bytes | None) -> "Event | Rejection":
    """Judge one message by all that can be said of it alone; never raises for what it holds."""
    if message is None:
        return Rejection("the message is a tombstone: it has no value")
    message = without_byte_order_mark(message)
    if not message:
        return Rejection("the message is empty")
    if len(message) > MESSAGE_MAX_BYTES:
        largest, kept = MESSAGE_MAX_BYTES // 1024, MESSAGE_KEPT_BYTES // 1024
        return Rejection(f"the message is larger than {largest} KiB; its first {kept} KiB are kept")
    if _REGISTRY_FRAME.match(message):
        return Rejection(_FRAMED)
    try:
        message.decode()  # fields that are skipped are not checked by the decoder
        event = _DECODER.decode(message)
    except UnicodeDecodeError:
        return Rejection("the message is not UTF-8 text")
    except msgspec.ValidationError as error:
        return Rejection(_broken_rule(str(error)))
    except msgspec.DecodeError as error:
        return Rejection(f"the message is not valid JSON: {_fault(str(error))}")
    except RecursionError:
        return Rejection("the message is nested too deeply")
    if event.event_type not in _known_event_types and not _is_event_type(event.event_type):
        return Rejection(RULES["event_type"])
    if event.occurred_at.year in (_FIRST_YEAR, _LAST_YEAR) and not _is_in_calendar(event):
        return Rejection("occurred_at lies outside the years 1 to 9999")
    if len(message) > PROPERTIES_MAX_BYTES and _properties_bytes(message) > PROPERTIES_MAX_BYTES:
        return Rejection(f"properties is larger than {PROPERTIES_MAX_BYTES // 1024} KiB")
    limits = contract_limits()
    if event.event_type in limits.profile_types and (name := _name_given_twice(message)):
        return Rejection(f"a profile names {name!a} twice, and only one of the values can be right")
    if event.event_type in limits.merge_types and (reason := _wrong_merge(event, message)):
        return Rejection(reason)
    return event


def decode_usual(messages: Sequence[bytes | None]) -> "list[Event] | None":
    """Judge many messages at once, if each of them is plainly an event; else return None.

    This is `decode` without its way of telling what is wrong, at half the time. Whatever is not
    usual, wrong or not, is left to `decode`. The caller sees to it that the messages are UTF-8.
    """
    try:
        events = list(map(_DECODER.decode, messages))
    except (msgspec.DecodeError, RecursionError, TypeError):
        return None
    is_usual = (
        {one.event_type for one in events} <= _known_event_types
        and max(map(len, messages), default=0) <= PROPERTIES_MAX_BYTES
        and all([_FIRST_YEAR < one.occurred_at.year < _LAST_YEAR for one in events])
        and not _has_ambiguous_profile(events, messages)
        and not _has_wrong_merge(events, messages)
    )
    return events if is_usual else None


def _has_ambiguous_profile(events: "list[Event]", messages: Sequence[bytes | None]) -> bool:
    profile_types = contract_limits().profile_types
    return any(
        one.event_type in profile_types and _name_given_twice(message)
        for one, message in zip(events, messages, strict=True)
    )


def _has_wrong_merge(events: "list[Event]", messages: Sequence[bytes | None]) -> bool:
    merge_types = contract_limits().merge_types
    return any(
        one.event_type in merge_types and _wrong_merge(one, message)
        for one, message in zip(events, messages, strict=True)
    )


def _wrong_merge(event: "Event", message: bytes) -> str | None:
    """Return why a merge cannot be followed, None where it can."""
    try:
        merged_id = _MERGE_DECODER.decode(message).properties.merged_id
    except msgspec.ValidationError:
        return (
            "a merge needs merged_id in its properties, the id that is joined to customer_id: a"
            " text of 1 to 64 characters"
        )
    if merged_id == event.customer_id:
        return "merged_id is customer_id itself: name the other id, which is joined to it"
    if _name_given_twice(message):
        return "a merge names a field twice, and only one of the values can be right"
    return None


def without_byte_order_mark(message: bytes) -> bytes:
    """Drop the mark that some programs write before UTF-8 text; it is no part of the event."""
    return message.removeprefix(_BYTE_ORDER_MARK)


# The pattern costs more than all the rest, and a stream has few types: each is checked once.
_known_event_types: set[str] = set()
_MOST_KNOWN_EVENT_TYPES = 10_000


def _is_event_type(text: str) -> bool:
    if len(text) > _EVENT_TYPE_MAX_LENGTH or not _EVENT_TYPE.match(text):
        return False
    if len(_known_event_types) < _MOST_KNOWN_EVENT_TYPES:
        _known_event_types.add(text)
    return True


def _name_given_twice(message: bytes) -> str | None:
    """Return a name that an object of the message holds twice.

    JSON does not say which value counts. The fields that are columns have the decoder's, the last
    one; of a profile the database reads more, and the two engines would read different values.
    """
    twice: list[str] = []

    def note(pairs: Iterable[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                twice.append(name)
            seen.add(name)

    json.loads(message, object_pairs_hook=note)
    return twice[0] if twice else None


def _is_in_calendar(event: "Event") -> bool:
    """Tell whether the time is still one when its offset is taken off."""
    try:
        event.occurred_at.astimezone(timezone.utc)
    except OverflowError:
        return False
    return True


def _properties_bytes(message: bytes) -> int:
    return len(memoryview(_PROPERTIES_DECODER.decode(message).properties))


def _fault(error: str) -> str:
    """Name the fault without its place: reasons are counted, and the bytes are kept anyway."""
    text = _PLACE.sub("", error.removeprefix("JSON is malformed: "))
    return text[:1].lower() + text[1:]


def _broken_rule(error: str) -> str:
    if missing := _MISSING.search(error):
        return f"{missing[1]} is missing"
    if field := _AT_FIELD.search(error):
        return RULES[field[1]]
    return "the message is not a JSON object"


class _Object(msgspec.Struct, gc=False):
    """Any JSON object: what it holds is skipped, not built."""


class _PropertiesText(msgspec.Struct, gc=False):
    properties: msgspec.Raw = msgspec.Raw(b"")


class _MergeProperties(msgspec.Struct, gc=False):
    merged_id: Identifier


class _Merge(msgspec.Struct, gc=False):
    properties: _MergeProperties


class Event(msgspec.Struct, gc=False):
    """One customer event; its properties and its unknown fields live on in the message's text."""

    event_id: Identifier
    customer_id: Identifier
    event_type: str
    occurred_at: ZonedTime
    amount: float | None = None
    properties: _Object | None = None


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """Why a message is no event, in words for a person."""

    reason: str


_DECODER = msgspec.json.Decoder(Event)
_MERGE_DECODER = msgspec.json.Decoder(_Merge)
_PROPERTIES_DECODER = msgspec.json.Decoder(_PropertiesText)

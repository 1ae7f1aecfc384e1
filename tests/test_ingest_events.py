"""The event contract: every message ends as one accepted row or one reason, whatever it holds."""

# ruff: noqa: F401, F811 - fixtures are imported by name

import json
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.batches import StoredTopic, judge
from ingest.contract_limits import limits_from
from ingest.events import Event, decode
from ingest.fetched import Fetched
from runtime.errors import IngestError
from tests.ingest_fixtures import message, raw_tables, raw_tables_path, sink

NOW = datetime(2026, 1, 31, 12)


def event(**changes) -> bytes:
    """Return a valid message with some fields changed; `...` leaves a field out."""
    fields = {
        "event_id": "e1",
        "customer_id": "c1",
        "event_type": "purchase",
        "occurred_at": "2026-01-01T11:53:26Z",
    }
    kept = {name: value for name, value in (fields | changes).items() if value is not ...}
    return json.dumps(kept).encode()


def raw(tail: str) -> bytes:
    return event()[:-1] + tail.encode()


def profile(properties: str) -> bytes:
    return event(event_type="profile_updated")[:-1] + f', "properties": {properties}}}'.encode()


def merge(properties: str) -> bytes:
    return event(event_type="customer_merged")[:-1] + f', "properties": {properties}}}'.encode()


def hours_ahead(hours: float) -> str:
    """Return a time ahead of the loader's clock."""
    return (datetime.now(timezone.utc) + timedelta(hours=hours)).isoformat()


def fetched(*messages: bytes | None, timestamps: list[int] | None = None) -> Fetched:
    """Return messages as a client hands them over, all published NOW."""
    milliseconds = int((NOW - datetime(1970, 1, 1)).total_seconds() * 1000)
    offsets = list(range(len(messages)))
    times = timestamps or [milliseconds] * len(messages)
    return Fetched(list(messages), offsets, times, len(messages), None)


def judged(*messages: bytes | None):
    return judge({0: fetched(*messages)}, StoredTopic("t", None), {})


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (None, "the message is a tombstone: it has no value"),
        (b"", "the message is empty"),
        (b"\xef\xbb\xbf", "the message is empty"),
        (b"\0\0\0\0\x07" + event(), "the frame of a schema registry"),
        (b"\0\0\0\0\x07\x0ee1\x0ec1", "the frame of a schema registry"),
        (b"\x03\x00" + bytes(16) + b"\x0ee1\x0ec1", "the frame of a schema registry"),
        (b"\xff\xfe", "the message is not UTF-8 text"),
        (raw(', "note": "~"}').replace(b"~", b"\xff"), "the message is not UTF-8 text"),
        (b"{", "not valid JSON"),
        (b"[]", "the message is not a JSON object"),
        (b"null", "the message is not a JSON object"),
        (b"{}", "event_id is missing"),
        (event(customer_id=...), "customer_id is missing"),
        (event(event_id=""), "event_id is not a text of 1 to 64 characters"),
        (event(event_id="x" * 65), "event_id is not a text of 1 to 64 characters"),
        (event(event_id=7), "event_id is not a text of 1 to 64 characters"),
        (event(customer_id=None), "customer_id is not a text of 1 to 64 characters"),
        (event(event_type="Purchase"), "event_type is not a lower_snake_case text"),
        (event(event_type="purchase\n"), "event_type is not a lower_snake_case text"),
        (event(event_type="a" * 41), "event_type is not a lower_snake_case text"),
        (event(occurred_at="2026-01-01T11:53:26"), "occurred_at is not a time with an offset"),
        (event(occurred_at="2026-01-01"), "occurred_at is not a time with an offset"),
        (event(occurred_at=1767225600), "occurred_at is not a time with an offset"),
        (event(occurred_at="0001-01-01T00:00:00+01:00"), "outside the years 1 to 9999"),
        (event(occurred_at="9999-12-31T23:59:59-01:00"), "outside the years 1 to 9999"),
        (event(occurred_at=hours_ahead(26)), "24 hours ahead of the loader's clock"),
        (event(occurred_at="2999-01-01T00:00:00Z"), "24 hours ahead of the loader's clock"),
        (
            event(occurred_at="0001-01-01T00:00:00Z"),
            "before 2000-01-01, the var earliest_event_date",
        ),
        (
            event(occurred_at="1970-01-01T00:00:00Z"),
            "before 2000-01-01, the var earliest_event_date",
        ),
        (
            event(occurred_at="1999-12-31T23:59:59Z"),
            "before 2000-01-01, the var earliest_event_date",
        ),
        (event(amount=1767225600000000000), "beyond 1,000,000,000, the var largest_amount"),
        (event(amount=1.0000001e9), "beyond 1,000,000,000, the var largest_amount"),
        (event(amount=-4e38), "beyond 1,000,000,000, the var largest_amount"),
        (raw(f', "amount": {"9" * 30}}}'), "beyond 1,000,000,000, the var largest_amount"),
        (profile('{"email": "a@example.com", "email": "b@example.com"}'), "names 'email' twice"),
        (profile('{"name": "A", "name": "A"}'), "names 'name' twice"),
        (profile('{}, "properties": {}'), "names 'properties' twice"),
        (event(event_type="customer_merged"), "a merge needs merged_id in its properties"),
        (merge("null"), "a merge needs merged_id in its properties"),
        (merge("{}"), "a merge needs merged_id in its properties"),
        (merge('{"merged_id": 7}'), "a merge needs merged_id in its properties"),
        (merge('{"merged_id": ""}'), "a merge needs merged_id in its properties"),
        (merge(f'{{"merged_id": "{"x" * 65}"}}'), "a text of 1 to 64 characters"),
        (merge('{"merged_id": "c1"}'), "merged_id is customer_id itself"),
        (merge('{"merged_id": "c2", "merged_id": "c3"}'), "a merge names a field twice"),
        (event(amount="12"), "amount is not a finite number"),
        (event(amount=True), "amount is not a finite number"),
        (raw(', "amount": 1e400}'), "amount is not a finite number"),
        (raw(f', "amount": {"9" * 400}}}'), "amount is not a finite number"),
        (raw(', "amount": NaN}'), "not valid JSON"),
        (raw(', "amount": -Infinity}'), "not valid JSON"),
        (raw(', "note": "\\ud800"}'), "not valid JSON"),
        (raw(', "note": "\x00"}'), "not valid JSON"),
        (raw(', "note": ' + "[" * 5_000 + "]" * 5_000 + "}"), "nested too deeply"),
        (event(properties=[1]), "properties is not an object"),
        (event(properties="{}"), "properties is not an object"),
        (event(properties={"text": "x" * 16_384}), "properties is larger than 16 KiB"),
        (event(note="x" * 65_536), "the message is larger than 64 KiB; its first 4 KiB are kept"),
    ],
)
def test_rejected_with_a_reason(message, reason):
    batch = judged(message)
    assert len(batch.events) == 0
    [row] = batch.rejected.to_pylist()
    assert row["message"] == (message if len(message or b"") <= 65_536 else message[:4_096])
    assert reason in row["reason"]
    assert len(row["reason"].splitlines()) == 1


@pytest.mark.parametrize(
    "message",
    [
        event(),
        event(event_id="é" * 64),
        event(amount=None, properties=None),
        event(amount=12),
        event(amount=-0.5, properties={"nested": {"deep": [1, 2]}}),
        event(unknown_field={"kept": True}),
        event(occurred_at=hours_ahead(23)),
        event(occurred_at="2000-01-01T00:00:00Z"),
        event(amount=1e9),
        event(amount=-1e9),
        profile('{"name": "A", "more": {"name": "A"}, "list": [{"a": 1}, {"a": 1}]}'),
        raw(', "amount": 1, "amount": 2}'),
        raw(', "note": "\\u0000"}'),
        raw(', "properties": {"text": "' + "x" * 16_000 + '"}}'),
    ],
)
def test_accepted(message):
    batch = judged(message)
    assert len(batch.rejected) == 0
    assert batch.events["payload"].to_pylist() == [message.decode()]


def test_of_a_field_that_is_named_twice_the_last_one_counts():
    [row] = judged(raw(', "amount": 1, "amount": 2}')).events.to_pylist()
    assert row["amount"] == 2


def test_a_byte_order_mark_is_no_part_of_the_event():
    batch = judged(b"\xef\xbb\xbf" + event(), event(event_id="e2"), b"\xef\xbb\xbf{")
    assert batch.events["payload"].to_pylist() == [event().decode(), event(event_id="e2").decode()]
    assert batch.rejected["message"].to_pylist() == [b"\xef\xbb\xbf{"]


@pytest.mark.parametrize("milliseconds", [0, 1, 1_767_225_600, 2**62, -1, -(2**62)])
def test_what_the_sender_wrote_as_the_topics_time_rejects_nothing(milliseconds):
    batch = judge(
        {0: fetched(event(occurred_at=hours_ahead(-1)), timestamps=[milliseconds])},
        StoredTopic("t", None),
        {},
    )
    assert (len(batch.events), len(batch.rejected)) == (1, 0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"largest_amount": 0}, "var 'largest_amount' must be a number above 0"),
        ({"largest_amount": True}, "var 'largest_amount' must be a number above 0"),
        ({"largest_amount": 1e13}, "at most 1e12, not '10000000000000.0'"),
        ({"largest_amount": "1e9"}, "var 'largest_amount' must be a number above 0"),
        ({"earliest_event_date": "soon"}, "var 'earliest_event_date' must be a date as 2000-01-01"),
        ({"earliest_event_date": 2000}, "var 'earliest_event_date' must be a date as 2000-01-01"),
    ],
)
def test_bounds_that_cannot_be_right_are_refused(changes, reason):
    right = {
        "largest_amount": 1e9,
        "earliest_event_date": "2000-01-01",
        "event_categories": {"profile": ["profile_updated"]},
    }
    with pytest.raises(IngestError) as refused:
        limits_from(right | changes)
    assert reason in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_merge_that_can_be_followed_is_an_event():
    [row] = judged(merge('{"merged_id": "visitor", "by": "sign-in"}')).events.to_pylist()
    assert (row["customer_id"], row["event_type"]) == ("c1", "customer_merged")


def test_times_are_kept_in_utc():
    [row] = judged(event(occurred_at="2026-01-01T01:30:00.25+05:30")).events.to_pylist()
    assert row["occurred_at"] == datetime(2025, 12, 31, 20, 0, 0, 250_000)


def test_a_message_alone_may_be_of_any_time():
    assert isinstance(decode(event(occurred_at="2999-01-01T00:00:00Z")), Event)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
TIMES = st.datetimes().map(lambda time: time.isoformat()) | st.just("2026-01-01T00:00:00Z")
MERGED = st.fixed_dictionaries({"merged_id": st.text(max_size=66)})
# Mostly events, with anything at all in their fields.
NEARLY = st.fixed_dictionaries(
    {
        "event_id": st.text(max_size=70),
        "customer_id": st.text(max_size=70),
        "event_type": st.sampled_from(["login", "purchase", "Not_Snake", "customer_merged"]),
        "occurred_at": TIMES.map(lambda time: time if time.endswith("Z") else time + "Z"),
    },
    optional={"amount": SCALARS, "properties": JSON | MERGED, "anything": JSON},
).map(lambda fields: json.dumps(fields).encode())
SPOILED = st.builds(
    lambda message, at, noise: message[: at % len(message)] + noise + message[at % len(message) :],
    NEARLY,
    st.integers(min_value=0),
    st.binary(max_size=3),
)


MESSAGES = st.none() | st.binary() | NEARLY | SPOILED


def assert_is_the_event(row: dict, message: bytes) -> None:
    """Compare a row with what Python's own JSON makes of the message, not with the decoder."""
    fields = json.loads(message.removeprefix(b"\xef\xbb\xbf"))
    assert row["event_id"] == fields["event_id"]
    assert row["customer_id"] == fields["customer_id"]
    assert row["event_type"] == fields["event_type"]
    with suppress(ValueError):  # Python itself reads fewer forms of a time than RFC 3339 has
        moment = datetime.fromisoformat(fields["occurred_at"].upper().replace("Z", "+00:00"))
        happened = moment.astimezone(timezone.utc).replace(tzinfo=None)
        assert abs(row["occurred_at"] - happened) <= timedelta(microseconds=1)
    amount = fields.get("amount")
    assert row["amount"] == (None if amount is None else float(amount))
    assert row["payload"].encode() == message.removeprefix(b"\xef\xbb\xbf")
    assert row["amount"] is None or abs(row["amount"]) <= 1e9
    assert row["occurred_at"] >= datetime(2000, 1, 1)


@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MESSAGES)
def test_any_bytes_are_one_event_or_one_rejected_message(message):
    batch = judged(message)
    rows, rejected = batch.events.to_pylist(), batch.rejected.to_pylist()
    assert len(rows) + len(rejected) == 1
    for row in rows:
        assert_is_the_event(row, message)
    for row in rejected:
        assert row["message"] == message
        assert row["reason"]
    assert batch.offsets().to_pylist()[0]["accepted_count"] == len(rows)


@settings(max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(NEARLY, min_size=1, max_size=3))
def test_many_messages_are_judged_as_each_one_alone(messages):
    together = judged(*messages)
    alone = [judged(message) for message in messages]
    for kind, column in (("events", "payload"), ("rejected", "message")):
        each = [text for one in alone for text in getattr(one, kind)[column].to_pylist()]
        assert sorted(getattr(together, kind)[column].to_pylist()) == sorted(each)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(MESSAGES, min_size=1, max_size=30))
def test_every_message_is_one_row_of_the_database(raw_tables, sink, messages):
    topic = uuid4().hex
    accepted = sink.write(judge({0: fetched(*messages)}, StoredTopic(topic, None), {})).accepted
    columns = ["kafka_offset", "event_id", "customer_id", "event_type", "occurred_at", "amount"]
    stored = raw_tables.rows(
        f"select {', '.join(columns)}, payload::varchar as payload"
        " from churn_scores_raw where kafka_topic = ?",
        topic,
    )
    rejected = raw_tables.rows(
        "select kafka_offset, message, reason from churn_events_rejected where kafka_topic = ?",
        topic,
    )
    assert len(stored) == accepted
    assert sorted(row[0] for row in [*stored, *rejected]) == list(range(len(messages)))
    for row in stored:
        assert_is_the_event(dict(zip([*columns, "payload"], row, strict=True)), messages[row[0]])
    for offset, content, reason in rejected:
        assert content == messages[offset]
        assert reason


def test_a_message_is_not_published_after_it_was_read():
    part = fetched(event(), event(), event(), timestamps=[2**62, -1, -(2**62)])
    rows = judge({0: part}, StoredTopic("t", None), {}).events.to_pylist()
    assert len(rows) == 3
    for row in rows:
        assert row["published_at"] == row["loaded_at"]
        assert row["loaded_at"] - datetime(2026, 1, 1) > timedelta()


def test_a_batch_counts_by_partition():
    parts = {0: fetched(event(), b"{", event()), 2: fetched(b""), 5: fetched()}
    batch = judge(parts, StoredTopic("t", "id"), {0: 0})
    counts = ("kafka_partition", "accepted_count", "rejected_count")
    counted = [tuple(row[name] for name in counts) for row in batch.offsets().to_pylist()]
    assert counted == [(0, 2, 1), (2, 0, 1)]
    assert [(span.resumed_from, span.next_offset) for span in batch.spans] == [(0, 3), (None, 1)]

"""The event contract: every message ends as one accepted row or one reason, whatever it holds."""

# ruff: noqa: F401, F811 - fixtures are imported by name

import json
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka.consumer.fetcher import ConsumerRecord

from ingest.batches import StoredTopic, judge
from ingest.events import Event, Rejection, decode
from tests.ingest_fixtures import raw_lake, raw_lake_path, sink

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


def record(offset: int, message: bytes | None) -> ConsumerRecord:
    milliseconds = int((NOW - datetime(1970, 1, 1)).total_seconds() * 1000)
    fields = dict.fromkeys(ConsumerRecord._fields)
    return ConsumerRecord(
        **fields | {"offset": offset, "value": message, "timestamp": milliseconds}
    )


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (None, "the message is empty"),
        (b"", "the message is empty"),
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
        (event(occurred_at="2026-02-01T12:00:01Z"), "more than 24 hours ahead"),
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
    ],
)
def test_rejected_with_a_reason(message, reason):
    judged = decode(message, NOW)
    assert isinstance(judged, Rejection)
    assert reason in judged.reason
    assert len(judged.reason.splitlines()) == 1


@pytest.mark.parametrize(
    "message",
    [
        event(),
        event(event_id="é" * 64),
        event(amount=None, properties=None),
        event(amount=12),
        event(amount=-0.5, properties={"nested": {"deep": [1, 2]}}),
        event(unknown_field={"kept": True}),
        event(occurred_at="2026-02-01T12:00:00Z"),
        event(occurred_at="0001-01-01T00:00:00Z"),
        raw(', "amount": 1, "amount": 2}'),
        raw(', "note": "\\u0000"}'),
        raw(', "properties": {"text": "' + "x" * 16_000 + '"}}'),
    ],
)
def test_accepted(message):
    assert isinstance(decode(message, NOW), Event)


def test_times_are_kept_in_utc():
    judged = decode(event(occurred_at="2026-01-01T01:30:00.25+05:30"), NOW)
    assert judged.occurred_at == datetime(2025, 12, 31, 20, 0, 0, 250_000)


def test_without_a_broker_time_the_future_is_open():
    assert isinstance(decode(event(occurred_at="2999-01-01T00:00:00Z"), None), Event)


@given(st.binary())
def test_any_bytes_end_as_one_or_the_other(message):
    assert isinstance(decode(message, NOW), (Event, Rejection))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
TIMES = st.datetimes().map(lambda time: time.isoformat()) | st.just("2026-01-01T00:00:00Z")
# Mostly events, with anything at all in their fields.
NEARLY = st.fixed_dictionaries(
    {
        "event_id": st.text(max_size=70),
        "customer_id": st.text(max_size=70),
        "event_type": st.sampled_from(["login", "purchase", "Not_Snake"]),
        "occurred_at": TIMES.map(lambda time: time if time.endswith("Z") else time + "Z"),
    },
    optional={"amount": SCALARS, "properties": JSON, "anything": JSON},
).map(lambda fields: json.dumps(fields).encode())
SPOILED = st.builds(
    lambda message, at, noise: message[: at % len(message)] + noise + message[at % len(message) :],
    NEARLY,
    st.integers(min_value=0),
    st.binary(max_size=3),
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.none() | st.binary() | NEARLY | SPOILED, min_size=1, max_size=30))
def test_every_message_is_one_row_of_the_lake(raw_lake, sink, messages):
    topic = uuid4().hex
    records = [record(offset, message) for offset, message in enumerate(messages)]
    accepted = sink.write(judge({0: records}, StoredTopic(topic, None), {}))
    stored = raw_lake.rows(
        "select kafka_offset, event_id, customer_id, occurred_at, amount, payload::varchar"
        " from churn_scores_raw where kafka_topic = ?",
        topic,
    )
    rejected = raw_lake.rows(
        "select kafka_offset, message, reason from churn_events_rejected where kafka_topic = ?",
        topic,
    )
    assert len(stored) == accepted
    assert sorted(row[0] for row in [*stored, *rejected]) == list(range(len(messages)))
    for offset, event_id, customer_id, occurred_at, amount, payload in stored:
        judged = decode(messages[offset], NOW)
        assert (event_id, customer_id, occurred_at, amount) == (
            judged.event_id,
            judged.customer_id,
            judged.occurred_at,
            judged.amount,
        )
        assert payload.encode() == messages[offset]
    for offset, message, reason in rejected:
        assert message == messages[offset]
        assert reason


def test_a_message_is_not_published_after_it_was_read():
    future = record(0, event())._replace(timestamp=2**62)
    timeless = record(1, event())._replace(timestamp=-1)
    table = judge({0: [future, timeless]}, StoredTopic("t", None), {}).messages.to_pylist()
    for row in table:
        assert row["published_at"] == row["loaded_at"]
        assert row["loaded_at"] - datetime(2026, 1, 1) > timedelta()

"""Messages of customers who were forgotten: dropped before they are stored, however they come."""

# ruff: noqa: F401, F811 - fixtures are imported by name

import hashlib
import json
from datetime import datetime

import pyarrow as pa
import pytest

from ingest.batches import StoredTopic, judge
from ingest.fetched import Fetched
from ingest.forgotten import Forgotten
from ingest.loader import load
from ingest.rejected import replay_rejected
from tests.dbt import render
from tests.ingest_fixtures import (
    address,
    ingest,
    message,
    produce,
    raw_tables,
    raw_tables_path,
    sink,
    topic,
)

SALT = "5a1t"
GONE = ("H0900", "straße 7")
KEPT = json.dumps({"event_id": "k", "customer_id": "K1", "event_type": "login",
                   "occurred_at": "2026-01-01T00:00:00Z"}).encode()  # fmt: skip


def id_hash(customer_id: str) -> str:
    return hashlib.sha256((SALT + customer_id).encode()).hexdigest()


def of(customer_id: str, number: int = 0, **more) -> bytes:
    event = json.loads(message(number)) | {"customer_id": customer_id} | more
    return json.dumps(event, ensure_ascii=False).encode()


def merge(into: str, merged: str) -> bytes:
    return of(into, 1, event_type="customer_merged", properties={"merged_id": merged})


def batch_of(*messages: bytes):
    places = list(range(len(messages)))
    part = Fetched(list(messages), places, [-1] * len(messages), len(messages), None)
    return judge({0: part}, StoredTopic("t", None), {})


FORGOTTEN = Forgotten.of_rows((SALT, id_hash(one)) for one in GONE)


def execute(raw_tables, statement: str, rows: list[tuple]) -> None:
    with raw_tables.database.session() as opened, opened.cursor() as cursor:
        cursor.executemany(statement, rows)


@pytest.fixture
def forgotten(raw_tables):
    """Have the database know who was forgotten, for one test."""
    rows = [(id_hash(one), SALT, datetime(2026, 1, 1), "me") for one in GONE]
    execute(raw_tables, "insert into forgotten_customers values (?, ?, ?, ?)", rows)
    yield
    execute(raw_tables, "delete from forgotten_customers where salt = ?", [(SALT,)])


@pytest.mark.parametrize(
    "text",
    [
        of("H0900"), of("straße 7"), merge("K2", "H0900"), merge("H0900", "K2"),
        b'{"customer_id": "H0900"}', b'{"customer_id":"stra\xc3\x9fe 7","x":1}',
        b"H0900;login", b"\xff\xfe H0900 \xff", b'{"user": "H0900"', b'["H0900"]',
    ],
)  # fmt: skip
def test_what_names_a_forgotten_customer_is_dropped(text):
    batch = batch_of(text, KEPT)
    kept = batch.without(FORGOTTEN)
    assert kept.events["customer_id"].to_pylist() == ["K1"]
    assert not len(kept.rejected)
    assert kept.offsets()["next_offset"].to_pylist() == batch.offsets()["next_offset"].to_pylist()


@pytest.mark.parametrize(
    "text",
    [
        of("H09001"), of("h0900"), merge("K2", "K3"), b'{"customer_id": "H09001"}', b"H0900x",
        b"\x00", b"", of("K9", 3, properties={"note": "as H0900 said"}),
    ],
)  # fmt: skip
def test_what_names_another_one_is_kept(text):
    batch = batch_of(text, KEPT)
    kept = batch.without(FORGOTTEN)
    assert (kept.events, kept.rejected) == (batch.events, batch.rejected)


def test_while_nobody_is_forgotten_nothing_is_looked_at():
    batch = batch_of(of("H0900"), b"no JSON")
    kept = batch.without(Forgotten())
    assert kept.events is batch.events
    assert kept.rejected is batch.rejected


def test_the_loader_and_the_database_make_the_same_hash(raw_tables):
    for name in ("H0900", "straße 7", "🚀", ""):
        query = render("select {{ id_hash(\"'" + SALT + "'\", \"'" + name + "'\") }}")
        assert raw_tables.rows(query[query.index("select") :]) == [(id_hash(name),)]


def test_a_replay_of_the_topic_brings_nothing_back(raw_tables, forgotten, sink, address, topic):
    texts = [of("H0900", 1), of("K1", 2), b"H0900;login", b"no JSON", of("straße 7", 3)]
    produce(address, topic, texts)
    done = load(sink, address, topic, until_end=True)
    assert (done.accepted, done.rejected, done.forgotten) == (1, 1, 3)
    names = "select customer_id from churn_scores_raw where kafka_topic = ?"
    assert raw_tables.rows(names, topic) == [("K1",)]
    kept = "select message from churn_events_rejected where kafka_topic = ?"
    assert raw_tables.rows(kept, topic) == [(b"no JSON",)]
    assert load(sink, address, topic, until_end=True).forgotten == 0  # the offsets were stored
    said = ingest("load", "--topic", topic, "--bootstrap-servers", address, "--until-end")
    assert "forgotten" not in said.stdout


def test_who_is_forgotten_while_a_batch_waits_is_dropped_from_it(forgotten, sink):
    """It was judged before; the loader waited for the file, which whoever forgets had."""
    batch = batch_of(of("H0900"), KEPT)
    assert tuple(sink.write(batch)) == (1, 0, 1)


def test_rejected_messages_of_the_forgotten_are_not_loaded_later(raw_tables, forgotten, sink):
    execute(
        raw_tables,
        "insert into churn_events_rejected by name select $1 as message, 'r' as reason, 'later' as"
        " kafka_topic, 0 as kafka_partition, $2 as kafka_offset, $3 as published_at,"
        " $4 as loaded_at",
        [(text, place, datetime(2026, 1, 1), datetime(2026, 1, 1))
         for place, text in enumerate([of("H0900"), KEPT])],
    )  # fmt: skip
    assert replay_rejected(sink, "later") == 1
    rows = raw_tables.rows("select customer_id from churn_scores_raw where kafka_topic = 'later'")
    assert rows == [("K1",)]


def test_many_forgotten_cost_little():
    """A batch hashes each id once, however many were forgotten."""
    many = Forgotten.of_rows((SALT, id_hash(f"x{number}")) for number in range(10_000))
    events = batch_of(KEPT).events
    large = pa.concat_tables([events] * 2000)
    calls = []
    counted = Forgotten(many.hashes)
    object.__setattr__(counted, "is_forgotten", lambda one: calls.append(one) or False)
    assert counted.kept(large) is large
    assert calls == ["K1"]

"""Rejected messages: listed, explained, and loaded once after the contract was widened."""

# ruff: noqa: F401, F811 - fixtures are imported by name

import json
import re
import threading
from datetime import datetime

import pytest

from ingest import events as contract
from ingest.loader import load
from ingest.rejected import list_rejected, replay_rejected
from ingest.sinks import open_sink
from tests.ingest_fixtures import (
    address,
    ingest,
    one_line,
    produce,
    raw_tables,
    raw_tables_path,
    sink,
    topic,
)


def message(number: int, event_type: str = "login") -> bytes:
    event = {
        "event_id": f"e{number}",
        "customer_id": "c1",
        "event_type": event_type,
        "occurred_at": "2026-01-01T00:00:00Z",
    }
    return json.dumps(event).encode()


def widen_the_contract(monkeypatch) -> None:
    """Do what a fix does: types may have upper-case letters now."""
    monkeypatch.setattr(contract, "_known_event_types", set())
    monkeypatch.setattr(contract, "_EVENT_TYPE", re.compile(r"[A-Za-z_]+\Z"))


@pytest.fixture
def loaded(sink, address, topic):
    """A topic with ten events, four messages of an unknown form and one that is no JSON."""
    texts = [message(number) for number in range(10)]
    texts += [message(number, "Login") for number in range(10, 14)] + [b"\xff{"]
    places = produce(address, topic, texts)
    assert load(sink, address, topic, until_end=True).rejected == 5
    return topic, places


def test_they_are_listed_by_reason_with_an_example(loaded, raw_tables):
    topic, _ = loaded
    done = ingest("rejected", "--topic", topic)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "5 rejected messages"
    assert lines[1] == "4 x event_type is not a lower_snake_case text of at most 40 characters"
    assert '"event_type": "Login"' in lines[3]
    assert "1 x the message is not UTF-8 text" in lines
    assert r"\xff{" in done.stdout
    assert lines[-1] == "0 of them obey the contract as it is now"


def test_after_a_fix_they_are_loaded_once_and_keep_their_places(
    loaded, sink, raw_tables, monkeypatch
):
    topic, places = loaded
    assert replay_rejected(sink, topic) == 0
    widen_the_contract(monkeypatch)
    assert list_rejected(sink, topic).replayable == 4
    assert replay_rejected(sink, topic) == 4
    assert replay_rejected(sink, topic) == 0
    assert raw_tables.places(topic) == sorted(places)
    events = raw_tables.rows(
        "select count(*), count(distinct event_id), count(*) filter (where event_type = 'Login')"
        " from churn_scores_raw where kafka_topic = ?",
        topic,
    )
    assert events == [(14, 14, 4)]
    assert list_rejected(sink, topic).count == 1


def test_two_replays_at_once_load_each_message_once(loaded, raw_tables, monkeypatch):
    topic, places = loaded
    widen_the_contract(monkeypatch)
    moved: list[int] = []

    def run() -> None:
        own = open_sink("duckdb")
        moved.append(replay_rejected(own, topic))
        own.close()

    replays = [threading.Thread(target=run) for _ in range(3)]
    for replay in replays:
        replay.start()
    for replay in replays:
        replay.join()
    assert sum(moved) == 4
    assert raw_tables.places(topic) == sorted(places)


def test_loading_goes_on_after_a_replay(loaded, sink, raw_tables, address, monkeypatch):
    topic, places = loaded
    widen_the_contract(monkeypatch)
    replay_rejected(sink, topic)
    places = [*places, *produce(address, topic, [message(20), message(21, "Login")])]
    assert load(sink, address, topic, until_end=True).accepted == 2
    assert raw_tables.places(topic) == sorted(places)


def test_what_the_rules_now_allow_is_loaded_and_the_rest_keeps_its_reason(sink, raw_tables, topic):
    """An older loader rejected a whole topic whose time is in seconds, and had no bounds."""
    loaded_at = datetime(2026, 2, 1, 12)
    texts = {
        0: {"occurred_at": "2026-02-01T11:00:00Z"},
        1: {"occurred_at": "2026-02-02T11:59:00Z"},  # a day ahead at most, when it came
        2: {"occurred_at": "2026-02-02T12:01:00Z"},
        3: {"occurred_at": "1970-01-01T00:00:00Z"},
        4: {"amount": 4e38},
        5: {"amount": 12.5},
    }
    for offset, change in texts.items():
        text = json.dumps(json.loads(message(offset)) | change).encode()
        raw_tables.rows(
            "insert into churn_events_rejected by name select $1 as kafka_topic,"
            " 0 as kafka_partition, $2 as kafka_offset, $3 as message, 'an old reason' as reason,"
            " timestamp '1970-01-21' as published_at, $4 as loaded_at",
            topic,
            offset,
            text,
            loaded_at,
        )
    assert list_rejected(sink, topic).replayable == 3
    assert replay_rejected(sink, topic) == 3
    accepted = raw_tables.rows(
        "select kafka_offset from churn_scores_raw where kafka_topic = ? order by 1", topic
    )
    assert accepted == [(0,), (1,), (5,)]
    assert list_rejected(sink, topic).count == 3


def test_without_a_database(tmp_path):
    done = ingest("rejected", "--replay", env={"CHURN_HOME": str(tmp_path / "nowhere")})
    assert "there is no database" in one_line(done)

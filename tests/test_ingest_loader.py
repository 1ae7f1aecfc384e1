"""The loader on a real broker and a real pipeline: exactly once, whatever happens to it."""

# ruff: noqa: F401, F811 - fixtures are imported by name

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from kafka.admin import KafkaAdminClient

import ingest.topics as topics
from embedded.broker import broker
from embedded.session import open_database
from ingest.kafka import create_topic
from ingest.libraries import KAFKA_PYTHON
from ingest.reader import TopicReader
from ingest.topics import LoadedTopic, start_offset, stored_name
from runtime.errors import IngestError
from tests.dbt import PROJECT
from tests.ingest_fixtures import (
    address,
    collected,
    ingest,
    load_all,
    message,
    one_line,
    produce,
    raw_tables,
    raw_tables_path,
    sink,
    start_ingest,
    topic,
    wait_until,
)


def children_of(process: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    pairs = [line.split() for line in listed.stdout.splitlines()]
    return [int(number) for number, parent in pairs if int(parent) == process]


def runs(process: int) -> bool:
    """Tell whether a process is there and is more than an exit code that nobody asked for."""
    command = ["ps", "-o", "stat=", "-p", str(process)]
    state = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return bool(state) and not state.startswith("Z")


def remake(address: str, topic: str) -> None:
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        admin.delete_topics([topic])
    create_topic(address, topic)


def test_bad_messages_are_kept_apart_and_the_batch_goes_on(sink, raw_tables, address, topic):
    bad = {
        1: (b"{not json", "not valid JSON"),
        3: (message(3, amount="12"), "amount is not a finite number"),
        4: (message(4, properties={"text": "x" * 20_000}), "properties is larger than 16 KiB"),
        6: (message(6, occurred_at="2999-01-01T00:00:00Z"), "more than 24 hours ahead"),
        7: (None, "the message is a tombstone"),
        8: (b"\xff\x00", "not UTF-8"),
    }
    sent = [bad[number][0] if number in bad else message(number) for number in range(10)]
    places = produce(address, topic, sent)
    summary = load_all(sink, address, topic)
    assert (summary.accepted, summary.rejected) == (4, 6)
    assert raw_tables.places(topic) == sorted(places)
    rejected = raw_tables.rows(
        "select kafka_partition, kafka_offset, message, reason from churn_events_rejected"
        " where kafka_topic = ?",
        topic,
    )
    found = {(partition, offset): (text, reason) for partition, offset, text, reason in rejected}
    for number, (text, reason) in bad.items():
        kept, said = found[places[number]]
        assert kept == text
        assert reason in said


def test_the_stored_row_is_the_message(sink, raw_tables, address, topic):
    text = message(1, amount=12.5, added_later={"kept": [1, 2]})
    [(partition, offset)] = produce(address, topic, [text])
    load_all(sink, address, topic)
    [row] = raw_tables.rows(
        "select event_id, amount, payload::varchar, kafka_partition, kafka_offset,"
        " published_at <= loaded_at from churn_scores_raw where kafka_topic = ?",
        topic,
    )
    assert row == ("e1", 12.5, text.decode(), partition, offset, True)


def test_a_reading_process_that_is_killed_costs_one_line_and_no_message(raw_tables, address, topic):
    command = ("load", "--bootstrap-servers", address, "--topic", topic)
    places = produce(address, topic, [message(number) for number in range(50)])
    loader = start_ingest(*command)
    wait_until(lambda: len(raw_tables.places(topic)) == 50)
    [reading] = children_of(loader.pid)
    os.kill(reading, signal.SIGKILL)
    assert loader.wait(timeout=30) == 1
    assert f"process {reading}, which reads for the loader, has ended" in loader.stderr.read()
    places += produce(address, topic, [message(number) for number in range(50, 60)])
    assert ingest(*command, "--until-end").returncode == 0
    assert raw_tables.places(topic) == sorted(places)


def test_a_loader_that_is_killed_leaves_no_process_behind(raw_tables, address, topic):
    produce(address, topic, [message(1)])
    loader = start_ingest("load", "--bootstrap-servers", address, "--topic", topic)
    wait_until(lambda: raw_tables.places(topic))
    [reading] = children_of(loader.pid)
    loader.kill()
    loader.wait()
    wait_until(lambda: not runs(reading))


def test_a_rerun_loads_nothing_and_later_messages_only_once(sink, raw_tables, address, topic):
    places = produce(address, topic, [message(number) for number in range(500)])
    assert load_all(sink, address, topic).accepted == 500
    again = load_all(sink, address, topic)
    assert (again.accepted, again.rejected, again.batches) == (0, 0, 0)
    places += produce(address, topic, [message(number) for number in range(500, 600)])
    assert load_all(sink, address, topic).accepted == 100
    assert raw_tables.places(topic) == sorted(places)
    counted = raw_tables.rows(
        "select sum(accepted_count), sum(rejected_count), sum(next_offset - first_offset)"
        " from ingest_batches where kafka_topic = ?",
        topic,
    )
    assert counted == [(600, 0, 600)]


def test_killed_again_and_again_it_loses_and_doubles_nothing(raw_tables, address, topic):
    places: list[tuple[int, int]] = []
    is_over = threading.Event()

    def flow() -> None:
        while not is_over.wait(0.05):
            numbers = range(len(places), len(places) + 100)
            places.extend(produce(address, topic, [message(number) for number in numbers]))

    command = ("load", "--bootstrap-servers", address, "--topic", topic)
    small = ("--batch-rows", "60", "--linger-seconds", "0.02")
    producer = threading.Thread(target=flow)
    producer.start()
    for kill in range(3):
        stored, loader = len(raw_tables.places(topic)), start_ingest(*command, *small)
        # Each life must get something done, so that every kill lands in the middle of the work.
        wait_until(lambda stored=stored: len(raw_tables.places(topic)) > stored, seconds=30)
        time.sleep(0.01 * kill)
        loader.kill()
        loader.communicate()
    is_over.set()
    producer.join()
    assert ingest(*command, "--until-end").returncode == 0
    assert raw_tables.places(topic) == sorted(places)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_commits_and_leaves(raw_tables, address, topic, number):
    places = produce(address, topic, [message(number) for number in range(50)])
    loader = start_ingest("load", "--bootstrap-servers", address, "--topic", topic)
    deadline = time.monotonic() + 30
    while len(raw_tables.places(topic)) < 50 and time.monotonic() < deadline:
        time.sleep(0.02)
    loader.send_signal(number)
    output, errors = loader.communicate(timeout=30)
    assert (loader.returncode, errors) == (0, "")
    assert "loaded 50 events, rejected 0" in output
    assert raw_tables.places(topic) == sorted(places)


def test_a_signal_that_comes_while_the_event_is_looked_at_does_not_wait_for_itself():
    """Who waits for the event holds its lock for a moment, and the handler runs in between."""
    program = """
import os, signal, time
from runtime.signals import stop_on_signals

stop = stop_on_signals()
with stop._cond:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.1)
print(stop.wait(10))
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, timeout=60, check=True)
    assert done.stdout == b"True\n"


def test_a_topic_made_anew_is_refused_or_loaded_as_a_new_life(sink, raw_tables, address, topic):
    produce(address, topic, [message(number) for number in range(20)])
    load_all(sink, address, topic)
    remake(address, topic)
    produce(address, topic, [message(number) for number in range(100, 110)])
    command = ("load", "--bootstrap-servers", address, "--topic", topic, "--until-end")
    assert "add --recreated" in one_line(ingest(*command))
    assert load_all(sink, address, topic, recreated=True).accepted == 10
    produce(address, topic, [message(number) for number in range(110, 115)])
    assert load_all(sink, address, topic).accepted == 5
    stored = raw_tables.rows(
        "select kafka_topic, count(*), count(distinct (kafka_partition, kafka_offset))"
        " from churn_scores_raw where kafka_topic = $1 or starts_with(kafka_topic, $1 || '@')"
        " group by all order by all",
        topic,
    )
    assert [row[1:] for row in stored] == [(20, 20), (15, 15)]
    assert stored[0][0] == topic


def test_a_topic_made_anew_under_a_running_loader_ends_it(sink, address, topic, monkeypatch):
    monkeypatch.setattr(topics, "REFRESH_SECONDS", 0)
    produce(address, topic, [message(1)])
    with TopicReader(address, topic, KAFKA_PYTHON) as reader:
        loaded = LoadedTopic(reader, sink, recreated=False, skip_lost=False)
        loaded.refresh(patient=True)
        remake(address, topic)
        with pytest.raises(IngestError, match="start again with --recreated"):
            loaded.refresh(patient=True)


def test_partitions_that_are_added_are_read_too(sink, raw_tables, address, topic, monkeypatch):
    class GrowingTopic(TopicReader):
        known = 1

        def describe(self):
            state = super().describe()
            return replace(state, partitions=state.partitions[: self.known])

    monkeypatch.setattr(topics, "REFRESH_SECONDS", 0)
    places = produce(address, topic, [message(number) for number in range(60)])
    with GrowingTopic(address, topic, KAFKA_PYTHON) as reader:
        loaded = LoadedTopic(reader, sink, recreated=False, skip_lost=False)
        assert loaded.partitions == [0]
        reader.known = 3
        loaded.refresh(patient=True)
        assert loaded.partitions == [0, 1, 2]
        stored = 0
        while stored < len(places):
            stored += sink.write(loaded.judge(collected(reader))).accepted
    assert raw_tables.places(topic) == sorted(places)


def test_which_life_of_a_topic_it_is():
    assert stored_name("t", "b", {}, recreated=False) == "t"
    assert stored_name("t", "a", {"a": "t"}, recreated=True) == "t"
    assert stored_name("t", "b", {"a": "t", "b": "t@b"}, recreated=False) == "t@b"
    assert stored_name("t", "b", {"a": "t"}, recreated=True) == "t@b"
    assert stored_name("t", None, {"a": "t"}, recreated=False) == "t"
    assert stored_name("t", "b", {None: "t"}, recreated=False) == "t"
    with pytest.raises(IngestError, match="made anew"):
        stored_name("t", "b", {"a": "t"}, recreated=False)


def test_where_to_start():
    assert start_offset("t", None, 7, skip_lost=False) == 7
    assert start_offset("t", 9, 7, skip_lost=False) == 9
    assert start_offset("t", 3, 7, skip_lost=True) == 7
    with pytest.raises(IngestError, match="deleted offsets 3 to 6"):
        start_offset("t", 3, 7, skip_lost=False)


def test_no_broker_is_one_line_without_secrets(raw_tables):
    environment = {
        "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_SASL_USERNAME": "loader",
        "KAFKA_SASL_PASSWORD": "correct-horse",
    }
    done = ingest("load", "--bootstrap-servers", "127.0.0.1:1", env=environment)
    assert "no Kafka broker answers at 127.0.0.1:1" in one_line(done)
    assert "correct-horse" not in done.stdout + done.stderr


def test_a_broker_that_goes_away_is_waited_for_or_not(sink, monkeypatch):
    monkeypatch.setattr(topics, "REFRESH_SECONDS", 0)
    with broker(port=0) as mortal:
        create_topic(mortal, "mortal")
        reader = TopicReader(mortal, "mortal", KAFKA_PYTHON)
        loaded = LoadedTopic(reader, sink, recreated=False, skip_lost=False)
    with reader:
        with pytest.raises(IngestError, match="no Kafka broker answers"):
            loaded.refresh(patient=False)
        loaded.refresh(patient=True)


@pytest.mark.parametrize(
    ("servers", "topic", "environment", "words"),
    [
        ("here", "t", {}, "'here' is not a broker's address"),
        ("here:99999", "t", {}, "is not a broker's address"),
        ("here:9092", "no spaces", {}, "is not a topic's name"),
        ("here:9092", "t", {"KAFKA_SECURITY_PROTOCOL": "TLS"}, "use one of PLAINTEXT"),
        ("here:9092", "t", {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "KAFKA_SASL_USERNAME must be"),
        (
            "here:9092",
            "t",
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CAFILE": "/nowhere.pem"},
            "there is no such file",
        ),
    ],
)
def test_settings_that_cannot_be_right(monkeypatch, servers, topic, environment, words):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(IngestError, match=words):
        TopicReader(servers, topic, KAFKA_PYTHON)


def test_a_topic_that_does_not_exist(raw_tables, address):
    command = ("load", "--bootstrap-servers", address, "--topic", "nowhere")
    assert "there is no topic nowhere" in one_line(ingest(*command))


def test_a_database_without_raw_tables(tmp_path, address):
    home = tmp_path / "home"
    command = ("load", "--bootstrap-servers", address)
    environment = {"CHURN_HOME": str(home)}
    assert "there is no database" in one_line(ingest(*command, env=environment))
    made = open_database(home)
    made.rows("select 1")
    made.close()
    assert "run 'dbt build' first" in one_line(ingest(*command, env=environment))


def test_a_database_that_cannot_be_written(raw_tables, address, topic):
    produce(address, topic, [message(1)])
    command = ["load", "--bootstrap-servers", address, "--topic", topic]
    raw_tables.database.close()
    raw_tables.database.file.chmod(0o444)
    raw_tables.path.chmod(0o555)
    try:
        assert "cannot be written" in one_line(ingest(*command, prefix=as_anyone()))
    finally:
        raw_tables.path.chmod(0o755)
        raw_tables.database.file.chmod(0o644)


def as_anyone() -> tuple[str, ...]:
    """Return what runs a command without root's way past file permissions."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root may write everything, and there is no setpriv to run as less")
    return ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override")

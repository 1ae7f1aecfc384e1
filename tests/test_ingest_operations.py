"""What operators rely on: one loader a topic, logs, dry runs, lag, memory, a signal to stop."""

# ruff: noqa: F401, F811 - fixtures are imported by name

import json
import re
import signal
import sys
import time

import pytest
from kafka.admin import KafkaAdminClient

from benchmarks.memory import peak_kilobytes
from ingest.libraries import KAFKA_PYTHON, LIBRDKAFKA, chosen_library
from ingest.loader import load
from ingest.reader import TopicReader
from runtime.errors import IngestError
from tests.ingest_fixtures import (
    address,
    ingest,
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

MEMORY_KILOBYTES = 400 * 1024


def test_a_second_loader_says_who_holds_the_topic_and_takes_over(raw_tables, address, topic):
    command = ("load", "--bootstrap-servers", address, "--topic", topic)
    places = produce(address, topic, [message(number) for number in range(20)])
    first = start_ingest(*command)
    wait_until(lambda: len(raw_tables.places(topic)) == 20)
    second = start_ingest(*command)
    said = second.stderr.readline()
    assert f"topic {topic} is being loaded by process {first.pid} on " in said
    assert "waiting until it ends" in said
    first.kill()
    first.communicate()
    places += produce(address, topic, [message(number) for number in range(20, 40)])
    wait_until(lambda: len(raw_tables.places(topic)) == 40)
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=30)
    assert second.returncode == 0
    assert raw_tables.places(topic) == sorted(places)


def test_a_loader_that_waits_can_be_asked_to_stop(raw_tables, address, topic):
    command = ("load", "--bootstrap-servers", address, "--topic", topic)
    first = start_ingest(*command)
    assert raw_tables.path.joinpath("loaders").parent.exists()
    wait_until(lambda: (raw_tables.path / "loaders" / f"{topic}.holder").exists())
    second = start_ingest(*command)
    second.stderr.readline()
    second.send_signal(signal.SIGTERM)
    output, _ = second.communicate(timeout=30)
    assert (second.returncode, output.startswith("loaded 0 events")) == (0, True)
    first.kill()
    first.communicate()


def test_the_log_tells_rate_and_lag_per_partition(raw_tables, address, topic):
    produce(address, topic, [message(number) for number in range(300)])
    command = ("load", "--bootstrap-servers", address, "--topic", topic, "--log-seconds", "0.2")
    loader = start_ingest(*command, "--log-format", "json")
    said = json.loads(loader.stderr.readline())
    while said["accepted"] < 300:
        said = json.loads(loader.stderr.readline())
    loader.send_signal(signal.SIGTERM)
    loader.communicate(timeout=30)
    assert said["event"] == "progress"
    assert said["topic"] == topic
    assert said["rejected"] == 0
    assert said["lag"] == {"0": 0, "1": 0, "2": 0}
    assert said["events_per_second"] >= 0
    text = start_ingest(*command)
    line = text.stderr.readline()
    text.kill()
    text.communicate()
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ info progress topic=", line)
    assert "lag=0:0,1:0,2:0" in line


def test_lag_counts_what_the_broker_holds_and_the_loader_has_not_read(
    sink, address, topic, monkeypatch
):
    monkeypatch.setattr("ingest.loader._REPORT_SECONDS", 0)
    seen = []
    # More for each partition than one poll brings.
    produce(address, topic, [message(number) for number in range(9_000)])
    load(sink, address, topic, until_end=True, batch_rows=100, on_progress=seen.append)
    assert max(sum(one.lag.values()) for one in seen) > 500
    assert sum(seen[-1].lag.values()) == 0


@pytest.mark.parametrize("client", [KAFKA_PYTHON, LIBRDKAFKA])
def test_a_dry_run_reports_and_leaves_no_trace(tmp_path, address, topic, client):
    texts = [message(number) for number in range(50)]
    produce(address, topic, [*texts, b"{", b"{}", b"{}"])
    command = ("load", "--dry-run", "--bootstrap-servers", address, "--topic", topic)
    pipeline = {"CHURN_HOME": str(tmp_path / "none")}
    done = ingest(*command, "--client", client, env=pipeline)
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "53 messages: 50 would be loaded, 3 rejected"
    assert re.match(r"  2 x event_id is missing \(first: partition \d, offset \d+\)", lines[1])
    assert "not valid JSON" in lines[2]
    assert not (tmp_path / "none").exists()


def test_a_dry_run_over_a_good_topic_succeeds(tmp_path, address, topic):
    produce(address, topic, [message(1)])
    done = ingest("load", "--dry-run", "--bootstrap-servers", address, "--topic", topic)
    assert (done.returncode, done.stdout) == (0, "1 messages: 1 would be loaded, 0 rejected\n")


def test_a_consumer_group_is_told_what_was_committed(sink, address, topic):
    places = produce(address, topic, [message(number) for number in range(90)])
    load(sink, address, topic, until_end=True, report_group="lag-tools")
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        told = admin.list_group_offsets(["lag-tools"])["lag-tools"]
    told = {place.partition: one.offset for place, one in told.items() if place.topic == topic}
    assert told == {
        number: 1 + max(offset for partition, offset in places if partition == number)
        for number in range(3)
    }


@pytest.mark.parametrize("client", [KAFKA_PYTHON, LIBRDKAFKA])
def test_a_batch_that_the_broker_holds_already_is_waited_for(address, topic, client):
    """One poll brings 2,000 messages at most, and each batch costs a transaction."""
    produce(address, topic, [message(number) for number in range(9_000)])
    with TopicReader(address, topic, client) as reader:
        reader.add(reader.first_offsets(reader.describe().partitions))
        while not (fetched := reader.collect(2_500, 0)):
            pass
    assert sum(len(part.values) for part in fetched.values()) >= 2_500


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("client", [KAFKA_PYTHON, LIBRDKAFKA])
@pytest.mark.parametrize(
    ("count", "size"), [(150_000, 10), (1_500, 300_000)], ids=["many", "large"]
)
def test_memory_stays_bounded(raw_tables, address, topic, client, count, size):
    text = "x" * size
    produce(address, topic, (message(number, note=text) for number in range(count)))
    command = ("load", "--bootstrap-servers", address, "--topic", topic, "--until-end")
    loader = start_ingest(*command, "--client", client)
    peak = peak_kilobytes(loader)
    output, errors = loader.communicate(timeout=120)
    assert loader.returncode == 0, errors
    # Messages beyond the contract's 64 KiB are rejected, and only their beginning is kept.
    loaded, rejected = (0, count) if size > 64 * 1024 else (count, 0)
    assert f"loaded {loaded:,} events, rejected {rejected:,}" in output
    assert peak < MEMORY_KILOBYTES


def test_without_librdkafka_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr("ingest.libraries.find_spec", lambda _: None)
    assert chosen_library("auto") == KAFKA_PYTHON
    with pytest.raises(IngestError, match="--extra fast"):
        chosen_library(LIBRDKAFKA)


def test_secrets_reach_both_clients_and_no_message(monkeypatch):
    from ingest.broker import kafka_python_settings, librdkafka_settings

    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512")
    monkeypatch.setenv("KAFKA_SASL_USERNAME", "loader")
    monkeypatch.setenv("KAFKA_SASL_PASSWORD", "correct-horse")
    assert "correct-horse" in kafka_python_settings("b:9092").values()
    assert librdkafka_settings("b:9092") == {
        "bootstrap.servers": "b:9092",
        "reconnect.backoff.max.ms": 1_000,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "loader",
        "sasl.password": "correct-horse",
    }
    for client in (KAFKA_PYTHON, LIBRDKAFKA):
        done = ingest("load", "--bootstrap-servers", "127.0.0.1:1", "--client", client)
        assert "correct-horse" not in done.stdout + done.stderr

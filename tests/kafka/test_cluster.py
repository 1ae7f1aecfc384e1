"""What the laptop's broker cannot show: partitions that are added, a broker that goes and returns.

Runs with `make test-kafka KAFKA=host:port`; KAFKA_RESTART is the command that restarts the broker.
"""

# ruff: noqa: F401, F811 - fixtures are imported by name

import os
import shlex
import signal
import subprocess
import time
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from kafka.admin import KafkaAdminClient, NewPartitions, NewTopic

from ingest.dry_run import dry_run
from ingest.libraries import KAFKA_PYTHON, LIBRDKAFKA
from tests.ingest_fixtures import (
    address,
    load_all,
    message,
    produce,
    raw_tables,
    raw_tables_path,
    sink,
    start_ingest,
    topic,
    wait_until,
)

pytestmark = pytest.mark.skipif("KAFKA" not in os.environ, reason="needs a cluster: KAFKA")


@pytest.fixture(params=[KAFKA_PYTHON, LIBRDKAFKA])
def loader(request, raw_tables, address, topic):
    """A loader that runs, and ends in order on SIGTERM."""
    command = ("load", "--bootstrap-servers", address, "--topic", topic)
    process = start_ingest(*command, "--client", request.param, "--report-group", "lag-tools")
    yield process
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors


def test_partitions_that_are_added_while_it_runs(loader, raw_tables, address, topic):
    places = produce(address, topic, [message(number) for number in range(100)])
    wait_until(lambda: len(raw_tables.places(topic)) == 100)
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        admin.create_partitions({topic: NewPartitions(6)})
    time.sleep(1)
    places += produce(address, topic, [message(number) for number in range(100, 400)])
    assert {partition for partition, _ in places} == set(range(6))
    wait_until(lambda: len(raw_tables.places(topic)) == 400)
    assert raw_tables.places(topic) == sorted(places)


@pytest.mark.skipif("KAFKA_RESTART" not in os.environ, reason="needs KAFKA_RESTART")
def test_a_broker_that_is_killed_and_returns(loader, raw_tables, address, topic):
    places = produce(address, topic, [message(number) for number in range(100)])
    wait_until(lambda: len(raw_tables.places(topic)) == 100)
    subprocess.run(shlex.split(os.environ["KAFKA_RESTART"]), check=True, capture_output=True)
    places += produce(address, topic, [message(number) for number in range(100, 200)])
    wait_until(lambda: len(raw_tables.places(topic)) == 200, seconds=60)
    assert raw_tables.places(topic) == sorted(places)


def test_a_loader_that_slept_goes_on(loader, raw_tables, address, topic):
    """Stopped for longer than the broker keeps idle connections, where that is set low."""
    places = produce(address, topic, [message(number) for number in range(100)])
    wait_until(lambda: len(raw_tables.places(topic)) == 100)
    loader.send_signal(signal.SIGSTOP)
    places += produce(address, topic, [message(number) for number in range(100, 200)])
    time.sleep(float(os.environ.get("KAFKA_SLEEP_SECONDS", "5")))
    loader.send_signal(signal.SIGCONT)
    wait_until(lambda: len(raw_tables.places(topic)) == 200)
    assert raw_tables.places(topic) == sorted(places)


def test_the_group_is_told_where_the_loader_stands(loader, raw_tables, address, topic):
    places = produce(address, topic, [message(number) for number in range(100)])
    ends = {part: 1 + max(at for number, at in places if number == part) for part in range(3)}

    def told() -> dict[int, int]:
        with KafkaAdminClient(bootstrap_servers=address) as admin:
            found = admin.list_group_offsets(["lag-tools"])["lag-tools"]
        return {place.partition: one.offset for place, one in found.items() if place.topic == topic}

    wait_until(lambda: told() == ends)


@pytest.fixture
def compacted(address):
    """A topic of one partition whose broker compacts what is older than half a second."""
    name = f"test.{uuid4().hex}"
    often = {
        "segment.ms": "500",
        "min.cleanable.dirty.ratio": "0.0001",
        "delete.retention.ms": "100",
    }
    settings = {"cleanup.policy": "compact", **often}
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        admin.create_topics([NewTopic(name, 1, -1, topic_configs=settings)])
        admin.wait_for_topics([name])
    return name


@pytest.mark.parametrize("client", [KAFKA_PYTHON, LIBRDKAFKA])
def test_transactions_of_which_compaction_left_little(sink, raw_tables, address, compacted, client):
    """Aborted, committed, and one whose producer was shut out: its marker is emptied in the end."""

    def producer(name: str) -> Producer:
        name = f"{compacted}.{name}"
        made = Producer({"bootstrap.servers": address, "transactional.id": name})
        made.init_transactions(30)
        return made

    def write(to: Producer, number: int, key: bytes) -> None:
        to.begin_transaction()
        to.produce(compacted, message(number), key)
        to.flush(30)

    write(producer("shut out"), 1, b"never committed")
    producer("shut out")
    then = producer("others")
    write(then, 2, b"aborted")
    then.abort_transaction(30)
    write(then, 3, b"once")
    then.commit_transaction(30)
    deadline, number = time.monotonic() + 60, 10
    while True:  # the broker compacts what is older than the newest segment
        write(then, number, b"again and again")
        then.commit_transaction(30)
        number += 1
        time.sleep(1)
        if number > 20 and dry_run(address, compacted, client=client).accepted < 5:
            break
        assert time.monotonic() < deadline
    load_all(sink, address, compacted, client=client)
    loaded = raw_tables.rows(
        "select event_id from churn_scores_raw where kafka_topic = ? order by kafka_offset",
        compacted,
    )
    numbers = [int(one.removeprefix("e")) for (one,) in loaded]
    assert numbers[0] == 3
    assert numbers[-1] == number - 1
    assert len(numbers) < 6
    assert load_all(sink, address, compacted, client=client).batches == 0

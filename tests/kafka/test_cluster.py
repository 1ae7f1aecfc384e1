"""What the laptop's broker cannot show: partitions that are added, a broker that goes and returns.

Runs with `make test-kafka KAFKA=host:port`; KAFKA_RESTART is the command that restarts the broker.
"""

# ruff: noqa: F401, F811 - fixtures are imported by name

import os
import shlex
import signal
import subprocess
import time

import pytest
from kafka.admin import KafkaAdminClient, NewPartitions

from ingest.libraries import KAFKA_PYTHON, LIBRDKAFKA
from tests.ingest_fixtures import (
    address,
    message,
    produce,
    raw_lake,
    raw_lake_path,
    start_ingest,
    topic,
    wait_until,
)

pytestmark = pytest.mark.skipif("KAFKA" not in os.environ, reason="needs a cluster: KAFKA")


@pytest.fixture(params=[KAFKA_PYTHON, LIBRDKAFKA])
def loader(request, raw_lake, address, topic):
    """A loader that runs, and ends in order on SIGTERM."""
    command = ("load", "--bootstrap-servers", address, "--topic", topic)
    process = start_ingest(*command, "--client", request.param, "--report-group", "lag-tools")
    yield process
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors


def test_partitions_that_are_added_while_it_runs(loader, raw_lake, address, topic):
    places = produce(address, topic, [message(number) for number in range(100)])
    wait_until(lambda: len(raw_lake.places(topic)) == 100)
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        admin.create_partitions({topic: NewPartitions(6)})
    time.sleep(1)
    places += produce(address, topic, [message(number) for number in range(100, 400)])
    assert {partition for partition, _ in places} == set(range(6))
    wait_until(lambda: len(raw_lake.places(topic)) == 400)
    assert raw_lake.places(topic) == sorted(places)


@pytest.mark.skipif("KAFKA_RESTART" not in os.environ, reason="needs KAFKA_RESTART")
def test_a_broker_that_is_killed_and_returns(loader, raw_lake, address, topic):
    places = produce(address, topic, [message(number) for number in range(100)])
    wait_until(lambda: len(raw_lake.places(topic)) == 100)
    subprocess.run(shlex.split(os.environ["KAFKA_RESTART"]), check=True, capture_output=True)
    places += produce(address, topic, [message(number) for number in range(100, 200)])
    wait_until(lambda: len(raw_lake.places(topic)) == 200, seconds=60)
    assert raw_lake.places(topic) == sorted(places)


def test_a_loader_that_slept_goes_on(loader, raw_lake, address, topic):
    """Stopped for longer than the broker keeps idle connections, where that is set low."""
    places = produce(address, topic, [message(number) for number in range(100)])
    wait_until(lambda: len(raw_lake.places(topic)) == 100)
    loader.send_signal(signal.SIGSTOP)
    places += produce(address, topic, [message(number) for number in range(100, 200)])
    time.sleep(float(os.environ.get("KAFKA_SLEEP_SECONDS", "5")))
    loader.send_signal(signal.SIGCONT)
    wait_until(lambda: len(raw_lake.places(topic)) == 200)
    assert raw_lake.places(topic) == sorted(places)


def test_the_group_is_told_where_the_loader_stands(loader, raw_lake, address, topic):
    places = produce(address, topic, [message(number) for number in range(100)])
    ends = {part: 1 + max(at for number, at in places if number == part) for part in range(3)}

    def told() -> dict[int, int]:
        with KafkaAdminClient(bootstrap_servers=address) as admin:
            found = admin.list_group_offsets(["lag-tools"])["lag-tools"]
        return {place.partition: one.offset for place, one in found.items() if place.topic == topic}

    wait_until(lambda: told() == ends)

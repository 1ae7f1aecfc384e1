"""A real broker, a pipeline with the raw tables, and a topic of its own for every test."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from embedded.broker import broker
from embedded.session import open_database
from ingest.committer import LoadSummary
from ingest.kafka import create_topic, describe_topic
from ingest.loader import load
from ingest.reader import TopicReader
from ingest.sinks import open_sink
from tests.dbt import PROJECT


class RawTables:
    """The raw tables of a real database, read in sessions of their own."""

    def __init__(self, path: Path):
        self.path = path
        self.database = open_database(path)

    def rows(self, query: str, *parameters) -> list[tuple]:
        return self.database.rows(query, *parameters)

    def places(self, topic: str) -> list[tuple[int, int]]:
        """Return (partition, offset) of every message that was stored, accepted or rejected."""
        return self.rows(
            "select kafka_partition, kafka_offset from churn_scores_raw where kafka_topic = $1"
            " union all"
            " select kafka_partition, kafka_offset from churn_events_rejected"
            " where kafka_topic = $1 order by all",
            topic,
        )


@pytest.fixture(scope="session")
def raw_tables_path(empty_pipelines, tmp_path_factory):
    return empty_pipelines.copy("raw", tmp_path_factory.mktemp("raw") / "home")


@pytest.fixture
def raw_tables(raw_tables_path, monkeypatch):
    """The session's database; its tests are told apart by their topics."""
    monkeypatch.setenv("CHURN_HOME", str(raw_tables_path))
    return RawTables(raw_tables_path)


@pytest.fixture
def sink(raw_tables):
    opened = open_sink("duckdb")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def address():
    """The cluster that $KAFKA names (make test-kafka), or a broker of our own."""
    if cluster := os.environ.get("KAFKA"):
        yield cluster
        return
    with broker(port=0) as running:
        yield running


@pytest.fixture
def topic(address):
    name = f"test.{uuid4().hex}"
    create_topic(address, name)
    return name


def produce(address: str, topic: str, messages: Iterable[bytes | None]) -> list[tuple[int, int]]:
    """Send messages and return where each was acknowledged, as (partition, offset)."""
    producer = KafkaProducer(bootstrap_servers=address, acks="all", linger_ms=5)
    sent = [
        producer.send(topic, key=str(number).encode(), value=message)
        for number, message in enumerate(messages)
    ]
    producer.flush()
    acknowledged = [future.get(timeout=30) for future in sent]
    producer.close()
    return [(record.partition, record.offset) for record in acknowledged]


def arrived(address: str, topic: str, count: int) -> list[ConsumerRecord]:
    """Return what is on the topic, in the order of its offsets within each partition."""
    found: list[ConsumerRecord] = []
    with KafkaConsumer(bootstrap_servers=address) as consumer:
        places = [
            TopicPartition(topic, number) for number in describe_topic(address, topic).partitions
        ]
        consumer.assign(places)
        consumer.seek_to_beginning()
        while len(found) < count and (polled := consumer.poll(5_000)):
            found += [record for records in polled.values() for record in records]
    return found


def message(number: int, **more) -> bytes:
    """Return an event of the contract, with further fields."""
    return msgspec.json.encode(
        {
            "event_id": f"e{number}",
            "customer_id": f"c{number % 7}",
            "event_type": "login",
            "occurred_at": "2026-01-01T00:00:00Z",
            **more,
        }
    )


def wait_until(is_so: Callable[[], bool], seconds: float = 30) -> None:
    """Look again and again; fails when it takes longer than anything should."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def start_ingest(
    *arguments: str, env: dict | None = None, prefix=(), python=("-m", "ingest")
) -> subprocess.Popen:
    """Start `python -m ingest` as a user does."""
    return subprocess.Popen(
        [*prefix, sys.executable, *python, *arguments],
        cwd=PROJECT,
        env=os.environ | (env or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ingest(*arguments: str, **options) -> subprocess.CompletedProcess:
    """Run `python -m ingest` to its end."""
    process = start_ingest(*arguments, **options)
    output, errors = process.communicate(timeout=60)
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)


def one_line(done: subprocess.CompletedProcess) -> str:
    """Return the one line that a failed command may say."""
    assert done.returncode == 1, (done.stdout, done.stderr)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def load_all(sink, address, topic, **options) -> LoadSummary:
    """Load what the topic holds by now."""
    return load(sink, address, topic, until_end=True, **options)


def collected(reader: TopicReader) -> dict:
    """Return the next messages, however long they take."""
    while not (fetched := reader.collect(100, 0.1)):
        pass
    return fetched

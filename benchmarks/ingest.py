"""What loading costs beyond reading: poll, poll and validate, poll, validate and commit."""

import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from uuid import uuid4

import msgspec
import numpy

from benchmarks.memory import peak_kilobytes
from embedded.broker import broker
from embedded.engine.dbt import PROJECT, run_dbt
from embedded.session import open_database
from ingest.batches import Batch, StoredTopic, judge
from ingest.clients.kafka_python import KafkaPythonClient
from ingest.clients.librdkafka import LibrdkafkaClient
from ingest.interpreter import busy_interpreter
from ingest.kafka import TopicAdmin
from ingest.libraries import KAFKA_PYTHON, LIBRDKAFKA
from ingest.loader import BATCH_ROWS, LINGER_SECONDS, load
from ingest.publisher import send
from ingest.reader import TopicReader
from ingest.sinks import Stored
from ingest.sinks.duckdb import DuckDBSink
from runtime.clock import utc_now

_TOPIC = "bench.ingest"
_CLIENTS = {KAFKA_PYTHON: KafkaPythonClient, LIBRDKAFKA: LibrdkafkaClient}
_ROUNDS = 3
_PACE, _PACED_SECONDS = 5_000, 10


def measure(events: int) -> dict[str, float]:
    """Return events per second of each step with each client, and their ratios.

    The steps are repeated in turn, so that a ratio compares what ran side by side; the medians of
    the rounds are returned.
    """
    run_dbt("run", "-s", "raw")
    figures: dict[str, float] = {}
    with broker(port=0) as address:
        send(_messages(events), address, _TOPIC, client=LIBRDKAFKA)
        for client in (KAFKA_PYTHON, LIBRDKAFKA):
            _judge(address, client, BATCH_ROWS)  # the first one imports a lot
            rounds = [_round(address, client, events) for _ in range(_ROUNDS)]
            for name in rounds[0]:
                middle = statistics.median(one[name] for one in rounds)
                figures[f"{client}: {name}"] = round(middle, 2 if middle < 10 else None)
            figures[f"{client}: peak MB"] = _peak_megabytes(address, client)
        slow, fast = (figures[f"{name}: load/s"] for name in (KAFKA_PYTHON, LIBRDKAFKA))
        figures["load: librdkafka / kafka-python"] = round(fast / slow, 2)
        figures |= _seconds_until_visible(address)
    return figures


def _round(address: str, client: str, events: int) -> dict[str, float]:
    with busy_interpreter():
        poll = _rate(lambda: _poll(address, client, events))
        validate = _rate(lambda: _judge(address, client, events))
    with _fresh_database():
        stop = threading.Event()
        with closing(_CountingSink(events, stop)) as sink:
            loaded = _rate(lambda: load(sink, address, _TOPIC, client=client, stop=stop).accepted)
    return {
        "poll/s": poll,
        "poll + validate/s": validate,
        "load/s": loaded,
        "load / poll": loaded / poll,
    }


def _rate(work: Callable[[], int]) -> float:
    started = time.perf_counter()
    count = work()
    return count / (time.perf_counter() - started)


def _poll(address: str, client: str, events: int) -> int:
    """Read with the client alone, as a program that does nothing else would."""
    with closing(_CLIENTS[client](address, _TOPIC)) as reader:
        with TopicAdmin(address, _TOPIC) as admin:
            reader.read(admin.first_offsets(admin.describe().partitions))
        count = 0
        while count < events:
            count += sum(len(part.values) for part in reader.poll(LINGER_SECONDS).values())
    return count


def _judge(address: str, client: str, events: int) -> int:
    count = 0
    with TopicReader(address, _TOPIC, client) as reader:
        reader.add(reader.first_offsets(reader.describe().partitions))
        while count < events:
            fetched = reader.collect(BATCH_ROWS, LINGER_SECONDS)
            count += sum(len(part.values) for part in fetched.values())
            if fetched:
                judge(fetched, StoredTopic(_TOPIC, None), {})
    return count


class _CountingSink(DuckDBSink):
    """Ends the load with the last event: waiting for silence is no part of the rate."""

    def __init__(self, events: int, stop: threading.Event) -> None:
        super().__init__(open_database())
        self._left, self._stop = events, stop

    def write(self, batch: Batch) -> Stored:
        stored = super().write(batch)
        self._left -= stored.accepted
        if self._left <= 0:
            self._stop.set()
        return stored


class _TimingSink(DuckDBSink):
    """Notes how long after its publication each event could be read."""

    def __init__(self) -> None:
        super().__init__(open_database())
        self.seconds: list[float] = []

    def write(self, batch: Batch) -> Stored:
        stored = super().write(batch)
        now = utc_now()
        published = batch.events["published_at"].to_pylist()
        self.seconds += [(now - one).total_seconds() for one in published]
        return stored


@contextmanager
def _fresh_database() -> Iterator[None]:
    """Use a copy of the empty pipeline."""
    open_database().close()
    empty = os.environ["CHURN_HOME"]
    copy = f"{empty}-{uuid4().hex[:8]}"
    shutil.copytree(empty, copy)
    os.environ["CHURN_HOME"] = copy
    try:
        yield
    finally:
        open_database().close()
        os.environ["CHURN_HOME"] = empty
        shutil.rmtree(copy)


def _peak_megabytes(address: str, client: str) -> int:
    """Return the most memory that a loader has taken for the whole topic."""
    command = ["load", "--bootstrap-servers", address, "--topic", _TOPIC, "--client", client]
    with _fresh_database():
        loader = subprocess.Popen(  # noqa: S603 - our own interpreter and fixed words
            [sys.executable, "-m", "ingest", *command, "--until-end"],
            cwd=PROJECT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        peak = peak_kilobytes(loader)
    if loader.returncode:
        raise RuntimeError(f"the loader ended: {loader.communicate()[1]}")
    return peak // 1024


def _seconds_until_visible(address: str) -> dict[str, float]:
    """Return how long after its publication an event can be read from the pipeline."""
    topic, stop = "bench.latency", threading.Event()
    send(_messages(1), address, topic)
    with _fresh_database():
        sink = _TimingSink()
        loader = threading.Thread(target=load, args=(sink, address, topic), kwargs={"stop": stop})
        loader.start()
        send(_messages(_PACED_SECONDS * _PACE), address, topic, rate=_PACE)
        time.sleep(2)
        stop.set()
        loader.join()
        sink.close()
    p50, p95 = numpy.quantile(sink.seconds, (0.5, 0.95))
    return {"visible p50 s, 5,000/s": round(p50, 3), "visible p95 s, 5,000/s": round(p95, 3)}


def _messages(count: int) -> Iterator[tuple[bytes, bytes]]:
    for number in range(count):
        customer = f"c{number % 10_000}"
        event = {
            "event_id": f"bench-{number:x}",
            "customer_id": customer,
            "event_type": "feature_used" if number % 5 else "purchase",
            "occurred_at": f"2026-01-{1 + number % 28:02d}T11:53:{number % 60:02d}Z",
            "amount": number % 1_000 / 4,
            "properties": {"feature": "reports", "device": "mobile"},
        }
        yield customer.encode(), msgspec.json.encode(event)

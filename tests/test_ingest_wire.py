"""What a topic may hold on the wire: compression, transactions, gaps, and what is damaged."""

# ruff: noqa: F401, F811 - fixtures are imported by name

import re
import struct
import time
from collections.abc import Mapping
from contextlib import closing

import pytest
from confluent_kafka import Producer
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from kafka import KafkaProducer

from ingest.clients.kafka_python import KafkaPythonClient
from ingest.clients.librdkafka import LibrdkafkaClient
from ingest.libraries import KAFKA_PYTHON, LIBRDKAFKA
from runtime.errors import IngestError
from tests.broker_standin import Standin, standin
from tests.ingest_fixtures import (
    address,
    ingest,
    load_all,
    message,
    one_line,
    raw_tables,
    raw_tables_path,
    sink,
    topic,
)
from tests.record_batches import ABORT, CODECS, COMMIT, PartitionLog, RecordBatch, sealed

CLIENTS = {KAFKA_PYTHON: KafkaPythonClient, LIBRDKAFKA: LibrdkafkaClient}
PACKAGES = {"snappy": "python-snappy", "lz4": "lz4", "zstd": "zstandard"}
# Of a batch: up to the attributes, and up to its messages.
_SUM_BYTES, _HEADER_BYTES = 21, 61


@pytest.fixture(params=CLIENTS)
def client(request):
    return request.param


@pytest.fixture(scope="module")
def running():
    with standin() as started:
        yield started


@pytest.fixture
def served(running):
    running.batches_per_fetch = 100
    running.slow_milliseconds, running.forgets_ends = 0, False
    return running


def serve(served: Standin, logs: dict[int, PartitionLog]) -> str:
    """Serve these logs, by partition, and return the name of their topic."""
    topic = f"standin.{len(served.topics)}"
    served.topics[topic] = logs
    return topic


@pytest.fixture
def log(served):
    """A partition with three messages, on a topic of its own."""
    made = PartitionLog()
    made.add([message(number) for number in range(3)], [True] * 3)
    made.topic = serve(served, {0: made})
    return made


def send(address: str, topic: str, codec: str, numbers: range) -> None:
    """Send half of these messages with each library, compressed by that codec."""
    numbers, texts = [*numbers], {number: message(number, codec=codec) for number in numbers}
    fast = Producer({"bootstrap.servers": address, "compression.type": codec, "linger.ms": 20})
    for number in numbers[::2]:
        fast.produce(topic, texts[number], str(number).encode(), on_delivery=_must_arrive)
    assert fast.flush(30) == 0
    codec = None if codec == "none" else codec
    slow = KafkaProducer(bootstrap_servers=address, compression_type=codec, linger_ms=20)
    sent = [slow.send(topic, texts[number], str(number).encode()) for number in numbers[1::2]]
    slow.close()
    assert all(one.succeeded() for one in sent)


def _must_arrive(error, _) -> None:
    assert error is None, error


def test_every_codec_of_a_sender_is_read(sink, raw_tables, address, topic, client):
    for at, codec in enumerate(CODECS):
        send(address, topic, codec, range(at * 100, at * 100 + 100))
    summary = load_all(sink, address, topic, client=client)
    assert (summary.accepted, summary.rejected) == (100 * len(CODECS), 0)
    loaded = raw_tables.rows(
        "select payload->>'codec', count(distinct event_id) from churn_scores_raw"
        " where kafka_topic = ? group by all",
        topic,
    )
    assert dict(loaded) == dict.fromkeys(CODECS, 100)


@pytest.fixture
def without(tmp_path, monkeypatch):
    """A function that lets a module be missing in every process that starts from now on."""

    def hide(module: str) -> None:
        (tmp_path / f"{module}.py").write_text("raise ImportError\n")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return hide


@pytest.mark.parametrize("codec", PACKAGES)
def test_a_library_that_is_missing_is_named_with_the_codec(sink, address, topic, codec, without):
    without({"zstd": "zstandard"}.get(codec, codec))
    send(address, topic, codec, range(100))
    with pytest.raises(IngestError) as raised:
        load_all(sink, address, topic)
    said = str(raised.value)
    assert re.match(rf"topic {topic}, partition \d: the messages from offset \d+ on are ", said)
    assert f" are compressed with {codec}, and kafka-python needs the package" in said
    assert f"'uv pip install {PACKAGES[codec]}', or read with --client librdkafka" in said
    assert address not in said


def test_a_library_that_is_missing_is_one_line_on_the_command_line(address, topic, without):
    without("zstandard")
    send(address, topic, "zstd", range(10))
    said = one_line(ingest("load", "--bootstrap-servers", address, "--topic", topic, "--dry-run"))
    assert "are compressed with zstd, and kafka-python needs the package zstandard" in said


# ---- transactions and compaction

_kept = st.lists(st.booleans(), min_size=1, max_size=3)
_producer, _codec = st.integers(1, 3), st.sampled_from(sorted(CODECS.values()))
_actions = st.lists(
    st.one_of(
        st.tuples(st.just("add"), _kept, _codec),
        st.tuples(st.just("write"), _producer, _kept, st.booleans(), _codec),
        st.tuples(
            st.just("finish"),
            _producer,
            st.sampled_from([ABORT, COMMIT]),
            st.sampled_from(["kept", "emptied", "gone"]),
        ),
        st.tuples(st.just("skip"), st.integers(1, 5)),
    ),
    max_size=12,
)


def _transaction(producer: int, outcome: int, marker: str = "kept") -> list[tuple]:
    written = ("write", producer, [True, True], True, CODECS["zstd"])
    return [written, ("finish", producer, outcome, marker)]


def made_log(actions) -> PartitionLog:
    """Carry out what hypothesis thought of; every message says where it stands."""
    log = PartitionLog()
    for kind, *arguments in [*actions, ("end",)]:
        if kind in ("write", "end") and log.ends_in_a_gap:
            log.add([b"at %d" % log.end], [True])
        if kind == "add":
            kept, codec = arguments
            log.add([b"at %d" % (log.end + nth) for nth in range(len(kept))], kept, codec)
        elif kind == "write":
            producer, kept, stays, codec = arguments
            values = [b"at %d" % (log.end + nth) for nth in range(len(kept))]
            log.write(producer, values, kept, stays=stays, codec=codec)
        elif kind == "finish":
            producer, outcome, marker = arguments
            log.finish(producer, outcome, marker=marker)
        elif kind == "skip" and not log.is_in_transaction:
            log.skip(*arguments)
    assert not log.ends_in_a_gap
    return log


def all_read(
    client: str, address: str, topic: str, starts: Mapping[int, int], ends: Mapping[int, int]
) -> dict[int, list[tuple[int, bytes | None]]]:
    """Read from these offsets until the client stands at those, and return what came."""
    found, stands = {number: [] for number in starts}, dict(starts)
    with closing(CLIENTS[client](address, topic)) as opened:
        opened.read(starts)
        deadline = time.monotonic() + 20
        while any(stands[number] < end for number, end in ends.items()):
            assert time.monotonic() < deadline, (stands, ends)
            for number, part in opened.poll(0.1).items():
                assert part.next_offset >= stands[number]
                found[number] += zip(part.offsets, part.values, strict=True)
                stands[number] = part.next_offset
    return found


@example([[*_transaction(1, ABORT, marker="emptied"), *_transaction(1, COMMIT)]], 2, 0.0)
@example([[*_transaction(1, ABORT), *_transaction(1, COMMIT), *_transaction(1, ABORT)]], 1, 0.3)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(_actions, min_size=1, max_size=5), st.integers(1, 4), st.floats(0, 1, width=16))
def test_what_is_read_is_what_was_committed_and_is_left(
    served, client, made, batches_per_fetch, start
):
    """From any offset on, and the client comes to stand at the end of whole transactions."""
    logs = {number: made_log(actions) for number, actions in enumerate(made)}
    ends = {number: log.last_stable for number, log in logs.items()}
    starts = {number: int(start * end) for number, end in ends.items()}
    served.batches_per_fetch = batches_per_fetch
    topic = serve(served, logs)
    found = all_read(client, served.address, topic, starts, ends)
    for number, log in logs.items():
        expected = sorted(log.expected.items())
        stable = [one for one in expected if starts[number] <= one[0] < ends[number]]
        assert found[number] == stable


def test_transactions_are_loaded_once_they_are_committed(sink, raw_tables, served, client):
    logs = {number: PartitionLog() for number in range(3)}
    for number, log in logs.items():
        log.write(1, [message(number)], [True])
        log.finish(1, ABORT)
        log.add([message(number + 10)], [True])
        log.write(1, [message(number + 20), message(number + 30)], [False, True])
        log.write(2, [message(number + 40)], [True])
        log.finish(1, COMMIT)
        log.add([message(number + 50)], [True])  # behind a transaction that is still open
    topic = serve(served, logs)
    places = {(number, offset) for number in logs for offset in (2, 4)}
    assert load_all(sink, served.address, topic, client=client).accepted == len(places)
    assert raw_tables.places(topic) == sorted(places)
    for log in logs.values():
        log.finish(2, COMMIT)
    places |= {(number, offset) for number in logs for offset in (5, 7)}
    load_all(sink, served.address, topic, client=client)
    assert raw_tables.places(topic) == sorted(places)
    # All is in: what the broker deletes by then is no loss, the ends of transactions included.
    for log in logs.values():
        log.start, log.batches = log.end, []
    assert load_all(sink, served.address, topic, client=client).batches == 0


@pytest.mark.parametrize(("milliseconds", "forgets_ends"), [(300, False), (1_000, True)])
def test_a_broker_that_needs_longer_than_a_fetch_waits_is_waited_for(
    sink, raw_tables, served, client, milliseconds, forgets_ends
):
    """Also when it reports too low an end, so that only its answers say that there is more."""
    log = PartitionLog()
    for number in range(20):
        log.add([message(number)], [True])
    topic = serve(served, {0: log})
    served.slow_milliseconds, served.forgets_ends = milliseconds, forgets_ends
    assert load_all(sink, served.address, topic, client=client).accepted == 20
    assert len(raw_tables.places(topic)) == 20


# ---- what cannot be read


def bent(log: PartitionLog, codec: str, how: str) -> bytes:
    """Return a batch of two messages at the end of a log, and what was done to it."""
    at = log.end
    records = ((at, message(at, text="x" * 50)), (at + 1, message(at + 1)))
    whole = RecordBatch(at, at + 1, records, codec=CODECS[codec]).encode()
    covered = whole[_SUM_BYTES:]
    if how == "checksum":
        return whole[:-1] + bytes([whole[-1] ^ 1])
    if how == "no such codec":
        return sealed(at, struct.pack(">h", 6) + covered[2:])
    body = _HEADER_BYTES - _SUM_BYTES
    return sealed(at, covered[:body] + b"\xff" * 9 + covered[body + 9 :])


@pytest.mark.parametrize(
    ("codec", "how", "words"),
    [
        ("none", "checksum", "damaged (their checksum is wrong)"),
        ("zstd", "checksum", "damaged (their checksum is wrong)"),
        *((codec, "contents", f"they do not decompress as {codec})") for codec in [*CODECS][1:]),
        ("gzip", "no such codec", "are compressed with codec 6, and no client here knows it"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place_and_a_way_on(
    served, log, client, codec, how, words
):
    at, came = log.end, []
    log.put(at, at + 1, bent(log, codec, how))
    log.add([message(9)], [True])
    with closing(CLIENTS[client](served.address, log.topic)) as opened:
        opened.read({0: 0})
        with pytest.raises(IngestError) as raised:
            while True:
                came += [one for part in opened.poll(0.1).values() for one in part.offsets]
    said = str(raised.value)
    assert said.startswith(f"topic {log.topic}, partition 0: the messages from offset {at} on are ")
    assert words in said
    assert "\n" not in said
    assert served.address not in said
    assert came == [0, 1, 2]


def test_what_comes_before_the_damage_is_loaded_and_what_follows_when_it_is_deleted(
    sink, raw_tables, served, log, client
):
    at = log.end
    log.put(at, at + 1, bent(log, "zstd", "checksum"))
    log.add([message(9)], [True])
    way_on = "delete them with Kafka's kafka-delete-records and go on with --skip-lost"
    for _ in range(2):
        with pytest.raises(IngestError, match=way_on):
            load_all(sink, served.address, log.topic, client=client)
        assert raw_tables.places(log.topic) == [(0, offset) for offset in range(at)]
    log.start, log.batches = at + 2, log.batches[-1:]
    load_all(sink, served.address, log.topic, client=client, skip_lost=True)
    assert raw_tables.places(log.topic)[at:] == [(0, at + 2)]


def test_what_cannot_be_read_is_one_line_on_the_command_line(raw_tables, served, log, client):
    log.put(log.end, log.end + 1, bent(log, "zstd", "contents"))
    to = ("--bootstrap-servers", served.address, "--topic", log.topic, "--client", client)
    said = one_line(ingest("load", "--until-end", *to))
    assert said.startswith(f"topic {log.topic}, partition 0: the messages from offset 3 on are ")


def test_a_header_that_is_no_text_harms_nobody(served, log, client):
    """Its name is not UTF-8, which no broker checks."""
    at = log.end
    body = b"\0\0\0\1" + bytes([6]) + b"abc" + bytes([2, 4]) + b"\xff\xfe" + bytes([2]) + b"v"
    plain = RecordBatch(at, at, ((at, b""),)).encode()
    log.put(at, at, sealed(at, plain[_SUM_BYTES:_HEADER_BYTES] + bytes([2 * len(body)]) + body))
    found = all_read(client, served.address, log.topic, {0: at}, {0: at + 1})
    assert found == {0: [(at, b"abc")]}

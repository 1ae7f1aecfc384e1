"""Senders: whichever client sends, every message arrives in Kafka's own partition, or is missed."""

# ruff: noqa: F401, F811 - fixtures are imported by name

import gc
from contextlib import ExitStack

import pytest

from embedded.broker import broker
from ingest.libraries import KAFKA_PYTHON, LIBRDKAFKA
from ingest.publisher import send
from ingest.senders import kafka_python
from runtime.errors import IngestError
from tests.ingest_fixtures import address, arrived, produce, topic

CLIENTS = [KAFKA_PYTHON, LIBRDKAFKA]


@pytest.fixture(params=CLIENTS)
def client(request):
    return request.param


def test_a_key_goes_where_kafka_sends_it_by_default(address, topic, client):
    count = 200
    places = produce(address, topic, [b"by default"] * count)
    expected = {b"%d" % number: place[0] for number, place in enumerate(places)}
    assert set(expected.values()) == {0, 1, 2}
    send(((key, b"ours") for key in expected), address, topic, client=client)
    found = [one for one in arrived(address, topic, 2 * count) if one.value == b"ours"]
    assert {one.key: one.partition for one in found} == expected


def test_more_messages_than_may_be_under_way_arrive_in_order(address, topic, client, monkeypatch):
    monkeypatch.setattr(kafka_python, "WINDOW", 100)
    made = [(b"c%d" % (number % 7), b"%d" % number) for number in range(3_500)]
    seen = []
    sent = send(iter(made), address, topic, on_progress=seen.append, client=client)
    assert sent == len(made)
    assert seen == [1_000, 2_000, 3_000, 3_500]
    found = arrived(address, topic, len(made))
    for key in {key for key, _ in made}:
        values = [record.value for record in found if record.key == key]
        assert values == [message for one, message in made if one == key]


def test_messages_without_a_key_arrive_too(address, topic, client):
    assert send([(None, b"one"), (None, b"two")], address, topic, client=client) == 2
    assert {record.value for record in arrived(address, topic, 2)} == {b"one", b"two"}


def test_a_message_that_the_broker_does_not_take_is_never_passed_over(address, topic, client):
    made = [(b"c1", b"small"), (b"c1", b"x" * 2_000_000), (b"c1", b"small")]
    with pytest.raises(IngestError, match=f"stopped taking messages for topic {topic} after"):
        send(made, address, topic, client=client)


def test_a_broker_that_goes_away_is_one_error(client, monkeypatch):
    monkeypatch.setattr(f"ingest.senders.{client.replace('-', '_')}.DELIVERY_SECONDS", 2)
    usual = gc.get_threshold()
    with ExitStack() as stack:
        doomed = stack.enter_context(broker(port=0))

        def made():
            for number in range(5_000):
                if number == 3_000:
                    stack.close()
                yield b"c1", b"%d" % number

        with pytest.raises(IngestError, match=f"the broker at {doomed} stopped taking messages"):
            send(made(), doomed, "gone", client=client)
    assert gc.get_threshold() == usual


def test_an_error_of_the_source_comes_through(address, topic, client):
    def made():
        yield b"c1", b"one"
        raise IngestError("the file is gone")

    with pytest.raises(IngestError, match="the file is gone"):
        send(made(), address, topic, client=client)

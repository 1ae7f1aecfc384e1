"""Two loaders of one topic: what one has stored, the other does not store again."""

# ruff: noqa: F401, F811 - fixtures are imported by name

import threading

import pytest

from ingest.batches import StoredTopic, judge
from ingest.libraries import KAFKA_PYTHON
from ingest.reader import TopicReader
from ingest.sinks import open_sink
from ingest.topics import LoadedTopic
from runtime.errors import IngestError
from tests.ingest_fixtures import (
    address,
    collected,
    load_all,
    message,
    produce,
    raw_tables,
    raw_tables_path,
    sink,
    topic,
)


def test_two_loaders_at_once_never_double(raw_tables, address, topic):
    places = produce(address, topic, [message(number) for number in range(3_000)])
    refused: list[str] = []

    def run() -> None:
        sink = open_sink("duckdb")
        try:
            load_all(sink, address, topic, batch_rows=100)
        except IngestError as error:
            refused.append(str(error))
        finally:
            sink.close()

    loaders = [threading.Thread(target=run) for _ in range(2)]
    for loader in loaders:
        loader.start()
    for loader in loaders:
        loader.join()
    assert len(refused) <= 1
    assert all("another loader is writing" in line for line in refused)
    assert raw_tables.places(topic) == sorted(places)


def test_offsets_that_are_taken_are_refused(sink, raw_tables, address, topic):
    places = produce(address, topic, [message(number) for number in range(30)])
    with TopicReader(address, topic, KAFKA_PYTHON) as reader:
        loaded = LoadedTopic(reader, sink, recreated=False, skip_lost=False)
        fetched = collected(reader)
        batch = judge(fetched, StoredTopic(topic, None), {})
        assert sink.write(loaded.judge(fetched)).accepted == sum(
            len(one.values) for one in fetched.values()
        )
        with pytest.raises(IngestError, match="another loader is writing"):
            sink.write(batch)
    load_all(sink, address, topic)
    assert raw_tables.places(topic) == sorted(places)


@pytest.mark.parametrize("was_away", [False, True])
def test_another_loader_is_noticed_between_two_batches(sink, raw_tables, address, topic, was_away):
    first = produce(address, topic, [message(number) for number in range(30)])
    other = open_sink("duckdb")
    with TopicReader(address, topic, KAFKA_PYTHON) as reader:
        loaded = LoadedTopic(reader, sink, recreated=False, skip_lost=False)
        sink.write(loaded.judge(collected(reader)))
        sink.write(judge({}, StoredTopic(topic, None), {}))
        second = produce(address, topic, [message(number) for number in range(30, 60)])
        batch = loaded.judge(collected(reader))
        load_all(other, address, topic)
        other.close()
        if was_away:  # another process had the file meanwhile
            raw_tables.database.close()
        with pytest.raises(IngestError, match="another loader is writing"):
            sink.write(batch)
    load_all(sink, address, topic)
    assert raw_tables.places(topic) == sorted(first + second)

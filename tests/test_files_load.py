"""Files straight into a real pipeline: each row once, whatever happens to the load."""

# ruff: noqa: F401, F811 - fixtures are imported by name

import json
import threading
from uuid import uuid4

import pytest

from ingest.file_loader import load_file
from ingest.file_options import FileOptions
from ingest.files import FILE_PREFIX, EventFile
from runtime.errors import IngestError
from tests.ingest_fixtures import (
    ingest,
    one_line,
    raw_tables,
    raw_tables_path,
    sink,
    start_ingest,
    wait_until,
)

HEADER = "client,created,total\n"
ORDERS = FileOptions(
    {"customer_id": "client", "occurred_at": "created", "amount": "total"},
    {"event_type": "purchase"},
)
OPTIONS = ORDERS.as_arguments().split()


@pytest.fixture
def path(tmp_path):
    """A file of a name of its own, so that tests share a database."""
    return tmp_path / f"{uuid4().hex}.csv"


def row(number: int, total: object = 5) -> str:
    return f"c{number % 7},2024-01-{1 + number % 28:02d} 10:{number % 60:02d},{total}\n"


def write(path, rows) -> None:
    path.write_text(HEADER + "".join(rows))


def load(sink, path, **more):
    return load_file(sink, EventFile(path, ORDERS), **more)


def numbers(raw_tables, name: str) -> list[int]:
    return [offset for _, offset in raw_tables.places(name)]


def distinct_events(raw_tables, path) -> int:
    """Return how many events the models make of a file, whichever lives of it there are."""
    [(count,)] = raw_tables.rows(
        "select count(distinct (event_id, customer_id, event_type)) from churn_scores_raw"
        " where split_part(kafka_topic, '@', 1) = ?",
        EventFile(path).topic,
    )
    return count


def test_rows_are_stored_as_those_of_a_topic_under_a_name_that_no_topic_has(sink, raw_tables, path):
    write(path, [row(1), row(2, "x"), "c1,2024-01-01\n", row(4)])
    found = load(sink, path)
    assert (found.loaded.accepted, found.loaded.rejected) == (2, 2)
    name = f"{FILE_PREFIX}{path.name}"
    assert numbers(raw_tables, name) == [2, 3, 4, 5]
    rejected = raw_tables.rows(
        "select kafka_offset, reason, message from churn_events_rejected where kafka_topic = ?"
        " order by 1",
        name,
    )
    assert [reason for _, reason, _ in rejected] == [
        "amount is not a finite number",
        "the row has 2 fields and the header has 3",
    ]
    assert json.loads(rejected[0][2])["amount"] == "x"
    assert rejected[1][2] == b"c1,2024-01-01"
    batches = raw_tables.rows(
        "select kafka_topic_id, kafka_partition, first_offset, next_offset, end_offset,"
        " accepted_count, rejected_count from ingest_batches where kafka_topic = ?",
        name,
    )
    assert batches == [(EventFile(path, ORDERS).fingerprint(), 0, 2, 6, 6, 2, 2)]


def test_the_same_file_twice_loads_nothing_twice(sink, raw_tables, path):
    write(path, [row(number) for number in range(50)])
    assert load(sink, path, batch_rows=7).loaded.accepted == 50
    again = load(sink, path)
    assert (again.loaded.accepted, again.loaded.batches, again.rows) == (0, 0, 50)
    assert "50 rows were loaded before" in "\n".join(again.in_words())
    copied = path.with_name(f"copy-{path.name}")
    copied.write_bytes(path.read_bytes())
    load(sink, copied)
    ids = "select distinct event_id from churn_scores_raw where kafka_topic = ? order by 1"
    assert raw_tables.rows(ids, EventFile(path).topic) == raw_tables.rows(
        ids, EventFile(copied).topic
    )


def test_a_file_that_has_changed_is_a_new_life_whose_equal_rows_are_copies(sink, raw_tables, path):
    write(path, [row(number) for number in range(20)])
    load(sink, path)
    write(path, [row(number) for number in range(5, 30)])
    found = load(sink, path)
    assert (found.loaded.accepted, found.is_changed) == (25, True)
    assert found.stored_name == f"file:{path.name}@{EventFile(path, ORDERS).fingerprint()}"
    assert numbers(raw_tables, found.stored_name) == [*range(2, 27)]
    assert distinct_events(raw_tables, path) == 30
    assert load(sink, path).loaded.accepted == 0
    write(path, [row(number) for number in range(20)])
    assert load(sink, path).loaded.accepted == 0, "its first life is known"


def test_other_options_read_the_file_anew(sink, raw_tables, path):
    write(path, [row(1, '"1.234,5"')])
    assert load(sink, path).loaded.rejected == 1
    options = FileOptions(ORDERS.columns, ORDERS.constants, decimal_comma=True)
    assert load_file(sink, EventFile(path, options)).loaded.accepted == 1
    assert distinct_events(raw_tables, path) == 1


def test_a_load_that_is_stopped_or_fails_goes_on_where_it_was(sink, raw_tables, path, monkeypatch):
    write(path, [row(number) for number in range(100)])
    stop = threading.Event()
    stopped = load(sink, path, batch_rows=10, stop=stop, on_progress=lambda _: stop.set())
    assert stopped.is_stopped
    assert "the same command goes on there" in "\n".join(stopped.in_words())
    done = stopped.loaded.accepted
    assert 0 < done < 100
    written, calls = type(sink).write, []

    def fail_at_the_third(self, batch):
        calls.append(batch)
        if len(calls) == 3:
            raise IngestError("the disk is gone")
        return written(self, batch)

    with monkeypatch.context() as patched:
        patched.setattr(type(sink), "write", fail_at_the_third)
        with pytest.raises(IngestError, match="the disk is gone"):
            load(sink, path, batch_rows=10)
    rest = load(sink, path, batch_rows=15)
    assert rest.loaded.accepted == 100 - done - 20
    assert numbers(raw_tables, EventFile(path).topic) == [*range(2, 102)]
    assert distinct_events(raw_tables, path) == 100


def test_killed_again_and_again_it_loses_and_doubles_nothing(raw_tables, path):
    write(path, [row(number, number % 3) for number in range(20_000)])
    topic = EventFile(path).topic
    command = ("load", str(path), *OPTIONS)
    for _ in range(3):
        stored, loader = len(raw_tables.places(topic)), start_ingest(*command, "--batch-rows", "50")
        wait_until(lambda stored=stored: len(raw_tables.places(topic)) > stored)
        loader.kill()
        loader.communicate()
    before = len(raw_tables.places(topic))
    assert 0 < before < 20_000
    done = ingest(*command)
    assert done.returncode == 0
    assert f"loaded {20_000 - before:,} events, rejected 0" in done.stdout
    assert numbers(raw_tables, topic) == [*range(2, 20_002)]
    assert distinct_events(raw_tables, path) == 20_000


def test_copies_and_types_without_a_category_are_told(raw_tables, path):
    path.write_text(
        "event_id,customer_id,event_type,occurred_at\n"
        "1,c1,Visit,2024-01-01\n1,c1,Visit,2024-01-02\n1,c2,Visit,2024-01-01\n2,c1,purchase,2024-01-01\n"
        "3,,purchase,2024-01-01\n"
    )  # fmt: skip
    done = ingest("load", str(path))
    assert done.returncode == 0
    first, *more = done.stdout.splitlines()
    assert first.startswith(f"file:{path.name}: loaded 4 events, rejected 1, in ")
    assert more == [
        "  copies of earlier rows, which count once: 1",
        "  1 x customer_id is not a text of 1 to 64 characters",
        f"  see them: python -m ingest rejected --topic file:{path.name}",
        "  no category names visit (3): counts as activity (var event_categories)",
    ]


def test_a_file_with_an_odd_name_has_lives_as_any_other(sink, tmp_path):
    path = tmp_path / f"mine @ {'ö' * 90} {uuid4().hex}.csv"
    write(path, [row(1)])
    first = load(sink, path)
    write(path, [row(2)])
    second = load(sink, path)
    assert first.topic == second.topic == first.stored_name
    assert second.is_changed
    assert load(sink, path).rows == 1
    assert load(sink, path).loaded.accepted == 0


def test_several_files_at_once(raw_tables, tmp_path):
    paths = [tmp_path / f"{uuid4().hex}.csv" for _ in range(2)]
    for number, path in enumerate(paths):
        write(path, [row(number)])
    done = ingest("load", *map(str, paths), *OPTIONS)
    assert [line.split(",")[0] for line in done.stdout.splitlines()] == [
        f"file:{path.name}: loaded 1 events" for path in paths
    ]


def test_what_cannot_be_loaded_is_one_line(raw_tables, path):
    assert "there is no file" in one_line(ingest("load", str(path)))
    path.write_text(HEADER)
    assert "is empty" in one_line(ingest("load", str(path), *OPTIONS))
    write(path, [row(1)])
    assert "has no column customer_id: add --map" in one_line(ingest("load", str(path)))
    assert "python -m ingest check FILE" in one_line(ingest("load", str(path), "--dry-run"))
    assert "name the file" in one_line(ingest("load", "--set", "event_type=x"))


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--map", "client=customer_id"), "is not FIELD=… with one of event_id, customer_id,"),
        (("--map", "customer_id"), "is not FIELD=…"),
        (("--time-zone", "Mars/Base"), "is no time zone that this system knows"),
        (("--time-format", "%d.%m."), "does not say year, month and day"),
        (("--time-format", "%Q"), "does not say year, month and day"),
        (("--time-unit", "minutes"), "invalid choice: 'minutes'"),
    ],
)
def test_options_that_cannot_be_right(path, option, words):
    done = ingest("check", str(path), *option)
    assert done.returncode == 2
    assert words in done.stderr

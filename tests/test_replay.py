"""Replay: files of events arrive on the topic as they are, in order, moved as one."""

# ruff: noqa: F401, F811 - fixtures are imported by name

import json
from datetime import datetime, timedelta, timezone
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.events import Event, decode
from ingest.files import read_lines
from ingest.kafka import describe_topic
from ingest.loader import load
from ingest.replay import replay
from ingest.samples import EVENTS, FILES, PROFILES
from tests.ingest_fixtures import (
    address,
    arrived,
    ingest,
    one_line,
    raw_tables,
    raw_tables_path,
    sink,
    topic,
)


def line(number: int, day: int, **more) -> dict:
    return {
        "event_id": f"e{number}",
        "customer_id": f"c{number % 3}",
        "event_type": "purchase",
        "occurred_at": f"2017-01-{day:02d}T00:00:00Z",
        **more,
    }


def jsonl(path, *lines: dict | str):
    texts = [text if isinstance(text, str) else json.dumps(text) for text in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def test_several_files_are_merged_by_time_and_keyed_by_customer(tmp_path, address, topic):
    odd = jsonl(tmp_path / "odd.jsonl", *(line(number, number) for number in (1, 3, 5, 7)))
    even = jsonl(tmp_path / "even.jsonl", *(line(number, number) for number in (2, 4, 6)))
    assert replay([odd, even], address, topic) == 7
    found = arrived(address, topic, 7)
    assert {record.key for record in found} == {b"c0", b"c1", b"c2"}
    events = [json.loads(record.value) for record in found]
    for customer in ("c0", "c1", "c2"):
        times = [one["occurred_at"] for one in events if one["customer_id"] == customer]
        assert times == sorted(times)
    partitions = {(record.key, record.partition) for record in found}
    assert len(partitions) == 3, "one customer, one partition: the order of its events is kept"


def test_without_a_shift_a_line_arrives_as_it_is(tmp_path, address, topic):
    text = '{ "event_id":"e1", "customer_id":"c1","event_type":"login", "more": [1.50, 1e3],'
    text += ' "occurred_at":"2017-01-01T00:00:00+02:00"}'
    replay([jsonl(tmp_path / "file.jsonl", text)], address, topic)
    [record] = arrived(address, topic, 1)
    assert record.value == text.encode()


def test_shifted_to_now_all_events_move_by_the_same_time(tmp_path, address, topic):
    first = jsonl(tmp_path / "first.jsonl", line(1, 1, amount=1.50), line(2, 11))
    second = jsonl(tmp_path / "second.jsonl", line(3, 31, kept={"as": ["it", "is"]}))
    before = datetime.now(timezone.utc)
    replay([first, second], address, topic, shift_to_now=True)
    after = datetime.now(timezone.utc)
    events = {
        json.loads(record.value)["event_id"]: record.value for record in arrived(address, topic, 3)
    }
    times = {name: decode(text).occurred_at for name, text in events.items()}
    assert before <= times["e3"] <= after
    assert times["e3"] - times["e2"] == timedelta(days=20)
    assert times["e2"] - times["e1"] == timedelta(days=10)
    assert b'"amount":1.5' in events["e1"]
    assert json.loads(events["e3"])["kept"] == {"as": ["it", "is"]}


def test_a_broken_line_is_sent_for_the_loader_to_judge(tmp_path, sink, raw_tables, address, topic):
    path = jsonl(tmp_path / "file.jsonl", line(1, 1), "{broken", "", line(2, 2, amount="x"))
    done = ingest("replay", str(path), "--bootstrap-servers", address, "--topic", topic)
    assert done.returncode == 0
    assert "replayed 3 events" in done.stdout
    assert "2 of 3 lines break the contract" in done.stderr
    summary = load(sink, address, topic, until_end=True)
    assert (summary.accepted, summary.rejected) == (1, 2)
    kept = raw_tables.rows("select message from churn_events_rejected where kafka_topic = ?", topic)
    assert (b"{broken",) in kept


def test_parquet_becomes_events_of_the_contract(tmp_path, address, topic):
    table = pa.table(
        {
            "event_id": ["e1", "e2"],
            "customer_id": ["c1", "c1"],
            "event_type": ["purchase", "login"],
            "occurred_at": pa.array([datetime(2017, 1, 1, 1, 2, 3), datetime(2017, 1, 2)]),
            "amount": [12.5, None],
            "properties": ['{"departments":3}', None],
        }
    )
    pq.write_table(table, tmp_path / "file.parquet")
    assert replay([tmp_path / "file.parquet"], address, topic) == 2
    first, second = (json.loads(record.value) for record in arrived(address, topic, 2))
    assert first == {
        "event_id": "e1",
        "customer_id": "c1",
        "event_type": "purchase",
        "occurred_at": "2017-01-01T01:02:03Z",
        "amount": 12.5,
        "properties": {"departments": 3},
    }
    assert second == {
        "event_id": "e2",
        "customer_id": "c1",
        "event_type": "login",
        "occurred_at": "2017-01-02T00:00:00Z",
    }


def test_times_that_no_calendar_holds_break_the_contract(tmp_path, address, topic, caplog):
    times = pa.array([1_483_228_800_000_000, None, 2**60, -(2**62)], pa.timestamp("us"))
    same = {name: ["x1"] * len(times) for name in ("event_id", "customer_id", "event_type")}
    pq.write_table(pa.table({**same, "occurred_at": times}), tmp_path / "file.parquet")
    before = datetime.now(timezone.utc)
    assert replay([tmp_path / "file.parquet"], address, topic, shift_to_now=True) == len(times)
    assert "3 of 4 lines break the contract" in caplog.text
    found = [json.loads(one.value)["occurred_at"] for one in arrived(address, topic, len(times))]
    [moved] = [datetime.fromisoformat(one.replace("Z", "+00:00")) for one in found if one]
    assert before <= moved <= datetime.now(timezone.utc)
    assert found.count(None) == 3


def test_a_csv_is_replayed_by_its_columns(tmp_path, sink, raw_tables, address, topic):
    path = tmp_path / "orders.csv"
    path.write_text("client,day,total\nc1,2017-01-02,5\nc2,2017-01-01,7.5\nc3\n")
    options = ["--map", "customer_id=client", "--map", "occurred_at=day", "--map", "amount=total"]
    options += ["--set", "event_type=purchase", "--bootstrap-servers", address, "--topic", topic]
    done = ingest("replay", str(path), *options, "--shift-to-now")
    assert "replayed 3 events" in done.stdout
    assert "1 of 3 lines break the contract" in done.stderr
    summary = load(sink, address, topic, until_end=True)
    assert (summary.accepted, summary.rejected) == (2, 1)
    found = raw_tables.rows(
        "select customer_id, amount, occurred_at > now()::timestamp - interval 1 hour"
        " from churn_scores_raw where kafka_topic = ? order by 1",
        topic,
    )
    assert found == [("c1", 5, True), ("c2", 7.5, False)]


def test_a_missing_topic_is_created_on_request_only(tmp_path, address):
    path, name = jsonl(tmp_path / "file.jsonl", line(1, 1)), f"made.on.request.{uuid4().hex[:12]}"
    command = ("replay", str(path), "--bootstrap-servers", address, "--topic", name)
    assert "add --create-topic" in one_line(ingest(*command))
    assert ingest(*command, "--create-topic", "--partitions", "2").returncode == 0
    assert describe_topic(address, name).partitions == (0, 1)


def test_a_rate_changes_nothing_but_the_time(tmp_path, address, topic):
    path = jsonl(tmp_path / "file.jsonl", *(line(number, 1) for number in range(50)))
    assert replay([path], address, topic, rate=2_000) == 50
    assert len(arrived(address, topic, 50)) == 50


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.jsonl", None, "there is no file"),
        ("empty.jsonl", b"", "is empty"),
        ("blank.jsonl", b"\n\n", "is empty"),
        ("events.xlsx", b"PK", "ends in none of .csv, .tsv, .jsonl and .parquet"),
        ("fake.parquet", b"not parquet at all", "is not a Parquet file that can be read"),
    ],
)
def test_files_that_cannot_be_replayed(tmp_path, address, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    command = ("replay", str(tmp_path / name), "--bootstrap-servers", address)
    assert words in one_line(ingest(*command))


def test_a_parquet_file_of_something_else(tmp_path, address):
    pq.write_table(pa.table({"event_id": ["e1"]}), tmp_path / "other.parquet")
    command = ("replay", str(tmp_path / "other.parquet"), "--bootstrap-servers", address)
    assert "has no column customer_id" in one_line(ingest(*command))


def test_the_sample_obeys_the_contract_and_goes_through(sink, raw_tables, address, topic):
    lines = [one for path in FILES for one in read_lines(path)]
    assert all(isinstance(decode(one.message), Event) for one in lines)
    assert replay(FILES, address, topic, shift_to_now=True) == len(lines) == 20_043
    summary = load(sink, address, topic, until_end=True)
    assert (summary.accepted, summary.rejected) == (20_043, 0)
    [counted] = raw_tables.rows(
        "select count(distinct event_id), count(distinct customer_id) from churn_scores_raw"
        " where kafka_topic = ?",
        topic,
    )
    assert counted == (20_043, 300)


def test_the_sample_is_small_and_every_household_has_an_invented_profile():
    assert EVENTS.stat().st_size < 600_000
    households = duckdb.execute(
        f"select customer_id, min(occurred_at) from '{EVENTS}' group by 1"
    ).fetchall()
    first_seen = {name: f"{moment:%Y-%m-%dT%H:%M:%SZ}" for name, moment in households}
    profiles = [json.loads(text) for text in PROFILES.read_text(encoding="utf-8").splitlines()]
    assert {one["customer_id"]: one["occurred_at"] for one in profiles} == first_seen
    for one in profiles:
        assert one["event_id"] == f"profile-{one['customer_id']}"
        assert one["properties"]["email"].split("@")[1].startswith("example.")
        assert set(one["properties"]) == {
            *("name", "email", "region", "segment", "marketing_consent")
        }

"""The Snowflake sink on the stand-in: each thing that goes wrong, by itself."""

import inspect
import random
import threading

import pytest
from snowflake.ingest import streaming
from sqlfluff.core import Linter

from ingest.batches import StoredTopic, judge
from ingest.fetched import Fetched
from ingest.file_loader import load_file
from ingest.file_options import FileOptions
from ingest.files import EventFile
from ingest.sinks import open_sink, snowflake_account, snowflake_sql
from ingest.sinks.snowflake import SnowflakeSink
from runtime.errors import IngestError
from tests.ingest_fixtures import message
from tests.snowflake import streaming_standin
from tests.snowflake.streaming_standin import Faults, StandInAccount

TOPIC = StoredTopic("t", "id")
STORED = "select kafka_partition, kafka_offset from {} order by 1, 2"


class Loading:
    """Writes batches to a sink as the loader does, and looks at what the server has."""

    def __init__(self, account: StandInAccount):
        self.account = account
        self.sink = SnowflakeSink(account)
        self.stands = self.sink.next_offsets(TOPIC.name)

    def write(self, *texts: bytes, partition: int = 0) -> int:
        first = self.stands.get(partition, 0)
        offsets = list(range(first, first + len(texts)))
        part = Fetched(list(texts), offsets, [-1] * len(texts), first + len(texts), None)
        batch = judge({partition: part}, TOPIC, self.stands)
        accepted = self.sink.write(batch).accepted
        self.stands[partition] = first + len(texts)
        return accepted

    def rows(self, query: str) -> list[tuple]:
        with self.account.transaction() as open_:
            return open_.execute(query).fetchall()

    def offsets(self, table: str = "churn_scores_raw") -> list[int]:
        return [offset for _, offset in self.rows(STORED.format(table))]


@pytest.fixture
def account(tmp_path):
    return StandInAccount(tmp_path / "standin.sqlite")


def events(*numbers: int, **more) -> list[bytes]:
    return [message(number, **more) for number in numbers]


def test_rows_then_offsets_and_a_restart_goes_on_there(account):
    loading = Loading(account)
    assert loading.write(*events(0, 1), b"{", *events(3)) == 3
    loading.sink.close()
    assert loading.offsets() == [0, 1, 3]
    assert loading.offsets("churn_events_rejected") == [2]
    [row] = loading.rows(
        "select kafka_topic, kafka_topic_id, first_offset, next_offset, accepted_count,"
        " rejected_count from ingest_batches"
    )
    assert row == ("t", "id", 0, 4, 3, 1)
    again = Loading(account)
    assert again.stands == {0: 4}
    assert again.sink.lives("t") == {"id": "t"}


def test_payloads_arrive_as_objects_not_as_texts(account):
    loading = Loading(account)
    loading.write(message(1, properties={"a": [1, 2]}))
    [(payload,)] = loading.rows("select payload from churn_scores_raw")
    assert '"properties": {"a": [1, 2]}' in payload


def test_rows_without_their_offsets_are_not_sent_twice(account):
    """The loader died after Snowflake had the rows and before it had the offsets."""
    loading = Loading(account)
    loading.write(*events(0, 1))
    loading.sink.close()
    loading.write(*events(2, 3, 4))
    with account.transaction() as open_:
        open_.execute("delete from ingest_batches where first_offset = 2")
        open_.execute("update channels set token = '1' where pipe = 'ingest_batches-STREAMING'")
    again = Loading(account)
    assert again.stands == {0: 2}
    again.write(*events(2, 3, 4, 5))
    again.sink.close()
    assert again.offsets() == [0, 1, 2, 3, 4, 5]


def test_an_older_loader_is_shut_out_and_neither_doubles(account):
    first, second = Loading(account), Loading(account)
    first.write(*events(0, 1))
    second.write(*events(0, 1, 2))
    first.write(*events(2, 3))
    second.write(*events(3, 4))
    assert first.offsets() == [0, 1, 2, 3, 4]


def test_dropped_rows_stop_the_loader_and_are_loaded_after_the_fix(tmp_path):
    store = tmp_path / "standin.sqlite"
    loading = Loading(StandInAccount(store, refuses="refund_requested"))
    loading.write(*events(0))
    with pytest.raises(IngestError) as stopped:
        loading.write(*events(1), message(2, event_type="refund_requested"), *events(3))
    assert "Snowflake dropped 1 rows" in str(stopped.value)
    assert "start the loader again" in str(stopped.value)
    assert len(str(stopped.value).splitlines()) == 1
    loading.sink.close()
    fixed = Loading(StandInAccount(store))
    assert fixed.stands == {0: 1}
    fixed.write(*events(1), message(2, event_type="refund_requested"), *events(3))
    assert fixed.offsets() == [0, 1, 2, 3]


def test_a_channel_that_is_lost_every_time_ends_the_loader(tmp_path, monkeypatch):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    loading = Loading(StandInAccount(tmp_path / "s.sqlite", faults=Faults(invalidated=1.0)))
    with pytest.raises(IngestError, match="let only one loader run"):
        loading.write(*events(0))


@pytest.mark.parametrize("seed", range(10))
def test_under_all_faults_at_once_every_row_is_there_once(tmp_path, seed):
    faults = Faults(saturated=0.2, invalidated=0.05, late=0.3, delay=0.02)
    loading = Loading(StandInAccount(tmp_path / "s.sqlite", seed, faults))
    chance, sent = random.Random(seed), {0: 0, 1: 0}
    for _ in range(8):
        partition, count = chance.randrange(2), chance.randint(1, 40)
        texts = [b"{" if chance.random() < 0.1 else message(number) for number in range(count)]
        loading.write(*texts, partition=partition)
        sent[partition] += count
    loading.sink.close()
    expected = [(number, at) for number, count in sent.items() for at in range(count)]
    stored = [
        row
        for table in ("churn_scores_raw", "churn_events_rejected")
        for row in loading.rows(STORED.format(table))
    ]
    assert sorted(stored) == expected
    counted = loading.rows("select sum(accepted_count + rejected_count) from ingest_batches")
    assert counted == [(len(expected),)]


def test_a_forgotten_token_does_not_move_the_loader_back(account):
    loading = Loading(account)
    loading.write(*events(0, 1, 2))
    loading.sink.close()
    with account.transaction() as open_:
        open_.execute("update channels set token = null")
    again = Loading(account)
    assert again.stands == {0: 3}
    again.write(*events(3))
    assert again.offsets() == [0, 1, 2, 3]


def test_one_loader_a_topic_on_a_machine(account):
    stop = threading.Event()
    stop.set()
    with (
        SnowflakeSink(account).hold("t", threading.Event()) as first,
        SnowflakeSink(account).hold("t", stop) as second,
    ):
        assert (first, second) == (True, False)


@pytest.mark.parametrize(
    ("kind", "methods"),
    [
        (
            "StreamingIngestClient",
            (
                *("from_table", "open_channel", "drop_channel", "close"),
                "get_latest_committed_offset_tokens",
            ),
        ),
        (
            "StreamingIngestChannel",
            ("append_rows", "initiate_flush", "get_channel_status", "wait_for_commit", "close"),
        ),
    ],
)
def test_the_stand_in_has_the_signatures_of_the_sdk(kind, methods):
    ours, theirs = getattr(streaming_standin, kind), getattr(streaming, kind)
    for method in methods:
        own = inspect.signature(getattr(ours, method)).parameters
        sdk = inspect.signature(getattr(theirs, method)).parameters
        assert [(one.name, one.default) for one in own.values()] == [
            (one.name, one.default) for one in sdk.values()
        ], method
    for name in inspect.signature(streaming_standin.ChannelStatus).parameters:
        assert isinstance(getattr(streaming.ChannelStatus, name), property)


@pytest.mark.parametrize("statement", snowflake_sql.STATEMENTS)
def test_the_sinks_statements_are_snowflakes_grammar(statement):
    parsed = Linter(dialect="snowflake").parse_string(statement.replace("%s", "'x'"))
    assert [str(one) for one in parsed.violations] == []


def test_without_the_sdk_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(snowflake_account, "find_spec", lambda _: None)
    with pytest.raises(IngestError, match="--extra snowflake"):
        open_sink("snowflake")


def test_settings_that_are_missing_are_named_and_secrets_are_not_shown(tmp_path, monkeypatch):
    with pytest.raises(IngestError, match="SNOWFLAKE_PRIVATE_KEY_PATH must be set"):
        open_sink("snowflake")
    monkeypatch.setenv("SNOWFLAKE_TOKEN", "correct-horse")
    with pytest.raises(IngestError, match="SNOWFLAKE_ACCOUNT must be set"):
        open_sink("snowflake")
    monkeypatch.setenv("SNOWFLAKE_ACCOUNT", "org-account")
    monkeypatch.setenv("SNOWFLAKE_USER", "loader")
    account = snowflake_account.account_from_environment()
    assert "correct-horse" not in repr(account)
    assert account.name == "org-account.CHURN.MAIN"


def test_files_are_loaded_each_as_a_topic_of_its_own_and_go_on_after_a_stop(account, tmp_path):
    options = FileOptions(constants={"event_type": "visit"})
    files = []
    for name, count in (("a.csv", 5), ("b.csv", 7)):
        path = tmp_path / name
        path.write_text("customer_id,occurred_at\n" + "c1,2024-01-01\n" * count)
        files.append(EventFile(path, options))
    stop = threading.Event()
    for is_whole in (False, True):
        sink = SnowflakeSink(account)
        for file in files:
            stop.clear()
            on_progress = None if is_whole else lambda _: stop.set()
            load_file(sink, file, batch_rows=3, stop=stop, on_progress=on_progress)
        sink.close()
    found = Loading(account).rows(
        "select kafka_topic, kafka_partition, count(*), count(distinct kafka_offset)"
        " from churn_scores_raw group by 1, 2 order by 1"
    )
    assert found == [("file:a.csv", 0, 5, 5), ("file:b.csv", 0, 7, 7)]

"""Pass after pass: what comes between them, what is written into the file, and when they end."""

import threading
import time
from datetime import timedelta
from types import SimpleNamespace

import duckdb
import pytest

from embedded.engine import scheduler
from embedded.engine.dbt_commands import Commands
from embedded.engine.scheduler import Passes, run
from tests.conftest import EPOCH, event


@pytest.fixture
def pipeline(empty_pipeline):
    return empty_pipeline


class Stop:
    """An event that a test sets once enough was waited for; it knows how long each wait was."""

    def __init__(self, waits: int) -> None:
        self.waits, self._seconds = waits, []

    @property
    def seconds(self) -> list[float]:
        return self._seconds[1:]  # before the first pass nobody waits

    def wait(self, seconds: float) -> bool:
        self._seconds.append(seconds)
        return len(self._seconds) > self.waits


def wal_bytes(pipeline) -> int:
    wal = pipeline.path / "churn.duckdb.wal"
    return wal.stat().st_size if wal.exists() else 0


def passes_on(pipeline) -> Passes:
    with pipeline.database.session() as opened:
        return Passes(opened, Commands())


def test_it_runs_until_it_is_told_to_stop_and_forgets_old_notes(pipeline):
    old = "values ('old', timestamp '2020-01-01', 1)"
    pipeline.rows(f"insert into embedded.refresh_lags {old}")
    pipeline.rows(
        "insert into embedded.task_history values"
        " ('old', 'SUCCEEDED', null, null, timestamp '2020-01-01', 1)"
    )
    pipeline.add(event(1, "a", "login", EPOCH))
    stop, lines = threading.Event(), []
    arguments = (pipeline.database, stop, lines.append)
    thread = threading.Thread(target=run, args=arguments, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + 60
        while pipeline.rows("from embedded.task_history where name = 'old'"):
            assert thread.is_alive()
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join()
    assert pipeline.one("select count(*) from churn_metrics_live") == 1
    assert any(line.startswith("refreshed churn_metrics_live: 1 rows written") for line in lines)
    assert pipeline.rows("from embedded.refresh_lags where name = 'old'") == []
    assert pipeline.one("select count(*) from embedded.refresh_lags") > 0


def test_a_calm_moment_is_used_to_write_the_log_into_the_file(pipeline, monkeypatch):
    monkeypatch.setattr(scheduler, "CHECKPOINT_BYTES", 1)
    passes = passes_on(pipeline)
    pipeline.add(event(1, "a", "login", EPOCH))
    done = passes.make(EPOCH)
    assert not done.is_calm
    passes.keep_house(is_calm=done.is_calm)
    assert wal_bytes(pipeline) > 0
    passes.keep_house(is_calm=passes.make(EPOCH).is_calm)
    assert wal_bytes(pipeline) == 0


def test_one_that_is_never_calm_writes_a_long_log_into_the_file_all_the_same(pipeline, monkeypatch):
    monkeypatch.setattr(scheduler, "CHECKPOINT_BYTES", 1)
    monkeypatch.setattr(scheduler, "LARGE_WAL_BYTES", 1)
    passes = passes_on(pipeline)
    pipeline.add(event(1, "a", "login", EPOCH))
    passes.make(EPOCH)
    assert wal_bytes(pipeline) > 0
    passes.keep_house(is_calm=False)
    assert wal_bytes(pipeline) == 0


def test_a_checkpoint_waits_for_nobody_who_writes(pipeline, monkeypatch):
    monkeypatch.setattr(scheduler, "CHECKPOINT_BYTES", 1)
    passes = passes_on(pipeline)
    insert = "insert into churn_scores_raw (event_id) values ('open')"
    pipeline.add(event(1, "a", "login", EPOCH))
    pipeline.rows("begin transaction")
    pipeline.rows(insert)
    began = time.monotonic()
    passes.keep_house(is_calm=True)
    assert time.monotonic() - began < 5
    pipeline.rows("rollback")
    passes.keep_house(is_calm=True)
    assert wal_bytes(pipeline) == 0


def test_working_tables_do_not_keep_the_rows_of_passes_that_are_over(pipeline, monkeypatch):
    monkeypatch.setattr(scheduler, "WORKING_ROWS", 1_000)
    passes, used = passes_on(pipeline), []
    query = "select memory_usage_bytes from duckdb_memory() where tag = 'IN_MEMORY_TABLE'"
    for number in range(12):
        pipeline.rows(
            "insert into churn_scores_raw (event_id, customer_id, event_type, occurred_at,"
            " kafka_topic, kafka_partition, kafka_offset, loaded_at)"
            " select 'e' || range, 'c' || range % 300, 'login', $1, 't', 0, range, $1"
            " from range($2, $2 + 10_000)",
            EPOCH,
            number * 10_000,
        )
        passes.make(EPOCH, due_only=False)
        passes.keep_house(is_calm=False)
        pipeline.connection.execute("checkpoint")  # else new rows of stored tables count as well
        used.append(pipeline.one(query))
    assert max(used) <= 2 * max(used[:3])


def test_after_a_large_pass_it_waits_as_long_as_somebody_writes(pipeline, monkeypatch):
    monkeypatch.setattr(scheduler, "CATCHING_UP_ROWS", 2)
    waits, wait_while_written = [], Passes.wait_while_written

    class Loading(threading.Event):
        """Loads an event at each of three looks, and nothing at the next ones."""

        def wait(self, _=None):
            if len(waits) < 3:
                pipeline.add(event(len(waits) + 10, "a", "login", EPOCH))
            waits.append(1)

    def waiting(passes, seconds, _):
        wait_while_written(passes, 60 + seconds, Loading())

    monkeypatch.setattr(Passes, "wait_while_written", waiting)
    pipeline.add(event(1, "a", "login", EPOCH), event(2, "b", "login", EPOCH))
    run(pipeline.database, Stop(1), lambda _: None)
    assert len(waits) == 4


def test_it_waits_for_a_loader_no_longer_than_the_large_pass_took(pipeline):
    class Loading(threading.Event):
        def wait(self, _=None):
            pipeline.add(event(1, "a", "login", EPOCH))

    began = time.monotonic()
    passes_on(pipeline).wait_while_written(0.3, Loading())
    assert time.monotonic() - began >= 0.3


def test_only_after_a_large_pass_all_processors_compute(pipeline, monkeypatch):
    monkeypatch.setenv("CHURN_THREADS", "3")
    monkeypatch.setattr(scheduler, "CATCHING_UP_ROWS", 2)
    passes, used = passes_on(pipeline), []
    for count in (1, 2, 1, 2):
        pipeline.add(*(event(f"{len(used)}-{one}", "a", "login", EPOCH) for one in range(count)))
        passes.make(EPOCH + timedelta(hours=len(used)))
        used.append(pipeline.one("select current_setting('threads')"))
    assert used == [1, 3, 1, 3]


def test_while_there_is_something_to_do_the_next_pass_comes_at_once(pipeline):
    pipeline.add(event(1, "a", "login", EPOCH))
    stop = Stop(3)
    run(pipeline.database, stop, lambda _: None)
    assert stop.seconds == [0.0, scheduler.PASS_SECONDS, scheduler.PASS_SECONDS]


def test_a_pass_that_fails_is_reported_and_tried_again_later_each_time(pipeline, monkeypatch):
    make, failures = Passes.make, [duckdb.IOException("No space left on device")] * 2

    def make_or_fail(passes, *arguments):
        if failures:
            raise failures.pop()
        return make(passes, *arguments)

    monkeypatch.setattr(Passes, "make", make_or_fail)
    pipeline.add(event(1, "a", "login", EPOCH))
    stop, lines = Stop(3), []
    run(pipeline.database, stop, lines.append)
    assert [line for line in lines if "failed" in line] == [
        "pass failed, trying again in 0.4 s: No space left on device",
        "pass failed, trying again in 0.8 s: No space left on device",
    ]
    assert stop.seconds == [0.4, 0.8, 0.0]
    assert pipeline.one("select count(*) from churn_metrics_live") == 1


def test_a_connection_that_answers_no_more_ends_it(pipeline, monkeypatch):
    def fail(*_):
        raise duckdb.FatalException("the database has been invalidated")

    monkeypatch.setattr(Passes, "make", fail)
    with pytest.raises(duckdb.FatalException):
        run(pipeline.database, Stop(3), lambda _: None)


def test_passes_go_on_after_the_file_was_elsewhere(pipeline):
    counts = []

    def wait(_):
        counts.append(pipeline.one("select count(*) from churn_metrics_live"))
        pipeline.close()  # as when another process asks for it
        number = len(counts)
        pipeline.add(event(number, f"c{number}", "login", EPOCH))
        return number == 4

    run(pipeline.database, SimpleNamespace(wait=wait), lambda _: None)
    assert counts == [0, 1, 2, 3]

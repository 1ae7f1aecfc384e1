"""One process has the file at a time: it is asked for, handed over, given back, and never lost."""

import gc
import json
import multiprocessing
import os
import signal
import socket
import threading
import time

import duckdb
import pytest

from embedded.engine.dbt import run_dbt
from embedded.engine.storage import Database, NotAvailableError, database
from embedded.session import connect
from runtime.errors import EngineError
from tests.conftest import EPOCH, event, run_module
from tests.ingest_fixtures import wait_until
from tests.soak.forks import Fork
from tests.storage_fixtures import (
    add_event,
    another,
    ask,
    count_on,
    hold,
    notes,
    scheduler_of,
)

pytest_plugins = ("tests.storage_fixtures",)


def test_another_process_gets_the_file_while_the_scheduler_runs_and_gives_it_back(
    empty_pipeline, tmp_path
):
    pipeline = empty_pipeline

    def customers() -> int:
        return pipeline.one("select count(*) from churn_metrics_live")

    with scheduler_of(pipeline) as lines:
        pipeline.add(event("ours", "a", "login", EPOCH))
        wait_until(lambda: customers() == 1, 30)
        began = time.monotonic()
        theirs = Fork(tmp_path / "log", add_event, pipeline.path)
        assert theirs.wait(30) == 0, theirs.said()
        assert time.monotonic() - began < 15
        wait_until(lambda: customers() == 2, 30)
        done = run_module("embedded", "query", "select count(*) as customers from customer_events")
        assert done.returncode == 0, done.stderr
        assert "2" in done.stdout
        assert run_module("embedded", "tick").returncode == 0
        pipeline.add(event("again", "c", "login", EPOCH))
        wait_until(lambda: customers() == 3, 30)
    assert not [line for line in lines if "failed" in line]


def test_a_process_that_is_killed_while_it_has_the_file_leaves_it_usable_at_once(home, tmp_path):
    database(home).close()
    with another(hold, home, tmp_path / "release") as holder:
        with pytest.raises(NotAvailableError), database(home).session(0.2):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
        began = time.monotonic()
        assert notes(home) == ["committed"]
        assert time.monotonic() - began < 3


def test_an_owner_that_is_killed_while_others_wait_leaves_it_to_each_of_them(home, tmp_path):
    database(home).close()
    with another(hold, home, tmp_path / "release") as holder:
        waiting = [Fork(tmp_path / f"log{number}", count_on, home, 5) for number in range(2)]
        wait_until(lambda: all("waiting for" in one.said() for one in waiting), 30)
        holder.send_signal(signal.SIGKILL)
        assert [one.wait(30) for one in waiting] == [0, 0]
    assert database(home).rows("from counts") == [(10,)]


def test_all_who_ask_at_once_get_it_and_nothing_that_one_wrote_is_lost(home, tmp_path):
    asking = [Fork(tmp_path / f"log{number}", count_on, home, 10) for number in range(3)]
    threads = [threading.Thread(target=count_on, args=(home, 10)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [one.wait(60) for one in asking] == [0, 0, 0], [one.said() for one in asking]
    assert database(home).rows("from counts") == [(50,)]


def test_who_waits_more_than_a_second_says_for_whom_and_who_does_not_says_nothing(home, tmp_path):
    quick = Fork(tmp_path / "quick", ask, home, None)
    assert quick.wait(30) == 0
    assert quick.said() == "0\n"
    with database(home).session():
        slow = Fork(tmp_path / "slow", ask, home, None)
        wait_until(lambda: slow.said() or not slow.is_alive, 30)
        time.sleep(1.5)
    assert slow.wait(30) == 0
    told, answer = slow.said().splitlines()
    host = socket.gethostname()
    assert f"waiting for process {os.getpid()} on {host} since 20" in told
    assert told.endswith(f", which has {home / 'churn.duckdb'}")
    assert answer == "0"


def test_patience_ends_with_one_line_that_names_who_has_the_file(home, tmp_path):
    database(home).close()
    with another(hold, home, tmp_path / "release"):
        holder = json.loads((home / "owner.json").read_text())["process"]
        began = time.monotonic()
        with pytest.raises(NotAvailableError) as refused, connect(patience_seconds=0.5):
            pass
        assert 0.5 <= time.monotonic() - began < 3
        said = str(refused.value)
        assert said.startswith(f"process {holder} on ")
        assert said.endswith(f" is using {home / 'churn.duckdb'}: try again in a moment")
        assert "\n" not in said
    assert notes(home) == ["committed"]


def test_who_gave_up_waiting_holds_up_nobody(home, tmp_path):
    with database(home).session():
        asking = Fork(tmp_path / "log", ask, home, 0.5)
        assert asking.wait(30) == 1
        assert "is using" in asking.said()
    began = time.monotonic()
    with database(home).session(2):
        assert time.monotonic() - began < 1


def test_sessions_within_a_session_go_on_while_another_process_waits(home, tmp_path):
    mine, order = database(home), []

    def beside() -> None:
        with mine.session():
            order.append("beside")

    with mine.session():
        asking = Fork(tmp_path / "log", ask, home, None)
        wait_until(lambda: "waiting for" in asking.said(), 30)
        thread = threading.Thread(target=beside)
        thread.start()
        with mine.session(1), mine.session(1):
            assert mine.rows("select 1") == [(1,)]
        order.append("within")
    thread.join(30)
    assert not thread.is_alive()
    assert asking.wait(30) == 0
    # Another thread's session would keep the other process waiting for ever.
    assert order == ["within", "beside"]


def test_a_pinned_file_is_not_handed_over_and_all_threads_go_on_with_it(home, tmp_path):
    mine, found = database(home), []
    with mine.pinned():
        asking = Fork(tmp_path / "log", ask, home, None)
        wait_until(lambda: "waiting for" in asking.said(), 30)
        thread = threading.Thread(target=lambda: found.append(mine.rows("select 1")))
        thread.start()
        thread.join(5)
        assert found == [[(1,)]]
        assert asking.is_alive
        hasty = Fork(tmp_path / "hasty", ask, home, 0.3)
        assert hasty.wait(30) == 1
        assert mine._opened is not None
    assert asking.wait(30) == 0


def test_a_forked_child_takes_nothing_away_from_its_parent(home, tmp_path):
    with database(home).session():
        child = multiprocessing.get_context("fork").Process(target=os.getpid)
        child.start()
        child.join(30)
        asking = Fork(tmp_path / "log", ask, home, 0.5)
        assert asking.wait(30) == 1
        assert "is using" in asking.said()
        assert notes(home) == []


def test_what_was_equipped_is_there_again_after_a_hand_over(empty_pipeline):
    classify = "select predict_churn is null from (select null as predict_churn)"
    functions = "select count(*) from duckdb_functions() where function_name = 'plain_number'"
    for _ in range(2):
        with connect() as connection:
            assert connection.execute(classify).fetchall()
            assert connection.execute(functions).fetchall()
            assert connection.execute("select getvariable('role')").fetchall() != [(None,)]
        empty_pipeline.close()


def test_every_connection_has_the_settings_of_the_file(home, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        database(home).close()
        no_such_table = 1  # noqa: F841 - DuckDB must not take it for a table
        with database(home).session() as opened:
            connection = opened.cursor()
            assert connection.execute("select current_setting('timezone')").fetchall() == [("UTC",)]
            with pytest.raises(duckdb.CatalogException):
                connection.execute("from no_such_table")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_file_that_is_pinned_for_good_stays(home, tmp_path):
    mine = Database(home)
    database(home).close()
    mine.pin()
    gc.collect()
    asking = Fork(tmp_path / "log", ask, home, 0.5)
    assert asking.wait(30) == 1
    assert "is using" in asking.said()
    with mine._state:
        mine._pins = 0
    mine.close()


def test_while_dbt_works_on_the_file_nobody_else_gets_it(empty_pipeline, tmp_path, monkeypatch):
    answers = []

    def invoke(*_):
        asking = Fork(tmp_path / "log", ask, empty_pipeline.path, 0.5)
        answers.append((asking.wait(30), "is using" in asking.said()))
        return type("Done", (), {"success": True})()

    monkeypatch.setattr("dbt.cli.main.dbtRunner.invoke", invoke)
    run_dbt("build")
    assert answers == [(1, True)]


def test_who_waits_for_the_file_does_not_keep_others_from_giving_up(home, tmp_path):
    with connect():  # equips the database, which the wait must not hold up
        pass
    database(home).close()
    with another(hold, home, tmp_path / "release"):
        waiting = threading.Thread(target=notes, args=(home,), daemon=True)
        waiting.start()
        wait_until(database(home)._opening.locked, 30)
        with pytest.raises(EngineError, match="try again in a moment"), connect(patience_seconds=0):
            pass
        assert waiting.is_alive()
    waiting.join(30)
    assert not waiting.is_alive()


def test_a_lock_that_cannot_be_had_is_not_asked_for_ever_after(home, monkeypatch):
    def refuse(**_) -> None:
        raise OSError(24, "Too many open files")

    database(home).close()
    with monkeypatch.context() as patch:
        patch.setattr(database(home)._owner, "acquire", refuse)
        with pytest.raises(EngineError, match="Too many open files"):
            notes(home)
    assert notes(home) == []
    assert not database(home)._request.is_locked


# -- export ----------------------------------------------------------------------------------------


def test_every_table_is_exported(empty_pipeline, tmp_path):
    empty_pipeline.add(event(1, "a", "login", EPOCH), event(2, "b", "login", EPOCH))
    empty_pipeline.tick()
    tables = empty_pipeline.rows(
        "select table_name from duckdb_tables()"
        " where database_name = 'churn' and schema_name = 'main' and not temporary"
    )
    folder = tmp_path / "it's new" / "export"
    done = run_module("embedded", "export", str(folder))
    assert done.returncode == 0, done.stderr
    assert {one.stem for one in folder.iterdir()} == {name for (name,) in tables}
    assert "customer_events: 2 rows\n" in done.stdout
    for (name,) in tables:
        file = str(folder / f"{name}.parquet").replace("'", "''")
        there = duckdb.sql(f"select count(*) from '{file}'").fetchall()
        assert there == empty_pipeline.rows(f"select count(*) from {name}")
    again = run_module("embedded", "export", str(folder))
    assert again.returncode == 1
    assert again.stderr == f"{folder} is not empty: name a new folder\n"
    (tmp_path / "file").touch()
    refused = run_module("embedded", "export", str(tmp_path / "file"))
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1

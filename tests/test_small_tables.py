"""The engine on small tables of its own, without dbt: what a user's definitions can do to it."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import dbt.cli.main
import duckdb
import pytest

from embedded.__main__ import main
from embedded.engine import dbt_commands
from embedded.engine.dbt_commands import Commands
from embedded.engine.due_tables import refresh_one
from embedded.engine.home import database_file
from embedded.engine.registry import SCHEMA, create_registry, tasks
from embedded.engine.scheduler import Passes, tick
from embedded.engine.set_aside import try_again
from embedded.engine.statements import Statements
from embedded.engine.storage import Database, database
from embedded.engine.streams import place_stream
from runtime.clock import utc_now
from runtime.errors import EngineError
from tests.dbt import PROJECT
from tests.ingest_fixtures import wait_until
from tests.soak.forks import Fork

BY_KEY = "select k, sum(v) as total from churn.main.raw group by k"


class Small:
    """A database with one table of rows that are loaded, and what a test adds to it."""

    def __init__(self, home, opened) -> None:
        self.home, self.opened, self.connection = home, opened, opened.cursor()
        create_registry(self.connection)
        self.rows("create table raw (k varchar, v integer)")

    def rows(self, query: str, *values) -> list[tuple]:
        return self.connection.execute(query, list(values)).fetchall()

    def load(self, *rows: tuple) -> None:
        self.connection.executemany("insert into raw values (?, ?)", rows)

    def define(self, name: str, query: str, mode: str = "INCREMENTAL", key: str = "k") -> None:
        """Register a table, as dbt does, or another query for it."""
        self.rows(f"delete from {SCHEMA}.dynamic_tables where name = ?", name)
        values = (name, query, json.dumps([key]), mode, "1 second", 5)
        self.rows(f"insert into {SCHEMA}.dynamic_tables values (?, ?, ?, ?, ?, ?, 0)", *values)

    def follow(self, stream: str, table: str) -> None:
        self.rows(f"insert into {SCHEMA}.streams values (?, ?, null)", stream, table)
        refresh_one(Statements(self.opened), table, utc_now())
        place_stream(Statements(self.opened), stream)

    def task(self, name: str, body: str, *, stream=None, schedule=None, command=None) -> None:
        self.rows(
            f"insert into {SCHEMA}.tasks values (?, ?, ?, ?, null, false, 5, 0, null, null)",
            *(name, body, stream, schedule),
        )
        if command:
            values = (name, json.dumps(command))
            self.rows(f"insert into {SCHEMA}.task_commands values (?, ?)", *values)

    def build(self, *names: str) -> None:
        """Refresh one table after the other, as dbt does."""
        for name in names:
            refresh_one(Statements(self.opened), name, utc_now())


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    database().close()


@pytest.fixture
def small(home):
    with database().session() as opened:
        yield Small(home, opened)


# -- refreshes -------------------------------------------------------------------------------------


def test_whoever_reads_a_table_whose_columns_change_loses_what_the_table_has_lost(small):
    small.load(("a", 1), ("b", 2), ("c", 3))
    small.define("upper", BY_KEY)
    small.define("reader", "select k, total from churn.main.upper")
    small.build("upper", "reader")
    changed = "select k, sum(v) as total, 1 as n from churn.main.raw where k <> 'b' group by k"
    small.define("upper", changed)
    small.build("upper", "reader")
    assert small.rows("from reader order by k") == [("a", 1), ("c", 3)]
    small.load(("c", 1))
    tick(small.opened)
    assert small.rows("from reader order by k") == [("a", 1), ("c", 4)]


def test_a_stream_hands_out_what_a_table_whose_columns_change_has_lost(small):
    small.load(("a", 1), ("b", 2))
    small.define("upper", BY_KEY)
    small.follow("changes", "upper")
    changed = "select k, sum(v) as total, 1 as n from churn.main.raw where k = 'a' group by k"
    small.define("upper", changed)
    small.build("upper")
    place_stream(Statements(small.opened), "changes")
    gone = "select k, total from changes where \"METADATA$ACTION\" = 'DELETE' order by k"
    assert small.rows(gone) == [("a", 1), ("b", 2)]


def test_rows_without_a_key_are_refreshed_where_a_table_is_computed_whole(small):
    small.load(("a", 1), (None, 1))
    small.define("whole", BY_KEY, mode="FULL")
    tick(small.opened)
    small.load(("a", 5), (None, 5))
    tick(small.opened)
    assert small.rows("from whole order by k") == [("a", 6), (None, 6)]
    small.rows("delete from raw where k is null")
    tick(small.opened)
    assert small.rows("from whole") == [("a", 6)]


def test_rows_without_a_key_are_refused_by_key_from_the_first_build_on(small):
    small.load(("a", 1), (None, 1))
    small.define("by_key", BY_KEY)
    with pytest.raises(EngineError, match=r"by its key k: a row has none; .* refresh_mode: FULL"):
        small.build("by_key")


def test_a_query_that_cannot_be_read_fails_alone(small):
    small.load(("a", 1))
    small.define("good", BY_KEY)
    small.define("bad", "select * from (pivot churn.main.raw on k using sum(v))", mode="FULL")
    small.define("reader", "select k from churn.main.good")
    with pytest.raises(EngineError, match="cannot be read as a select statement"):
        small.build("bad")
    done = tick(small.opened)
    assert [failure.name for failure in done.failures] == ["bad"]
    assert small.rows("from reader") == [("a",)]


def test_a_clock_that_was_ahead_stops_nothing(small):
    small.define("good", BY_KEY)
    small.rows("create table ran (moment timestamp)")
    small.task("hourly", "insert into ran select getvariable('as_of')", schedule="1 HOUR")
    now = utc_now()
    tick(small.opened, now + timedelta(days=300))
    small.load(("a", 1))
    values = ("good", "was ahead", 1, False, now + timedelta(days=300))
    small.rows(f"insert into {SCHEMA}.refresh_failures values (?, ?, ?, ?, ?)", *values)
    Passes(small.opened, Commands()).make(now)
    assert small.rows("select k from good") == [("a",)]
    assert small.rows("select max(moment) from ran where moment <= ?", now) == [(now,)]


def test_a_reaction_that_was_set_aside_is_made_good_on_demand(small):
    small.load(("a", 1))
    small.define("upper", "select k, max(v) as v from churn.main.raw group by k")
    small.rows("create table reacted (k varchar)")
    small.follow("changes", "upper")
    poisoned = "insert into reacted select k from temp.main.changes where {} > 0"
    body = poisoned.format("cast(case when k = 'bad' then 'x' else '1' end as integer)")
    small.task("react", body, stream="changes")
    small.load(("bad", 1), ("good", 1))
    tick(small.opened)
    assert small.rows("from reacted") == [("good",)]
    small.rows(f"update {SCHEMA}.tasks set body = ?", poisoned.format("1"))
    assert try_again(Statements(small.opened)) == 1
    tick(small.opened)
    assert small.rows("from reacted order by k") == [("bad",), ("good",)]
    assert small.rows(f"select count(*) from {SCHEMA}.set_aside") == [(0,)]
    tick(small.opened)
    assert small.rows("select count(*) from reacted") == [(2,)]


# -- commands --------------------------------------------------------------------------------------


def want(home) -> None:
    with Database(home).session():
        print("has it", flush=True)


def test_a_command_goes_on_while_another_process_wants_the_file(small, monkeypatch, tmp_path):
    def run_dbt(*_) -> None:
        with database().pinned(), database().session():
            time.sleep(0.2)

    monkeypatch.setattr(dbt_commands, "run_dbt", run_dbt)
    small.task("train", "select 'it is time'", schedule="1 HOUR", command=["build"])
    other = Fork(tmp_path / "log", want, small.home)
    try:
        wait_until(lambda: database()._is_wanted, 30)
        assert [one.error for one in tick(small.opened).task_runs] == [None, None]
    finally:
        other.kill()


def test_whatever_a_command_fails_with_is_noted(small, monkeypatch):
    def run_dbt(*_) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(dbt_commands, "run_dbt", run_dbt)
    small.task("train", "select 'it is time'", schedule="1 HOUR", command=["build"])
    assert "Too many open files" in str(tick(small.opened).task_runs[-1].error)
    states = small.rows(f"select state from {SCHEMA}.task_history order by started_at")
    assert states == [("EXECUTING",), ("FAILED",)]


def test_a_task_may_be_taken_away_while_its_command_runs(small, monkeypatch):
    monkeypatch.setattr(dbt_commands, "run_dbt", lambda *_: None)
    small.task("train", "select 'it is time'", schedule="1 HOUR", command=["build"])
    passes, commands = Statements(small.opened), Commands()
    commands.begin(passes, tasks(small.connection)["train"], utc_now())
    small.rows(f"delete from {SCHEMA}.tasks")
    assert commands.ended(passes, wait=True) == []


class Endless:
    """In the place of dbt: computes in a connection of its own, for ever."""

    def invoke(self, _) -> None:
        with duckdb.connect(str(database_file())) as connection:
            print("computes", file=sys.stderr, flush=True)
            while True:
                connection.execute("select count(distinct hash(range)) from range(1000000)")


def schedule_endless(home) -> None:
    os.environ["CHURN_HOME"] = str(home)
    dbt.cli.main.dbtRunner = Endless
    sys.argv = ["embedded", "schedule"]
    sys.exit(main())


def test_while_dbt_computes_in_a_thread_the_process_ends_in_order(home, tmp_path):
    with database().session() as opened:
        small = Small(home, opened)
        small.task("train", "select 'it is time'", schedule="1 HOUR", command=["build"])
    database().close()
    code = f"from tests.test_small_tables import schedule_endless; schedule_endless({str(home)!r})"
    log = tmp_path / "log"
    with log.open("w") as output:  # a process of its own, because a fork ends in another way
        scheduler = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stderr=output)
    try:
        wait_until(lambda: "computes" in log.read_text(), 60)
        scheduler.send_signal(signal.SIGTERM)
        assert scheduler.wait(30) == 0, log.read_text()
    finally:
        scheduler.kill()
        scheduler.wait()

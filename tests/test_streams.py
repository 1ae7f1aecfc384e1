"""A stream hands out the net change of every row, once, whoever asks, in which process."""

import contextlib
import itertools
import shutil

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded.engine.refresh_pass import refresh
from embedded.engine.registry import SCHEMA, Stream, streams
from embedded.engine.scheduler import Tick, tick
from embedded.engine.statements import Statements
from embedded.engine.streams import hand_out, has_data, move_offset, place_stream
from embedded.session import open_database
from tests.conftest import run_module
from tests.recomputed import add_dynamic_table

KEYS = ["a", "b", "c"]
SHOWN = 'select key, value, "METADATA$ACTION", "METADATA$ISUPDATE" from {} order by all'
CHANGES = SHOWN.format("points_stream")


def net_changes(before: dict, after: dict) -> list[tuple]:
    """Return what Snowflake's standard stream would show between two states of a table."""
    changes = []
    for key in KEYS:
        old, new = before.get(key), after.get(key)
        if old != new:
            is_update = old is not None and new is not None
            changes += [(key, old, "DELETE", is_update)] if old is not None else []
            changes += [(key, new, "INSERT", is_update)] if new is not None else []
    return sorted(changes)


class Points:
    """Nothing but readings, the dynamic table of their sums, and a stream on that."""

    def __init__(self) -> None:
        self.database = open_database()
        self._opened = self._statements = None
        self.execute(f"delete from {SCHEMA}.dynamic_tables")
        self.execute(f"delete from {SCHEMA}.refresh_states")
        self.execute(f"update {SCHEMA}.tasks set is_suspended = true")
        self.execute("create table readings (key varchar, value integer)")
        query = "select key, sum(value)::integer as value from churn.main.readings group by key"
        add_dynamic_table(self.statements.connection, "points", query, ("key",))
        self.refresh()
        self.place("points_stream")

    @property
    def statements(self) -> Statements:
        """The test's connection; another one after the file was elsewhere."""
        with self.database.session() as opened:
            if self._opened is not opened:
                self._opened, self._statements = opened, Statements(opened)
        return self._statements

    def execute(self, statement: str) -> list[tuple]:
        return self.statements.connection.execute(statement).fetchall()

    def refresh(self) -> list:
        return refresh(self.statements)

    def tick(self) -> Tick:
        return tick(self.statements.opened)

    def place(self, name: str) -> None:
        self.execute(f"insert into {SCHEMA}.streams (name, source) values ('{name}', 'points')")
        place_stream(self.statements, name)

    def close(self) -> None:
        self._opened = self._statements = None
        self.database.close()

    def stream(self, name: str = "points_stream") -> Stream:
        return streams(self.statements.connection)[name]

    def has_data(self) -> bool:
        return has_data(self.statements, self.stream())

    def state(self) -> dict[str, int]:
        return dict(self.execute("select key, value from points"))

    def shown(self, name: str = "points_stream") -> list[tuple]:
        """Return what a stream shows to anyone who looks."""
        return self.execute(SHOWN.format(f"churn.main.{name}"))

    def consume(self, name: str = "points_stream", *, is_to_fail: bool = False) -> list[tuple]:
        """Take the changes in a transaction, as a task does; it may break off at its end."""
        statements = self.statements

        def work():
            version, count = hand_out(statements, self.stream(name))
            found = statements.connection.execute(SHOWN.format(name)).fetchall()
            assert len(found) == count
            move_offset(statements, self.stream(name), version)
            if is_to_fail:
                raise RuntimeError("the task failed")
            return found

        return statements.transact(work)


@pytest.fixture
def points(shared_pipeline, tmp_path, monkeypatch):
    shared_pipeline.close()
    shutil.copytree(shared_pipeline.path, tmp_path / "home")
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
    opened = Points()
    yield opened
    opened.close()


counter = itertools.count(1)
keys, values = st.sampled_from(KEYS), st.integers(1, 3)
happenings = st.one_of(
    st.builds("insert into readings values ('{}', {})".format, keys, values),
    st.builds("insert into readings values ('{}', {})".format, keys, values),
    st.builds("delete from readings where key = '{}'".format, keys),
    st.sampled_from(["refresh", "refresh", "look", "consume", "consume, but fail"]),
    st.sampled_from(["reopen", "define anew", "place anew", "another consumes"]),
)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(happenings, min_size=5, max_size=25))
def test_the_net_change_of_every_row_is_handed_out_once(points, history):
    if "slower" not in streams(points.statements.connection):
        points.place("slower")
    points.consume()
    points.consume("slower")
    taken = taken_slowly = points.state()
    for happening in [*history, "refresh", "look", "consume", "look", "another consumes"]:
        expected = net_changes(taken, points.state())
        if happening == "refresh":
            points.refresh()
        elif happening == "reopen":
            points.close()
        elif happening == "define anew":  # as `dbt build --full-refresh` does: all is computed
            points.execute(
                f"update {SCHEMA}.dynamic_tables set rebuilds = coalesce(rebuilds, 0) + 1"
            )
        elif happening == "place anew":  # as each `dbt build` does
            place_stream(points.statements, "points_stream")
        elif happening == "look":
            assert points.shown() == expected
            assert points.has_data() == bool(expected)
        elif happening == "consume":
            assert points.consume() == expected
            taken = points.state()
        elif happening == "consume, but fail":
            with pytest.raises(RuntimeError):
                points.consume(is_to_fail=True)
        elif happening == "another consumes":
            assert points.consume("slower") == net_changes(taken_slowly, points.state())
            taken_slowly = points.state()
        else:
            points.execute(happening)
    assert points.shown() == points.shown("slower") == []


LOGGED = f'select count(*) from {SCHEMA}."changes_points"'


def test_what_everybody_has_consumed_is_forgotten_and_nothing_else(points):
    points.place("slower")
    for number in range(4):
        points.execute(f"insert into readings values ('a', {number + 1}), ('b', 1)")
        points.refresh()
        if number < 3:
            points.consume()
        if number == 0:
            points.consume("slower")
    late = [("a", 6, "DELETE", True), ("b", 3, "DELETE", True)]
    new = [("a", 10, "INSERT", True), ("b", 4, "INSERT", True)]
    assert points.shown() == sorted(late + new)
    assert points.consume() == sorted(late + new)
    early = [("a", 1, "DELETE", True), ("b", 1, "DELETE", True)]
    assert points.shown("slower") == sorted(early + new)
    assert points.execute(LOGGED)[0][0] > 0
    assert points.consume("slower") == sorted(early + new)
    assert points.execute(LOGGED) == [(0,)]
    assert points.shown() == points.shown("slower") == []
    points.execute("insert into readings values ('c', 2)")
    points.refresh()
    assert points.shown() == [("c", 2, "INSERT", False)]


def test_a_new_stream_begins_at_the_present_state(points):
    points.execute("insert into readings values ('a', 1)")
    points.refresh()
    points.place("newer")
    assert points.shown("newer") == []
    points.execute("insert into readings values ('a', 1)")
    points.refresh()
    expected = [("a", 1, "DELETE", True), ("a", 2, "INSERT", True)]
    assert points.consume("newer") == expected
    assert points.consume() == [("a", 2, "INSERT", False)]


TASK = f"""
    insert into {SCHEMA}.tasks
        (name, body, stream, is_suspended, suspend_after_failures, consecutive_failures)
    values ('keep', 'insert into received {CHANGES}', 'points_stream', false, 5, 0)
"""


def test_a_task_in_new_processes_receives_each_change_once(points):
    points.execute(f"create table received as {CHANGES}")
    points.execute(TASK)
    taken, expected = points.state(), []
    for change in (
        "insert into readings values ('a', 1), ('b', 1)",
        "insert into readings values ('a', 1)",
        "delete from readings where key = 'b'",
    ):
        points.execute(change)
        done = run_module("embedded", "tick")
        assert "task keep succeeded" in done.stdout, done.stdout + done.stderr
        expected += net_changes(taken, points.state())
        taken = points.state()
        assert points.execute("from received order by all") == sorted(expected)
    assert run_module("embedded", "tick").stdout == "nothing to do\n"


def test_what_comes_while_a_task_runs_is_received_once(points):
    points.execute(f"create table received as {CHANGES}")
    points.execute("insert into readings values ('a', 1)")
    points.refresh()
    statements, attempts = points.statements, []
    other = Statements(statements.opened)  # another thread of the process

    def work():
        stream = points.stream()
        version, _ = hand_out(statements, stream)
        if not attempts:
            other.connection.execute("insert into readings values ('a', 1), ('b', 2)")
            refresh(other)
        attempts.append(version)
        statements.connection.execute(f"insert into received {CHANGES}")
        move_offset(statements, stream, version)

    # Whether the task loses the race and begins again or not.
    for _ in range(2):
        with contextlib.suppress(duckdb.TransactionException):
            statements.transact(work)
    statements.transact(work)
    sums = """
        select key, value, sum(case "METADATA$ACTION" when 'INSERT' then 1 else -1 end) as times
        from received group by key, value having times <> 0
    """
    # What it received adds up to the table.
    assert sorted(points.execute(sums)) == [("a", 2, 1), ("b", 2, 1)]
    assert points.shown() == []


def test_a_task_whose_statement_fails_has_consumed_nothing(points):
    points.execute(f"create table received as {CHANGES}")
    points.execute(TASK.replace("insert into received", "insert into no_such_table"))
    points.execute("insert into readings values ('a', 1)")
    (failed,) = points.tick().task_runs
    assert "no_such_table" in failed.error
    assert points.shown() == [("a", 1, "INSERT", False)]
    points.execute(f"delete from {SCHEMA}.tasks where name = 'keep'")
    points.execute(TASK)
    assert [one.error for one in points.tick().task_runs] == [None]
    assert points.execute("from received") == [("a", 1, "INSERT", False)]
    assert points.shown() == []


def test_both_images_of_an_update_have_one_row_id(points):
    points.execute("insert into readings values ('a', 1), ('b', 1)")
    points.refresh()
    points.consume()
    points.execute("insert into readings values ('a', 1), ('b', 1)")
    points.refresh()
    ids = """
        select key, count(*), count(distinct "METADATA$ROW_ID")
        from churn.main.points_stream group by key
    """
    assert sorted(points.execute(ids)) == [("a", 2, 1), ("b", 2, 1)]

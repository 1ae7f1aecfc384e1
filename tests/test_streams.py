"""A stream hands out the net change of every row, once, whoever asks and in which process."""

import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded import compaction, maintenance
from embedded.engine.refresh_pass import refresh
from embedded.engine.registry import SCHEMA, Stream, streams
from embedded.engine.storage import transact
from embedded.engine.streams import hand_out, move_offset, place_stream
from embedded.session import connect
from tests.conftest import run_module
from tests.recomputed import add_dynamic_table

KEYS = ["a", "b", "c"]
CHANGES = (
    'select key, value, "METADATA$ACTION", "METADATA$ISUPDATE" from points_stream order by all'
)


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
    """A pipeline with nothing but readings, the dynamic table of their sums, and a stream on that."""

    def __init__(self) -> None:
        self.connection = connect()
        self.execute(f"delete from {SCHEMA}.dynamic_tables")
        self.execute("create table readings (key varchar, value integer)")
        query = "select key, sum(value)::integer as value from churn.main.readings group by key"
        add_dynamic_table(self.connection, "points", query, ("key",))
        refresh(self.connection)
        self.execute(
            f"insert into {SCHEMA}.streams (name, source) values ('points_stream', 'points')"
        )
        place_stream(self.connection, "points_stream")

    def execute(self, statement: str) -> list[tuple]:
        return self.connection.execute(statement).fetchall()

    def reopen(self) -> None:
        self.connection.close()
        self.connection = connect()

    @property
    def stream(self) -> Stream:
        return streams(self.connection)["points_stream"]

    def state(self) -> dict[str, int]:
        return dict(self.execute("select key, value from points"))

    def shown(self) -> list[tuple]:
        """Return what the stream shows to anyone who looks."""
        return self.execute(CHANGES)

    def consume(self, *, is_to_fail: bool = False) -> list[tuple]:
        """Take the changes in a transaction, as a task does; it may break off at its end."""

        def work(open_):
            stream = streams(open_)["points_stream"]
            snapshot, _ = hand_out(open_, stream)
            found = open_.execute(CHANGES).fetchall()
            move_offset(open_, stream, snapshot)
            if is_to_fail:
                raise RuntimeError("the task failed")
            return found

        return transact(self.connection, work)


@pytest.fixture
def points(shared_pipeline, tmp_path, monkeypatch):
    shutil.copytree(shared_pipeline.path, tmp_path / "home")
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
    opened = Points()
    yield opened
    opened.close()


keys, values = st.sampled_from(KEYS), st.integers(1, 3)
happenings = st.one_of(
    st.builds("insert into readings values ('{}', {})".format, keys, values),
    st.builds("update readings set value = {} where key = '{}'".format, values, keys),
    st.builds("delete from readings where key = '{}'".format, keys),
    st.sampled_from(["refresh", "refresh", "look", "consume", "consume, but fail", "reopen"]),
)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(happenings, min_size=5, max_size=25))
def test_the_net_change_of_every_row_is_handed_out_once(points, history):
    points.consume()
    taken = points.state()
    for happening in [*history, "refresh", "look", "consume", "look"]:
        expected = net_changes(taken, points.state())
        if happening == "refresh":
            refresh(points.connection)
        elif happening == "reopen":
            points.reopen()
        elif happening == "look":
            assert points.shown() == expected
            assert points.has_data(points.stream) == bool(expected)
        elif happening == "consume":
            assert points.consume() == expected
            taken = points.state()
        elif happening == "consume, but fail":
            with pytest.raises(RuntimeError):
                points.consume(is_to_fail=True)
        else:
            points.execute(happening)
    assert points.shown() == []


def test_what_is_shown_outlives_snapshots_that_were_forgotten(points, monkeypatch):
    monkeypatch.setattr(maintenance, "SNAPSHOT_AGE", "0 s")
    monkeypatch.setattr(maintenance, "FILE_AGE", "0 s")
    monkeypatch.setattr(compaction, "FLUSHED_ROWS", 1)
    for number in range(4):
        points.execute(f"insert into readings values ('a', {number + 1}), ('b', 1)")
        refresh(points.connection)
        if number < 3:
            points.consume()
    expected = [
        ("a", 6, "DELETE", True),
        ("a", 10, "INSERT", True),
        ("b", 3, "DELETE", True),
        ("b", 4, "INSERT", True),
    ]
    assert maintenance.maintain().counts["snapshots expired"] > 0
    assert points.shown() == expected
    assert points.consume() == expected
    assert maintenance.maintain().errors == {}
    assert points.shown() == []
    points.execute("insert into readings values ('c', 2)")
    refresh(points.connection)
    assert points.shown() == [("c", 2, "INSERT", False)]


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
        "update readings set value = 2 where key = 'a'",
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
    refresh(points.connection)
    attempts = []
    with connect() as other:  # it writes as dbt does, without waiting for its turn

        def work(open_):
            stream = streams(open_)["points_stream"]
            snapshot, _ = hand_out(open_, stream)
            if not attempts:
                other.execute("update points set value = 2 where key = 'a'")
                other.execute("insert into points values ('b', 2)")
            attempts.append(snapshot)
            open_.execute(f"insert into received {CHANGES}")
            move_offset(open_, stream, snapshot)

        transact(points.connection, work)
        transact(points.connection, work)
    sums = """
        select key, value, sum(case "METADATA$ACTION" when 'INSERT' then 1 else -1 end) as times
        from received group by key, value having times <> 0
    """
    # Whether the task lost the race and began again or not: what it received adds up to the table.
    assert sorted(points.execute(sums)) == [("a", 2, 1), ("b", 2, 1)]
    assert points.shown() == []


def test_both_images_of_an_update_have_one_row_id(points):
    points.execute("insert into readings values ('a', 1), ('b', 1)")
    refresh(points.connection)
    points.consume()
    points.execute("update readings set value = 2")
    refresh(points.connection)
    ids = 'select key, count(*), count(distinct "METADATA$ROW_ID") from points_stream group by key'
    assert sorted(points.execute(ids)) == [("a", 2, 1), ("b", 2, 1)]

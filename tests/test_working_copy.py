"""A table's copy in memory is what the table is, whatever maintenance has done to its files."""

import pytest

from embedded.changes import current_snapshot
from embedded.database import connect
from embedded.maintenance import maintain
from embedded.registry import create_registry
from embedded.working_copy import WorkingCopy


@pytest.fixture
def connection(tmp_path, monkeypatch):
    monkeypatch.setenv("CHURN_LAKE", str(tmp_path / "lake"))
    with connect(None) as connection:
        create_registry(connection)
        yield connection


def test_rows_that_come_after_files_were_rewritten_are_added_once(connection):
    """The change feed shows all rows of such files as taken out and put in again."""
    execute = connection.execute
    execute("create table things (id bigint)")
    execute("insert into things from range(5000)")
    execute("delete from things where id < 4000")
    copy = WorkingCopy(connection, "working")
    assert copy.add("things", current_snapshot(connection))
    assert maintain().counts["files rewritten without deleted rows"] > 0
    execute("insert into things from range(5000, 5010)")
    now = current_snapshot(connection)
    copy.bring_up(copy.changes(now), now)
    query = "select count(*), count(distinct id) from {}"
    assert execute(query.format(copy.named("things"))).fetchall() == [(1010, 1010)]
    assert execute(query.format("things")).fetchall() == [(1010, 1010)]

"""A table's copy in memory is what the table is, whatever has been done to its rows and files."""

# ruff: noqa: F401, F811 - fixtures are imported by name

import random

from embedded.maintenance import maintain
from embedded.working_copy import WorkingCopy

from embedded import compaction
from embedded.engine.changes import current_snapshot
from tests.maintenance_fixtures import connection


def test_the_copy_follows_rows_that_come_and_go_and_files_that_are_rewritten(
    connection, monkeypatch
):
    """In between, the change feed shows rows that were moved as taken out and put in again."""
    monkeypatch.setattr(compaction, "FLUSHED_ROWS", 100)
    monkeypatch.setattr(compaction, "SMALL_FILES", 2)
    chance, added, rewritten = random.Random(1), 0, 0
    copy = WorkingCopy(connection, "working")
    assert copy.add("unread", current_snapshot(connection))
    for _ in range(15):
        for what in chance.choices(["add", "few", "some", "most", "maintain"], k=3):
            if what == "add":
                count = chance.choice([5, 50, 500, 2000])
                connection.execute(
                    f"insert into unread select *, 0 from range({added}, {added + count})"
                )
                added += count
            elif what == "maintain":
                done = maintain()
                assert done.errors == {}
                rewritten += done.counts["files rewritten without deleted rows"]
            else:
                share = {"few": "id % 97 = 5", "some": "id % 3 = 1", "most": "id % 10 <> 7"}[what]
                connection.execute(f"delete from unread where {share} and id < {added}")
        now = current_snapshot(connection)
        copy.bring_up(copy.changes(now), now)
        rows = [
            connection.execute(f"from {table} order by id").fetchall()
            for table in ("unread", copy.named("unread"))
        ]
        assert rows[0] == rows[1]
    assert rewritten > 5

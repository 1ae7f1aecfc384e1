"""Maintenance leaves what is still to be read of the change feed as it was."""

# ruff: noqa: F401, F811 - fixtures are imported by name

import threading
from collections import Counter

import pytest
from embedded.database import connect
from embedded.inlined_rows import inlined_deletions
from embedded.maintenance import COMPACTION, maintain
from embedded.registry import streams
from embedded.streams import changes_until, net_changes, place_stream, source_of

from embedded import compaction, maintenance
from tests.maintenance_fixtures import Writer, connection, eager, feed, files, snapshots


def deleted_rows(connection) -> int:
    """Count the rows that are deleted from the files of `items`."""
    query = """
        select coalesce(sum(delete_count), 0)
        from __ducklake_metadata_lake.ducklake_delete_file as files
        inner join __ducklake_metadata_lake.ducklake_table as tables using (table_id)
        where files.end_snapshot is null and table_name = 'items'
    """
    return connection.execute(query).fetchone()[0]


class Reader:
    """Reads the changes of `items` through the stream, as a task does, and those of `raw`, as a
    refresh does; it knows what they are.
    """

    def __init__(self, connection, writer: Writer):
        self.connection, self.writer = connection, writer
        self.read()

    def read(self) -> None:
        self.seen, self.seen_raw = dict(self.writer.items), self.writer.raw
        now = snapshots(self.connection)[-1]
        self.connection.execute("update embedded.streams set offset_snapshot = ?", [now])
        self.connection.execute("update embedded.refresh_states set refreshed_to = ?", [now])

    def expected(self) -> list[tuple]:
        before, after = set(self.seen.items()), set(self.writer.items.items())
        return sorted(
            [(*row, "DELETE") for row in before - after]
            + [(*row, "INSERT") for row in after - before]
        )

    def handed_out(self) -> list[tuple]:
        """As a task's transaction reads them."""
        stream = streams(self.connection)["changes"]
        until = changes_until(self.connection, stream, snapshots(self.connection)[-1])
        changes = net_changes(source_of(self.connection, stream), until)
        return self._rows(f"({changes})")

    def added_to_raw(self) -> list[int]:
        offset = streams(self.connection)["changes"].offset_snapshot
        changes = feed(self.connection, "raw", offset, snapshots(self.connection)[-1])
        return sorted(row[-1] for row in changes.elements())

    def looked_at(self) -> list[tuple]:
        """As anyone may read them."""
        return self._rows("lake.main.changes")

    def _rows(self, changes: str) -> list[tuple]:
        query = f'select id, value, "METADATA$ACTION" from {changes} order by all'
        return self.connection.execute(query).fetchall()


def added(changes: list[tuple]) -> list[tuple]:
    return [one for one in changes if one[-1] == "INSERT"]


# With 20, a row is deleted whose file was rewritten since the stream was read.
@pytest.mark.parametrize("seed", [1, 20])
def test_every_part_leaves_what_a_stream_still_has_to_hand_out(connection, eager, seed):
    writer, done = Writer(connection, seed), Counter()
    place_stream(connection, "changes")
    reader = Reader(connection, writer)

    def is_as_before(_: float) -> bool:
        assert reader.handed_out() == waiting
        assert reader.added_to_raw() == list(range(reader.seen_raw, writer.raw))
        return False

    for _ in range(7):
        for _ in range(writer.random.randrange(1, 8)):
            writer.write()
        if writer.random.random() < 0.5:
            reader.read()
        waiting = reader.expected()
        maintained = maintain(is_as_before)  # after each part
        assert maintained.errors == {}
        done.update(maintained.counts)
        looked_at = reader.looked_at()
        assert added(looked_at) == added(waiting)
        assert set(looked_at) <= set(waiting)
        assert dict(connection.execute("from items").fetchall()) == writer.items
        query = "select count(*), count(distinct id) from raw"
        assert connection.execute(query).fetchall() == [(writer.raw, writer.raw)]
        assert min(snapshots(connection)) <= streams(connection)["changes"].offset_snapshot
    for what in ("inlined rows written into files", "files rewritten without deleted rows",
                 "small files merged", "snapshots expired", "unneeded files deleted"):  # fmt: skip
        assert done[what] > 0, what


def test_who_reads_an_earlier_snapshot_reads_it_as_it_was(connection, eager, monkeypatch):
    """A reader's transaction may be older than what compaction has done since."""
    monkeypatch.setattr(maintenance, "SNAPSHOT_AGE", "1 hour")
    monkeypatch.setattr(maintenance, "FILE_AGE", "1 hour")
    monkeypatch.setattr(compaction, "FLUSHED_ROWS", 300)
    writer, then = Writer(connection, 1), {}
    reader = Reader(connection, writer)
    rewritten = 0
    for _ in range(10):
        for _ in range(4):
            writer.write()
            then[snapshots(connection)[-1]] = dict(writer.items)
        reader.read()
        rewritten += maintain().counts["files rewritten without deleted rows"]
        for snapshot, items in then.items():
            query = f"from items at (version => {snapshot})"
            assert dict(connection.execute(query).fetchall()) == items
    assert rewritten > 5


def test_a_table_is_not_rewritten_before_its_changes_are_read(connection, eager):
    def read_all() -> None:
        now = snapshots(connection)[-1]
        connection.execute("update embedded.streams set offset_snapshot = ?", [now])

    connection.execute("insert into items select id, id from range(5000) as new (id)")
    read_all()
    connection.execute("delete from items where id < 4000")
    assert "items left until all changes are read" in maintain().in_words()
    assert deleted_rows(connection) == 4000
    read_all()
    done = maintain()
    assert (done.errors, done.unread) == ({}, [])
    assert deleted_rows(connection) == 0


def test_a_reader_that_is_about_to_read_is_waited_for(connection, eager, monkeypatch):
    monkeypatch.setattr(maintenance, "UNREAD_SECONDS", 30)
    connection.execute("insert into items select id, id from range(5000) as new (id)")
    connection.execute("delete from items where id < 4000")

    def read() -> None:
        with connect(None) as own:
            now = snapshots(own)[-1]
            own.execute("update embedded.streams set offset_snapshot = ?", [now])

    threading.Timer(1, read).start()
    done = maintain(steps=COMPACTION)
    assert (done.errors, done.unread) == ({}, [])
    assert deleted_rows(connection) == 0


def test_deletions_from_files_do_not_pile_up_in_the_catalog(connection, eager):
    """Every scan of a table reads all of them."""

    def held() -> int:
        query = "select table_id from ducklake_table_info('lake') where table_name = 'items'"
        [number] = connection.execute(query).fetchone()
        return inlined_deletions(connection, number)

    connection.execute("insert into items select id, id from range(5000) as new (id)")
    start = snapshots(connection)[-1]
    connection.execute("delete from items where id < 90")
    end = snapshots(connection)[-1]
    changes = feed(connection, "items", start, end)
    assert held() == sum(changes.values()) == 90
    assert maintain().errors == {}
    assert held() == 0
    assert feed(connection, "items", start, end) == changes
    assert connection.execute("select count(*), min(id) from items").fetchall() == [(4_910, 90)]


def test_values_that_are_gone_stay_themselves_in_the_change_feed(connection, eager):
    """The optimizer knows the least and greatest of what is left, and packs values by these."""
    for value in range(1, 5):
        connection.execute("begin")
        connection.execute("delete from items")
        connection.execute("insert into items values (1, ?), (2, ?)", [value, value * 3])
        connection.execute("commit")
    end = snapshots(connection)[-1]
    query = f"""
        select id, value, count(*) from ducklake_table_changes('lake', 'main', 'items', 0, {end})
        group by id, value order by id, value
    """
    expected = connection.execute(query).fetchall()
    connection.execute("update embedded.streams set offset_snapshot = 0")
    done = maintain()
    assert done.errors == {}
    assert done.counts["files rewritten without deleted rows"] > 0
    assert connection.execute(query).fetchall() == expected
    assert [row[1] for row in expected] == [1, 2, 3, 4, 3, 6, 9, 12]


@pytest.mark.parametrize("holder", ["streams", "refresh_states"])
def test_no_snapshot_is_expired_that_a_stream_or_a_dynamic_table_still_needs(
    connection, eager, holder
):
    for number in range(6):
        connection.execute("insert into raw values (?)", [number])
    offset, until = snapshots(connection)[-4], snapshots(connection)[-1]
    connection.execute("update embedded.streams set offset_snapshot = ?", [until])
    connection.execute("update embedded.refresh_states set refreshed_to = ?", [until])
    column = "offset_snapshot" if holder == "streams" else "refreshed_to"
    connection.execute(f"update embedded.{holder} set {column} = ?", [offset])
    expected = feed(connection, "raw", offset, until)
    assert len(expected) == 3
    assert maintain().counts["snapshots expired"] > 0
    assert min(snapshots(connection)) == offset
    assert feed(connection, "raw", offset, until) == expected


def test_rows_updated_in_place_stay_in_the_catalog_while_their_changes_are_read(connection, eager):
    for table in ("items", "unread"):
        connection.execute(f"insert into {table} values (1, 0)")
        start = snapshots(connection)[-1]
        for value in range(1, 4):
            connection.execute(f"update {table} set value = {value}")
    until = snapshots(connection)[-1]
    connection.execute("update embedded.streams set offset_snapshot = ?", [start - 4])
    expected = feed(connection, "items", start - 4, until)
    assert expected
    assert maintain().counts["inlined rows written into files"] > 0
    assert feed(connection, "items", start - 4, until) == expected
    folders = {file.parent.name for file in files()}
    assert "unread" in folders
    assert "items" not in folders


def test_a_flush_is_no_change_of_rows(connection, eager):
    Writer(connection, 3).write()
    changes = "select count(*) from embedded.row_changes where table_name = 'items'"
    before = connection.execute(changes).fetchone()
    connection.execute("update embedded.refresh_states set refreshed_to = 0")
    assert maintain().counts["inlined rows written into files"] > 0
    assert connection.execute(changes).fetchone() == before

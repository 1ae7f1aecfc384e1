"""Maintenance leaves the change feed, the rows and whoever reads as they were, and files few."""

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from embedded import compaction, maintenance
from embedded.database import LARGE, attach_for_large_rows, connect, transact
from embedded.inlined_rows import inlined_deletions
from embedded.maintenance import STEPS, maintain
from embedded.refresh import refresh
from embedded.registry import create_registry, streams
from embedded.streams import changes_until, net_changes, place_stream, source_of
from tests.conftest import EPOCH, Lake, event, run_module
from tests.dbt import PROJECT
from tests.test_metrics import assert_metrics_are_right

ALWAYS = "0 seconds"


@pytest.fixture
def connection(tmp_path, monkeypatch):
    """An empty lake in which `items` counts as a dynamic table that reads `raw`."""
    monkeypatch.setenv("CHURN_LAKE", str(tmp_path / "lake"))
    with connect(None) as connection:
        create_registry(connection)
        connection.execute("create table raw (id bigint)")
        connection.execute("create table items (id bigint, value bigint)")
        connection.execute("create table unread (id bigint, value bigint)")
        connection.execute(
            "insert into embedded.dynamic_tables (name, query, refresh_key, target_lag, reads)"
            """ values ('items', 'from raw', '["id"]', '1 minute', '["raw"]')"""
        )
        connection.execute(
            "insert into embedded.refresh_states (name, refreshed_to, version)"
            " values ('items', 0, 0)"
        )
        connection.execute("insert into embedded.streams values ('changes', 'items', 0)")
        yield connection


@pytest.fixture
def eager(monkeypatch):
    """Maintain whatever there is, at once."""
    monkeypatch.setattr(maintenance, "SNAPSHOT_AGE", ALWAYS)
    monkeypatch.setattr(maintenance, "FILE_AGE", ALWAYS)
    monkeypatch.setattr(compaction, "FLUSHED_ROWS", 1)
    monkeypatch.setattr(compaction, "SMALL_FILES", 2)


def files() -> list[Path]:
    return list(Path(os.environ["CHURN_LAKE"], "data").rglob("*.parquet"))


def snapshots(connection) -> list[int]:
    return [
        row[0] for row in connection.execute("select snapshot_id from lake.snapshots()").fetchall()
    ]


def deleted_rows(connection) -> int:
    """Count the rows that are deleted from the files of `items`."""
    query = """
        select coalesce(sum(delete_count), 0)
        from __ducklake_metadata_lake.ducklake_delete_file as files
        inner join __ducklake_metadata_lake.ducklake_table as tables using (table_id)
        where files.end_snapshot is null and table_name = 'items'
    """
    return connection.execute(query).fetchone()[0]


def feed(connection, table: str, after: int, until: int) -> Counter:
    return Counter(
        connection.execute(
            f"from ducklake_table_changes('lake', 'main', '{table}', {after + 1}, {until})"
        ).fetchall()
    )


class Writer:
    """Writes as refreshes do: delete keys, insert rows; few at a time inline, many into files."""

    def __init__(self, connection, seed: int):
        self.connection, self.random = connection, random.Random(seed)
        self.items: dict[int, int] = {}
        self.raw = 0

    def write(self) -> None:
        count = self.random.choice([3, 20, 200, 1200])
        keys = self.random.sample(range(3000), count)
        gone = set(self.random.sample(keys, count // 4))
        rows = [(key, self.random.randrange(10**6)) for key in keys if key not in gone]
        execute = self.connection.execute
        execute("begin")
        execute("create or replace temp table keys as select unnest(?::bigint[]) as id", [keys])
        execute("delete from items using temp.main.keys where items.id = keys.id")
        execute(
            "insert into items select unnest(?::bigint[]), unnest(?::bigint[])",
            [[key for key, _ in rows], [value for _, value in rows]],
        )
        execute("insert into raw select * from range(?, ?)", [self.raw, self.raw + count])
        execute("update embedded.refresh_states set version = version + 1")
        execute("commit")
        self.raw += count
        for key in gone:
            self.items.pop(key, None)
        self.items.update(rows)


class Reader:
    """Reads the changes of `items` through the stream, as a task does, and knows what they are."""

    def __init__(self, connection, writer: Writer):
        self.connection, self.writer, self.seen = connection, writer, {}
        self.read()

    def read(self) -> None:
        self.seen = dict(self.writer.items)
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

    def looked_at(self) -> list[tuple]:
        """As anyone may read them."""
        return self._rows("lake.main.changes")

    def _rows(self, changes: str) -> list[tuple]:
        query = f'select id, value, "METADATA$ACTION" from {changes} order by all'
        return self.connection.execute(query).fetchall()


def added(changes: list[tuple]) -> list[tuple]:
    return [one for one in changes if one[-1] == "INSERT"]


@pytest.mark.parametrize("seed", range(2))
def test_every_part_leaves_what_a_stream_still_has_to_hand_out(connection, eager, seed):
    writer, done = Writer(connection, seed), Counter()
    place_stream(connection, "changes")
    reader = Reader(connection, writer)

    def is_as_before(_: float) -> bool:
        assert reader.handed_out() == waiting
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
    assert "1 table left until the changes are read" in maintain().in_words()
    assert deleted_rows(connection) == 4000
    read_all()
    done = maintain()
    assert (done.errors, done.unread) == ({}, 0)
    assert deleted_rows(connection) == 0


def test_files_and_snapshots_stay_few(connection, eager):
    writer = Writer(connection, 1)
    attach_for_large_rows(connection)
    counts = []
    for _ in range(3):
        for number in range(10):
            writer.write()
            connection.execute(f"insert into {LARGE}.main.unread values ({number}, 1)")
        now = snapshots(connection)[-1]
        connection.execute("update embedded.streams set offset_snapshot = ?", [now])
        connection.execute("update embedded.refresh_states set refreshed_to = ?", [now])
        before = len(files())
        assert maintain().errors == {}
        maintain()  # what the first one has replaced goes with the second at the latest
        assert len(files()) < before
        counts.append((len(files()), len(snapshots(connection))))
    assert len([file for file in files() if file.parent.name == "unread"]) == 1
    assert max(count for count, _ in counts) <= 2 * counts[0][0]
    assert max(count for _, count in counts) < 25


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


def test_young_snapshots_and_files_are_kept(connection, monkeypatch):
    monkeypatch.setattr(compaction, "FLUSHED_ROWS", 1)
    writer = Writer(connection, 1)
    for _ in range(10):
        writer.write()
    connection.execute("update embedded.streams set offset_snapshot = null")
    connection.execute("update embedded.refresh_states set refreshed_to = null")
    before = set(snapshots(connection)), set(files())
    done = maintain()
    assert done.errors == {}
    assert done.counts["files rewritten without deleted rows"] > 0
    assert before[0] <= set(snapshots(connection))
    assert before[1] <= set(files())


def test_a_reader_in_another_process_ends_its_transaction_in_peace(connection, eager, monkeypatch):
    monkeypatch.setattr(maintenance, "FILE_AGE", "1 hour")
    writer = Writer(connection, 2)
    for _ in range(10):
        writer.write()
    question = "select count(*), sum(value) from items"
    expected = str(connection.execute(question).fetchone())
    code = f"""
import sys
from embedded.database import connect
with connect(None) as connection:
    connection.execute("begin")
    connection.execute("select id from lake.current_snapshot()").fetchone()
    if sys.argv[1] == "early":
        connection.execute({question!r}).fetchone()
    print("open", flush=True)
    sys.stdin.readline()
    print(connection.execute({question!r}).fetchone(), flush=True)
"""
    readers = [
        subprocess.Popen([sys.executable, "-c", code, how], cwd=PROJECT, text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for how in ("early", "late")
    ]  # fmt: skip
    for reader in readers:
        assert reader.stdout.readline() == "open\n"
    for _ in range(5):
        writer.write()
    now = snapshots(connection)[-1]
    connection.execute("update embedded.streams set offset_snapshot = ?", [now])
    connection.execute("update embedded.refresh_states set refreshed_to = ?", [now])
    done = maintain()
    assert done.errors == {}
    assert done.counts["snapshots expired"] > 0
    for reader in readers:
        assert reader.communicate("go\n", timeout=60)[0] == expected + "\n"


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


@pytest.mark.parametrize("is_relative", [False, True])
def test_files_that_a_killed_writer_left_are_deleted_once_they_are_old(
    connection, tmp_path, monkeypatch, is_relative
):
    connection.execute("insert into items select *, 1 from range(5000)")
    connection.execute("insert into raw select * from range(5000)")
    (kept,) = (file for file in files() if file.parent.name == "items")
    young, old = kept.with_name("young.parquet"), kept.with_name("old.parquet")
    for file in (young, old):
        file.write_bytes(kept.read_bytes())
    for file in (old, *files()):
        if file != young:
            os.utime(file, (0, 0))
    if is_relative:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("CHURN_LAKE", "lake")
    done = maintain()
    assert done.errors == {}
    assert done.counts["orphaned files deleted"] == 1
    assert not old.exists()
    assert young.exists()
    assert connection.execute("select count(*) from items").fetchone() == (5000,)


def test_notes_are_kept_for_seven_days(connection):
    execute = connection.execute
    for days in (6, 8):
        moment = f"now()::timestamp - interval '{days} days'"
        execute(f"insert into embedded.refresh_history values ('{days}', '', 0, 0, {moment}, 0)")
        execute(f"insert into embedded.refresh_lags values ('{days}', {moment}, 0)")
        execute(f"insert into embedded.task_history values ('{days}', '', '', null, {moment}, 0)")
    assert maintain().counts["old notes deleted"] == 3
    for table in ("refresh_history", "refresh_lags", "task_history"):
        assert execute(f"select name from embedded.{table}").fetchall() == [("6",)]


def test_a_step_that_fails_is_reported_and_stops_no_other(connection, eager):
    for number in range(3):
        connection.execute(f"insert into items select *, {number} from range(2000)")
        connection.execute(f"insert into unread select *, {number} from range(2000)")
    next(file for file in files() if file.parent.name == "items").unlink()
    done = maintain()
    assert list(done.errors) == ["small files merged"]
    assert "\n" not in done.in_words()
    assert "failed: small files merged: " in done.in_words()
    assert done.counts["snapshots expired"] == 0
    assert set(done.counts) == set(STEPS)


def test_others_have_their_turn_between_two_parts(connection, eager):
    for table in ("items", "unread"):
        connection.execute(f"insert into {table} select id, id from range(500) as new (id)")
        connection.execute(f"delete from {table} where id < 400")
    pauses = []

    def write_meanwhile(seconds: float) -> bool:
        pauses.append(seconds)
        transact(connection, lambda open_: open_.execute("insert into raw values (1)"))
        return False

    done = maintain(write_meanwhile)
    assert done.errors == {}
    assert len(pauses) > len(STEPS)
    assert connection.execute("select count(*) from raw").fetchone() == (len(pauses),)
    before = len(pauses)
    assert maintain(lambda seconds: pauses.append(seconds) is None).errors == {}
    assert len(pauses) == before + 1  # it was told to stop after the first part


def test_the_command_says_in_one_line_what_it_did(connection, tmp_path, monkeypatch):
    done = run_module("embedded", "maintain")
    assert (done.returncode, done.stdout) == (0, "maintenance: nothing to do\n")
    connection.execute(
        "insert into embedded.refresh_lags values ('old', timestamp '2020-01-01', 1)"
    )
    assert run_module("embedded", "maintain").stdout == "maintenance: 1 old notes deleted\n"
    monkeypatch.setenv("CHURN_LAKE", str(tmp_path / "none"))
    done = run_module("embedded", "maintain")
    assert done.returncode == 1
    assert done.stderr.startswith("there is no lake at ")
    assert not (tmp_path / "none").exists()


def test_the_pipeline_goes_on_after_maintenance(shared_lake, eager):
    lake: Lake = shared_lake
    kinds = ["login", "purchase", "ticket_opened", "profile_updated"]
    choose = random.Random(5)
    for cycle in range(3):
        for batch in range(8):
            lake.add(
                *(
                    event(f"{cycle}-{batch}-{n}", f"c{choose.randrange(20)}", choose.choice(kinds),
                          EPOCH.replace(day=choose.randrange(1, 28)))
                    for n in range(15)
                )
            )  # fmt: skip
            if batch % 3:
                refresh(lake.connection)
        done = maintain()
        assert done.errors == {}
        assert done.counts["inlined rows written into files"] > 0
        refresh(lake.connection)
        assert_metrics_are_right(lake)
    assert len(snapshots(lake.connection)) < 60

"""Maintenance keeps files and snapshots few, and leaves whoever reads in peace."""

# ruff: noqa: F401, F811 - fixtures are imported by name

import os
import random
import subprocess
import sys

import pytest
from embedded.database import LARGE, attach_for_large_rows, transact
from embedded.maintenance import STEPS, maintain
from embedded.refresh import refresh

from embedded import compaction, maintenance
from tests.conftest import EPOCH, Lake, event, run_module
from tests.dbt import PROJECT
from tests.maintenance_fixtures import Writer, connection, eager, files, snapshots
from tests.test_metrics import assert_metrics_are_right


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

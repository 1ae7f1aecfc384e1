"""Who writes the lake when: one after the other, and a model of dbt alone."""

import threading
import time
from contextlib import contextmanager
from datetime import timedelta

from embedded.database import connect, transact
from embedded.turns import Turn, turn

from embedded import turns
from tests.conftest import EPOCH, event
from tests.dbt import run_dbt


@contextmanager
def meanwhile(work, *arguments):
    """Do `work` in a thread while the context is open, which must wait for the thread itself."""
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    yield thread
    thread.join(30)
    assert not thread.is_alive()


def write_at(path, times: list[float]) -> None:
    with turn(path):
        times.append(time.monotonic())


def test_a_writer_waits_until_the_model_is_committed(tmp_path):
    model, times = Turn(tmp_path), []
    model.take()
    with meanwhile(write_at, tmp_path, times) as writer:
        writer.join(0.3)
        assert times == []
        model.end()
    assert len(times) == 1


def test_a_model_that_failed_gives_its_turn_to_the_next_one(tmp_path):
    model, times = Turn(tmp_path), []
    model.take()
    model.take()
    model.end()
    write_at(tmp_path, times)
    assert len(times) == 1
    model.end()


def test_whoever_was_stopped_in_its_turn_does_not_stop_the_others_for_good(tmp_path, monkeypatch):
    monkeypatch.setattr(turns, "_LONGEST_TURN_SECONDS", 0.1)
    times = []
    with turn(tmp_path), meanwhile(write_at, tmp_path, times):
        pass
    assert len(times) == 1


def test_a_lake_that_another_writer_never_leaves_alone_is_built(empty_lake):
    """dbt cannot run a transaction again, and would lose against short ones again and again."""
    empty_lake.add(
        *(
            event(f"{customer}-{day}", f"c{customer}", "purchase", EPOCH + timedelta(days=day))
            for customer in range(20)
            for day in range(60)
        )
    )
    is_over, count = threading.Event(), 0

    def write() -> None:
        nonlocal count
        with connect() as connection:
            while not is_over.is_set():
                transact(connection, lambda open_: open_.execute("insert into mine values (1)"))
                count += 1
                time.sleep(0.01)

    empty_lake.rows("create table mine (number integer)")
    with meanwhile(write):
        done = run_dbt("run", "-s", "raw", "training_snapshots", check=False)
        is_over.set()
    assert done.returncode == 0, done.stdout
    assert empty_lake.one("select count(*) from mine") == count > 20

"""Processes that ask for a database file, have it, and are killed."""

import os
import threading
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from embedded.engine.scheduler import run
from embedded.engine.storage import Database, database
from runtime.errors import UserError
from tests.conftest import EPOCH, Pipeline, event
from tests.ingest_fixtures import wait_until
from tests.soak.forks import Fork

# -- what other processes do -----------------------------------------------------------------------


def hold(home: Path, release: Path) -> None:
    """Have the file, with one row that is committed and one that is not, until told."""
    with Database(home).session() as opened:
        execute = opened.cursor().execute
        execute("insert into notes values ('committed')")
        execute("begin transaction")
        execute("insert into notes values ('under way')")
        release.with_suffix(".holds").touch()
        wait_until(release.exists, 60)
        execute("rollback")


def count_on(home: Path, times: int) -> None:
    """Count on in sessions of our own: what another one has counted must not get lost."""
    for _ in range(times):
        with database(home).session() as opened, opened.writer_lock:
            opened.cursor().execute("update counts set number = number + 1")


def ask(home: Path, patience: float | None) -> None:
    """Say what the file answers, or the one line on why it does not."""
    try:
        with database(home).session(patience) as opened:
            print(opened.cursor().execute("select count(*) from notes").fetchall()[0][0])
    except UserError as error:
        print(error)
        raise SystemExit(1) from None


def ask_as_nobody(home: Path) -> None:
    if os.getuid() == 0:  # whom no permission holds back
        os.setuid(65534)
    ask(home, 5)


def add_event(home: Path) -> None:
    pipeline = Pipeline(home)
    pipeline.add(event("theirs", "b", "login", EPOCH))
    pipeline.close()


def open_by_itself(home: Path, release: Path) -> None:
    """Open the file as another program does, which knows nothing of locks next to it."""
    with duckdb.connect(str(home / "churn.duckdb")):
        release.with_suffix(".holds").touch()
        wait_until(release.exists, 60)


# -- the hand-over ---------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with two small tables."""
    path = tmp_path / "home"
    monkeypatch.setenv("CHURN_HOME", str(path))
    mine = database(path)
    with mine.session() as opened:
        opened.cursor().execute("create table notes (note varchar)")
        opened.cursor().execute("create table counts as select 0 as number")
    yield path
    mine.close()


@contextmanager
def another(work, home: Path, release: Path):
    """Have a process that holds the file until `release` is there."""
    holds = release.with_suffix(".holds")
    fork = Fork(release.with_suffix(".log"), work, home, release)
    try:
        wait_until(lambda: holds.exists() or not fork.is_alive, 30)
        assert fork.is_alive, fork.said()
        yield fork
    finally:
        release.touch()
        fork.wait(30)
        fork.kill()


def notes(home: Path) -> list[str]:
    return [note for (note,) in database(home).rows("from notes order by all")]


@contextmanager
def scheduler_of(pipeline):
    stop, lines = threading.Event(), []
    arguments = (pipeline.database, stop, lines.append)
    thread = threading.Thread(target=run, args=arguments, daemon=True)
    thread.start()
    try:
        yield lines
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()

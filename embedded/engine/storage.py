"""The database file of a folder: how this process opens it, shares it and hands it over.

One process owns the file at a time, by a lock of the operating system. Another one that needs it
asks by a second lock; the owner finishes what its threads are doing, closes the file and opens it
again when it is next needed. The locks of a process that is killed are free.
"""

import atexit
import json
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TypeVar

import duckdb
from filelock import FileLock, Timeout

from embedded.engine.home import (
    CATALOG,
    churn_home,
    database_file,
    explain,
    is_of_the_disk,
    make_home_private,
)
from embedded.engine.rewriting import rewrite_if_due
from runtime.errors import EngineError
from runtime.private_files import write_whole
from runtime.single_process import this_process, who_holds

LOOK_SECONDS = 0.05  # how often the owner looks whether somebody else needs the file
# Who waits longer says for whom.
SILENT_SECONDS = 1.0
# So long a process that ends may still have the file open after it has let go of its lock.
ENDING_SECONDS = 5.0
# A checkpoint inside a commit would hold up an alert: the scheduler makes them when nothing waits.
WAL_BYTES = "256MB"

Result = TypeVar("Result")
Connection = duckdb.DuckDBPyConnection

_log = logging.getLogger(__name__)


class NotAvailableError(EngineError):
    """Another process has the file, and did not give it back in the time that there was."""


class Opened:
    """The file while it is open; after a hand-over there is another one."""

    def __init__(self, root: Connection, home: Path) -> None:
        self.root, self.home = root, home
        # The parts that work on the file take turns where they write the same tables.
        self.writer_lock = threading.RLock()
        self.refresh_lock = threading.RLock()
        # What a task needs that is no table, such as the model that its statements score with.
        self.before_tasks: Callable[[Connection], None] = lambda _: None
        self._cursors: weakref.WeakSet[Connection] = weakref.WeakSet()

    def cursor(self) -> Connection:
        """Return a connection of its own to the open file, for one thread."""
        cursor = self.root.cursor()
        cursor.execute(f"use {CATALOG}.main")
        self._cursors.add(cursor)
        return cursor

    def close(self) -> None:
        """Close every connection, and with the last one the file; its log is written into it."""
        for cursor in [*self._cursors, self.root]:
            with suppress(duckdb.Error):
                cursor.close()


class Database:
    """The database file of one folder in this process, shared by its threads."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._state = threading.Condition()
        self._opening = threading.Lock()
        self._opened: Opened | None = None
        self._users = self._pins = 0
        self._watcher: threading.Thread | None = None
        self._is_wanted = False
        self._of_thread = threading.local()
        self._on_open: list[Callable[[Connection], None]] = []
        self._before_tasks: Callable[[Connection], None] | None = None
        self._owner = FileLock(home / "owner.lock", thread_local=False)
        self._request = FileLock(home / "request.lock", thread_local=False)

    @property
    def file(self) -> Path:
        """The database file."""
        return database_file(self.home)

    def equip(
        self, on_open: Callable[[Connection], None], before_tasks: Callable[[Connection], None]
    ) -> None:
        """Have `on_open` called on the first connection whenever the file is opened, and now.

        `before_tasks` is called within each task's transaction, before its statements.
        """
        # First without the lock: a thread that waits for the file holds it all the while.
        if on_open in self._on_open:
            return
        with self._opening:
            if on_open in self._on_open:
                return
            self._on_open.append(on_open)
            self._before_tasks = before_tasks
            if self._opened is not None:
                on_open(self._opened.root)
                self._opened.before_tasks = before_tasks

    @contextmanager
    def session(self, patience_seconds: float | None = None) -> Iterator[Opened]:
        """Have the file open while the context is: nobody else gets it before that ends.

        Waits for another process that has it, by default for as long as that takes; raises
        NotAvailableError after `patience_seconds`, and EngineError when the file cannot be used.
        """
        opened = self._enter(patience_seconds)
        try:
            yield opened
        finally:
            self._leave()

    def rows(self, query: str, *values: object) -> list[tuple]:
        """Return the rows of a query in a session of its own."""
        with self.session() as opened:
            cursor = opened.cursor()
            try:
                return cursor.execute(query, list(values)).fetchall()
            finally:
                cursor.close()

    @contextmanager
    def pinned(self) -> Iterator[None]:
        """Keep the file in this process while the context is open; its threads go on using it."""
        with self.session(), self._state:
            self._pins += 1
        try:
            yield
        finally:
            with self._state:
                self._pins -= 1
                self._state.notify_all()

    def pin(self) -> None:
        """Keep the file until this process ends, unless it is pinned for a while already."""
        with self.session(), self._state:
            if not self._pins:
                self._pins = 1

    def close(self) -> None:
        """Close the file once nobody in this process uses it, for others to have it at once."""
        with self._state:
            self._state.wait_for(lambda: self._users == 0)
            self._close()

    # -- sessions -------------------------------------------------------------------------------

    def _enter(self, patience: float | None) -> Opened:
        deadline = None if patience is None else time.monotonic() + patience
        depth = getattr(self._of_thread, "depth", 0)
        while True:
            with self._state:
                # Who has the file already may ask for it again while somebody waits for it.
                if self._opened is not None and (depth or self._pins or not self._is_wanted):
                    self._users += 1
                    self._of_thread.depth = depth + 1
                    return self._opened
                if self._opened is not None and not self._state.wait(_until(deadline)):
                    raise self._not_available()
            self._open(deadline)

    def _leave(self) -> None:
        with self._state:
            self._users -= 1
            self._of_thread.depth -= 1
            self._state.notify_all()

    # -- opening and handing over ---------------------------------------------------------------

    def _open(self, deadline: float | None) -> None:
        if not self._opening.acquire(timeout=-1 if deadline is None else max(0, _until(deadline))):
            raise self._not_available()
        try:
            if self._opened is not None:
                return
            try:
                make_home_private(self.home)
                self._acquire(deadline)
            except OSError as error:
                raise EngineError(explain(error, self.home)) from error
            try:
                rewrite_if_due(self.home)
                opened = Opened(self._connect(), self.home)
                opened.before_tasks = self._before_tasks or opened.before_tasks
            except BaseException:
                self._owner.release()
                raise
            with self._state:
                self._opened, self._is_wanted = opened, False
                self._state.notify_all()
            self._watcher = threading.Thread(target=self._watch, args=(opened,), daemon=True)
            self._watcher.start()
        finally:
            self._opening.release()

    def _acquire(self, deadline: float | None) -> None:
        """Own the file: ask for it by one lock, in turn with others, then wait for the other."""
        began, has_said = time.monotonic(), False
        try:
            for lock in (self._request, self._owner):
                while True:
                    left = LOOK_SECONDS if deadline is None else min(LOOK_SECONDS, _until(deadline))
                    try:
                        lock.acquire(timeout=max(0.0, left), poll_interval=0.005)
                        break
                    except Timeout:
                        if deadline is not None and _until(deadline) <= 0:
                            raise self._not_available() from None
                    if not has_said and time.monotonic() - began > SILENT_SECONDS:
                        has_said = True
                        _log.warning("waiting for %s, which has %s", self._holder(), self.file)
        finally:
            self._request.release()
        with suppress(OSError):  # it only says who has the file
            write_whole(self.home / "owner.json", json.dumps(this_process()).encode())

    def _connect(self) -> Connection:
        root = None
        try:
            root = self._open_file()
            root.execute("set global timezone = 'UTC'")
            spill = str(self.home / "spill").replace("'", "''")
            root.execute(f"set temp_directory = '{spill}'")  # where there is room for the file
            # A missing table must be an error, never a Python variable that has its name.
            root.execute("set global python_enable_replacements = false")
            root.execute(f"set checkpoint_threshold = '{WAL_BYTES}'")
            if limit := threads():
                root.execute(f"set threads = {limit}")
            for hook in self._on_open:
                hook(root)
        except BaseException as error:
            if root is not None:
                root.close()
            if isinstance(error, duckdb.Error):
                raise EngineError(explain(error, self.home)) from error
            raise
        return root

    def _open_file(self) -> Connection:
        """Open the file; a process that has just ended may have it for a moment longer."""
        until = time.monotonic() + ENDING_SECONDS
        while True:
            try:
                return duckdb.connect(str(self.file))
            except duckdb.IOException as error:
                if "lock" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(LOOK_SECONDS)

    def _watch(self, opened: Opened) -> None:
        """Look whether another process asks for the file, and hand it over."""

        def can_go() -> bool:
            return self._is_wanted and not (self._users or self._pins)

        with self._state:
            while self._opened is opened:
                self._state.wait_for(lambda: self._opened is not opened or can_go(), LOOK_SECONDS)
                if self._opened is not opened:
                    return
                # The other process may give up meanwhile: then the threads here go on.
                self._is_wanted = self._is_asked_for()
                if can_go():
                    self._close()
                    return
                if not self._is_wanted:
                    self._state.notify_all()

    def _is_asked_for(self) -> bool:
        if self._opening.locked():
            return False
        try:
            self._request.acquire(timeout=0)
        except (Timeout, OSError):
            return True
        self._request.release()
        return False

    def _close(self) -> None:
        if self._opened is not None:
            opened, self._opened = self._opened, None
            opened.close()
            self._owner.release()
        self._is_wanted = False
        self._state.notify_all()

    def _holder(self) -> str:
        return who_holds(self.home / "owner.json")

    def _not_available(self) -> NotAvailableError:
        return NotAvailableError(f"{self._holder()} is using {self.file}: try again in a moment")


_databases: dict[Path, Database] = {}
_databases_lock = threading.Lock()


def database(home: Path | None = None) -> Database:
    """Return this process's database of a folder, by default of churn_home()."""
    path = (home or churn_home()).absolute()
    with _databases_lock:
        return _databases.setdefault(path, Database(path))


def existing_database(home: Path | None = None) -> Database:
    """Return the same; raises EngineError when nothing was built in that folder yet."""
    if not (file := database_file(home)).exists():
        raise EngineError(
            f"there is no database at {file}: run 'make demo' or 'dbt build' first, "
            "or set CHURN_HOME to its folder"
        )
    return database(home)


def transact(
    connection: Connection,
    work: Callable[[Connection], Result],
    lock: AbstractContextManager | None = None,
) -> Result:
    """Run `work` in one transaction, under a lock if one is given; all of it counts or nothing.

    Raises EngineError when the disk refuses, and whatever `work` itself raises.
    """
    with lock or nullcontext():
        try:
            connection.execute("begin transaction")
            try:
                result = work(connection)
                connection.execute("commit")
            except BaseException:
                with suppress(duckdb.Error):  # a failed commit has rolled back already
                    connection.execute("rollback")
                raise
        except (OSError, duckdb.Error) as error:
            if not is_of_the_disk(error):
                raise
            raise EngineError(explain(error)) from error
    return result


def threads() -> int | None:
    """Return how many processors may be used, as $CHURN_THREADS says; None for all."""
    text = os.environ.get("CHURN_THREADS")
    if text is None:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise EngineError(f"CHURN_THREADS must be a whole number of at least 1, not '{text}'")
    return int(text)


def _until(deadline: float | None) -> float | None:
    return None if deadline is None else deadline - time.monotonic()


@atexit.register
def _close_all() -> None:
    """Close every file before Python ends: a thread that is then inside DuckDB would abort it."""
    for one in list(_databases.values()):
        with one._state:
            one._close()
        if one._watcher is not None:
            one._watcher.join()


def _forget_in_child() -> None:
    """A forked process has none of the threads, and must not end what is its parent's."""
    global _databases, _databases_lock
    _of_the_parent.append(_databases)  # never closed: the parent does that
    for one in _databases.values():
        for lock in (one._owner, one._request):
            if lock.is_locked:
                os.close(lock._context.lock_file_fd)
                lock._context.lock_file_fd = None
    _databases, _databases_lock = {}, threading.Lock()


_of_the_parent: list[dict[Path, Database]] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)

"""Statements that one part of the engine runs again and again: planned once, by name.

DuckDB uses the plan of a prepared statement as long as no definition has changed since, be it that
of another table; after that it plans the statement for every run. So one is prepared again after
working tables were made, in the transaction that made them and after it. A plan that was made for
few rows is slow for many: it is also made anew when there are many more or fewer, and from time to
time, because the tables that it reads grow.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

import duckdb

from embedded.engine.storage import Opened, transact

_TIMES = 8  # so many times more or fewer rows are worth another plan
_LONGEST_SECONDS = 60  # that a plan is kept
_BY_STATISTICS = "statistics_propagation,compressed_materialization"
_planning = threading.Lock()  # what is set for it, is set for all connections

Result = TypeVar("Result")
_AS_OF = "getvariable('as_of')"


class _TriedError(Exception):
    """Rolls back what was only tried."""


class Statements:
    """A connection of its own to the open file, with its prepared statements and working tables."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.connection = opened.cursor()
        # For which size and after how many changes of definitions, and when.
        self._planned: dict[str, tuple[tuple[int, int], float]] = {}
        self._changes = 0
        self._made: dict[str, str] = {}
        self._known: dict[object, Any] = {}

    def forget(self) -> None:
        """Start anew, after a transaction was rolled back that may have made working tables."""
        with suppress(duckdb.Error):
            self.connection.close()
        self.connection = self.opened.cursor()
        self._planned, self._made, self._known = {}, {}, {}

    def known(self, key: object, look: Callable[[], Result]) -> Result:
        """Return what a look found the first time: what stays so until a definition changes."""
        if key not in self._known:
            self._known[key] = look()
        return self._known[key]

    def unlearn(self, *keys: object) -> None:
        """Look again for some things: their definition was changed."""
        for key in keys:
            self._known.pop(key, None)

    def transact(self, work: Callable[[], Result]) -> Result:
        """Run `work` in one transaction; all of it counts or nothing."""
        changes = self._changes
        try:
            result = transact(self.connection, lambda _: work())
            # What was prepared beside changes of definitions is out of date with their commit.
            self._changes += self._changes > changes
            return result
        except BaseException:
            self.forget()
            raise

    def attempt(self, work: Callable[[], object]) -> None:
        """Run `work` in a transaction that is rolled back; raises what goes wrong in it."""

        def tried() -> None:
            work()
            raise _TriedError

        with suppress(_TriedError):
            self.transact(tried)

    def run(self, text: str, rows: int = 0) -> list[tuple]:
        """Run a statement that is planned once, and return its rows.

        `rows` is about how many rows the statement has to do with. It has no parameters, for which
        DuckDB would plan it anew each time: what changes from run to run, it reads from a table.
        """
        name = "q" + hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        made_for, made_at = self._planned.get(name, (None, 0.0))
        wanted = (_size(rows), self._changes)
        if made_for != wanted or time.monotonic() - made_at > _LONGEST_SECONDS:
            self._plan(name, text)
            self._planned[name] = wanted, time.monotonic()
        return self.connection.execute(f"execute {name}").fetchall()

    def _plan(self, name: str, text: str) -> None:
        if self._planned.pop(name, None) is not None:
            self.connection.execute(f"deallocate {name}")
        # DuckDB 1.5 lets a plan rely on what the tables held when it was made, and on nothing more
        # than that: an empty table, the greatest number, the longest text. Rows that came later
        # would be lost or changed (duckdb/duckdb#23704).
        with _planning:
            self.connection.execute(f"set global disabled_optimizers = '{_BY_STATISTICS}'")
            try:
                self.connection.execute(f"prepare {name} as {text}")
            finally:
                self.connection.execute("reset global disabled_optimizers")

    def define(self, statement: str) -> None:
        """Run a statement that changes a definition."""
        self._changes += 1
        self.connection.execute(statement)

    def count(self, text: str, rows: int = 0) -> int:
        """Run a statement that answers with one number, such as how many rows it has changed."""
        return _number(self.run(text, rows))

    def count_once(self, text: str) -> int:
        """Do the same with a statement that is another one each time."""
        return _number(self.connection.execute(text).fetchall())

    def table(self, name: str, query: str) -> str:
        """Have a temporary table with the columns of a query, empty; return its full name.

        One that is there with the same columns is emptied, so that plans which use it are kept.
        """
        full = f'temp.main."{name}"'
        if self._made.get(name) == query:
            self.connection.execute(f"truncate {full}")
        else:
            self.define(f"create or replace temp table {name} as select * from ({query}) limit 0")
            self._made[name] = query
        return full

    def view(self, name: str, query: str) -> str:
        """Have a temporary view; return its full name."""
        if self._made.get(name) != query:
            self.define(f"create or replace temp view {name} as {query}")
            self._made[name] = query
        return f'temp.main."{name}"'

    def drop(self, *names: str) -> None:
        """Drop working tables that have become large; they are made anew when they are needed."""
        for name in names:
            if self._made.pop(name, None) is not None:
                self.define(f'drop table temp.main."{name}"')


def at_moment(text: str, as_of: datetime | None = None) -> str:
    """Return a statement with the moment that it acts as of, by default that in the table clock.

    A plan would keep the value of a variable.
    """
    if as_of is None:
        return text.replace(_AS_OF, "(select as_of from temp.main.clock)")
    return text.replace(_AS_OF, f"timestamp '{as_of.isoformat(sep=' ')}'")


def _number(found: list[tuple]) -> int:
    return int(found[0][0] or 0) if found else 0


def _size(rows: int) -> int:
    size = 0
    while rows >= _TIMES:
        rows, size = rows // _TIMES, size + 1
    return size

"""Statements that one part of the engine runs again and again: planned once, by name.

DuckDB keeps the plan of a prepared statement until a definition changes that it uses. A plan that
was made for few rows is slow for many, so it is made anew when there are many more or fewer, and
from time to time, because the tables that it reads grow.
"""

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import duckdb

from embedded.engine.storage import Opened, transact

_TIMES = 8  # so many times more or fewer rows are worth another plan
_LONGEST_SECONDS = 60  # that a plan is kept

Result = TypeVar("Result")


class Statements:
    """A connection of its own to the open file, with its prepared statements and working tables."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.connection = opened.cursor()
        self._planned: dict[str, tuple[int, float]] = {}  # for which size, and when
        self._made: dict[str, str] = {}

    def forget(self) -> None:
        """Start anew, after a transaction was rolled back that may have made working tables."""
        with suppress(duckdb.Error):
            self.connection.close()
        self.connection = self.opened.cursor()
        self._planned, self._made = {}, {}

    def transact(self, work: Callable[[], Result]) -> Result:
        """Run `work` in one transaction; all of it counts or nothing."""
        try:
            return transact(self.connection, lambda _: work())
        except BaseException:
            self.forget()
            raise

    def run(self, text: str, *values: int | str, rows: int = 0) -> list[tuple]:
        """Run a statement with parameters, $1 and so on, and return its rows.

        The values are numbers, or literals as SQL writes them. `rows` is about how many rows the
        statement has to do with.
        """
        name = "q" + hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        size, planned_at = self._planned.get(name, (-1, 0.0))
        if size != _size(rows) or time.monotonic() - planned_at > _LONGEST_SECONDS:
            self._plan(name, text, _size(rows))
        given = f"({', '.join(map(str, values))})" if values else ""
        return self.connection.execute(f"execute {name}{given}").fetchall()

    def _plan(self, name: str, text: str, size: int) -> None:
        if self._planned.pop(name, None) is not None:
            self.connection.execute(f"deallocate {name}")
        self.connection.execute(f"prepare {name} as {text}")
        self._planned[name] = size, time.monotonic()

    def count(self, text: str, *values: int | str, rows: int = 0) -> int:
        """Run a statement that answers with one number, such as how many rows it has changed."""
        found = self.run(text, *values, rows=rows)
        return int(found[0][0] or 0) if found else 0

    def table(self, name: str, query: str) -> str:
        """Have a temporary table with the columns of a query, empty; return its full name.

        One that is there with the same columns is emptied, so that plans which use it are kept.
        """
        full, execute = f'temp.main."{name}"', self.connection.execute
        if self._made.get(name) == query:
            execute(f"truncate {full}")
        else:
            execute(f"create or replace temp table {name} as select * from ({query}) limit 0")
            self._made[name] = query
        return full

    def view(self, name: str, query: str) -> str:
        """Have a temporary view; return its full name."""
        if self._made.get(name) != query:
            self.connection.execute(f"create or replace temp view {name} as {query}")
            self._made[name] = query
        return f'temp.main."{name}"'

    def drop(self, *names: str) -> None:
        """Drop working tables that have become large; they are made anew when they are needed."""
        for name in names:
            if self._made.pop(name, None) is not None:
                self.connection.execute(f'drop table temp.main."{name}"')


def _size(rows: int) -> int:
    size = 0
    while rows >= _TIMES:
        rows, size = rows // _TIMES, size + 1
    return size

"""Dynamic tables in memory, as the last refresh of this process has left them.

A refresh reads, of what it refreshes and of the dynamic tables that this is made of, the rows of
the affected keys. In memory these are found without a question to the lake's catalog. A table is
known by its version, which every refresh of anybody counts up: what has another one is read anew.
"""

from dataclasses import dataclass, field

import duckdb

from embedded.database import CATALOG
from embedded.registry import DynamicTable
from embedded.replacement import replace_keys

# A larger table is read in the lake: memory is for what is hot.
MOST_ROWS = 1_000_000


@dataclass
class HotTables:
    """Copies of dynamic tables among the temporary tables of one connection."""

    connection: duckdb.DuckDBPyConnection
    _versions: dict[str, tuple[str | None, int]] = field(default_factory=dict)
    _rows: dict[str, int] = field(default_factory=dict)
    _too_large: set[str] = field(default_factory=set)

    def forget(self) -> None:
        """Read all anew: what a transaction that was rolled back has loaded is not there."""
        self._versions.clear()

    def load(self, table: DynamicTable) -> None:
        """Have a table as the open transaction reads it, if it is not too large."""
        if self._versions.get(table.name) == _version(table) or table.name in self._too_large:
            return
        stored = f"{CATALOG}.main.{table.name}"
        row = self.connection.execute(f"select count(*) from {stored}").fetchone()
        if row is None or row[0] > MOST_ROWS:  # not worth the memory to find that out
            self._leave(table.name)
            return
        self.connection.execute(f"create or replace temp table {_hot(table.name)} as from {stored}")
        self._versions[table.name], self._rows[table.name] = _version(table), row[0]

    def place(self, table: DynamicTable) -> str:
        """Return the full name of where a table's rows can be read."""
        is_hot = self._versions.get(table.name) == _version(table)
        return _hot(table.name) if is_hot else f"{CATALOG}.main.{table.name}"

    def replace(self, table: DynamicTable, changed: str | None, fresh: str, growth: int) -> None:
        """Put `fresh` in the place of all rows with the keys in `changed`, as was done in the lake.

        `table` is as it was before; its version has been counted up since, and it has `growth` more
        rows by that.
        """
        if self._versions.pop(table.name, None) != _version(table):
            return
        self._rows[table.name] += growth
        if self._rows[table.name] > MOST_ROWS:
            self._leave(table.name)
            return
        replace_keys(self.connection, _hot(table.name), table.refresh_key, changed, fresh)
        self._versions[table.name] = (table.built_of, table.version + 1)

    def _leave(self, name: str) -> None:
        """Leave a table in the lake from now on."""
        self._versions.pop(name, None)
        self._too_large.add(name)
        self.connection.execute(f"drop table if exists {_hot(name)}")


def _version(table: DynamicTable) -> tuple[str | None, int]:
    return table.built_of, table.version


def _hot(name: str) -> str:
    return f"temp.main.hot_{name}"

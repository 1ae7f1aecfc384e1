"""What one pass over dynamic tables knows: what it reads, and what it has changed so far."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import duckdb

from embedded.changes import Change, changes_since
from embedded.database import CATALOG, METADATA
from embedded.hot_tables import HotTables
from embedded.registry import DynamicTable


class Written(NamedTuple):
    """What was done to one table: how, how many rows were written, how many keys removed."""

    action: str
    changed_rows: int
    removed_rows: int


class WholeTableError(Exception):
    """A table is to be filled anew, which only a pass that writes at once can do."""


@dataclass
class Pass:
    """One pass over dynamic tables: what it reads, and what it has changed so far."""

    connection: duckdb.DuckDBPyConnection
    snapshot: int
    tables: dict[str, DynamicTable]
    sources: dict[str, tuple[str, ...]]
    # Whether what was computed is written before the next table is computed, or all at the end.
    at_once: bool
    # Tables in memory, of which this process has made all refreshes; none for a pass of its own.
    hot: HotTables | None
    versions: dict[str, int] = field(init=False)
    # Of the tables that are no dynamic tables: one that was made anew has another.
    identities: dict[str, int] = field(init=False)
    # Since the table that was left behind farthest was refreshed.
    changes: list[Change] = field(init=False)
    # Filled from empty in this pass: there is no list of what changed in them.
    filled: set[str] = field(default_factory=set)
    # Computed in this pass and still to be written: rows to take out, rows to put in.
    waiting: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start from the versions that the last pass left."""
        self.versions = {name: table.version for name, table in self.tables.items()}
        rows = self.connection.execute(
            f"select table_name, table_id from {METADATA}.ducklake_table where end_snapshot is null"
        ).fetchall()
        self.identities = {name: number for name, number in rows if name not in self.tables}
        stand = {self.tables[name].refreshed_to for name in self.sources if name in self.tables}
        oldest = min(stand - {None}, default=self.snapshot)
        is_behind = oldest < self.snapshot
        self.changes = changes_since(self.connection, oldest) if is_behind else []

    def place(self, table: str) -> str:
        """Return the full name of where the rows of a table can be read, as of the snapshot."""
        if self.hot is None or table not in self.tables:
            return f"{CATALOG}.main.{table}"
        self.hot.load(self.tables[table])
        return self.hot.place(self.tables[table])

    def has_changed(self, source: str, since: int) -> bool:
        """Tell whether rows of a table were changed after a snapshot, before this pass."""
        return any(one.table == source and one.snapshot > since for one in self.changes)

    def oldest_change(self, table: DynamicTable) -> datetime | None:
        """Return when the oldest change was made that a table takes in now; None if it is unknown.

        Of a table that was never filled, or from changes that maintenance has since forgotten.
        """
        if table.refreshed_to is None:
            return None
        news = [
            one.changed_at
            for one in self.changes
            if one.snapshot > table.refreshed_to
            and one.table in table.reads
            and one.table not in self.tables
        ]
        return min(news, default=None)

    def seen(self, name: str) -> dict[str, int]:
        """Return the versions of a table's sources, or what identifies those that have none."""
        known = self.identities | self.versions
        return {source: known[source] for source in self.sources[name] if source in known}

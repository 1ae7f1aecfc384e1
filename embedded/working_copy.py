"""The working copy: tables of the lake in memory, on which the scheduler computes what tasks write.

Each table that a statement names costs DuckLake some questions to its catalog, and each statement
is planned anew. On a copy in memory neither is so. The copy is only ever derived: what is not
surely in step with the lake is read anew, and after a failure all of it is forgotten.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from embedded.changes import changes_since, committed_at
from embedded.database import CATALOG
from embedded.refresh import Refresh
from embedded.refresh_difference import changed_keys, delta, fresh_rows
from embedded.refresh_step import INCREMENTAL
from embedded.registry import DynamicTable, Stream
from embedded.replacement import replace_keys
from embedded.streams import Source, changes_until, net_changes, no_changes, source_of

# A larger table stays in the lake, and the copy reads it there: memory is for what is hot.
COPIED_ROWS = 1_000_000


class OutOfStepError(Exception):
    """The copy cannot be brought in step with the lake: it is to be forgotten and made anew."""


@dataclass
class _Copied:
    """A table in memory: as it is in a snapshot of the lake, and what we then changed in both."""

    snapshot: int
    rows_at_most: int
    own_changes: int = 0
    is_lost: bool = False  # to be read anew


class WorkingCopy:
    """Tables of the lake in the memory of one connection, as a catalog of its own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
        """Start with nothing."""
        self.connection, self.catalog = connection, catalog
        self.forget()

    def forget(self) -> None:
        """Forget all, outside of any transaction."""
        self.connection.execute(f"detach database if exists {self.catalog}")
        self.connection.execute(f"attach ':memory:' as {self.catalog}")
        self._copied: dict[str, _Copied] = {}
        self._snapshot: int | None = None  # that it was last brought in step with
        self._source: Source | None = None
        self._is_outgrown = False

    def named(self, name: str) -> str:
        """Return the full name of a table or view of the copy."""
        return f'"{self.catalog}"."main"."{name}"'

    def __contains__(self, table: str) -> bool:
        """Tell whether a table is held in memory."""
        return table in self._copied

    def add(self, table: str, snapshot: int) -> bool:
        """Hold a table in memory, unless it is too large for that; return whether it is held."""
        stored = f"{CATALOG}.main.{table}"
        row = self.connection.execute(f"select count(*) from {stored}").fetchone()
        if row is None or row[0] > COPIED_ROWS:
            return False
        self.connection.execute(f"create table {self.named(table)} as from {stored}")
        self._copied[table] = _Copied(snapshot, row[0])
        return True

    def add_stream(self, stream: Stream, snapshot: int) -> None:
        """Make tables for what a stream hands out, and for what refreshes change in its table."""
        self._source, nothing = source_of(self.connection, stream), no_changes(stream, snapshot)
        columns = ", ".join((*self._source.columns, "change_type"))
        for name, query in (
            (stream.name, net_changes(self._source, nothing)),
            (_changes_of(stream.source), f"select {columns} from ({nothing})"),
        ):
            self.connection.execute(f"create table if not exists {self.named(name)} as {query}")

    def follow(self, refreshes: Sequence[Refresh], tables: Mapping[str, DynamicTable]) -> None:
        """Change copies as refreshes, which are written, have changed their tables."""
        times = Counter(one.name for one in refreshes)
        for one in refreshes:
            if (copied := self._copied.get(one.name)) is None:
                continue
            if one.action != INCREMENTAL or times[one.name] > 1:  # what was written is not at hand
                copied.is_lost = True
            elif one.changed_rows or one.removed_rows:
                rows = self._replace(tables[one.name])
                self.note_own_change(one.name, rows)

    def _replace(self, table: DynamicTable) -> int:
        """Change a copy as its table was changed; return how many rows more it has now."""
        connection, name = self.connection, table.name
        copy, changed, fresh = self.named(name), changed_keys(name), fresh_rows(name)
        rows = replace_keys(connection, copy, table.refresh_key, changed, fresh)
        if self._source is not None and self._source.name == name:
            connection.execute(f"insert into {self.named(_changes_of(name))} from {delta(name)}")
        return rows

    def note_own_change(self, table: str, rows: int) -> None:
        """Note that the lake's table was changed, in one transaction, as its copy was before.

        `rows` is how many rows more it has by that, or a greater number.
        """
        if (copied := self._copied.get(table)) is None:
            return
        copied.own_changes += 1
        copied.rows_at_most += rows
        if copied.rows_at_most > COPIED_ROWS:
            self._look_at_size(table)

    def _look_at_size(self, table: str) -> None:
        row = self.connection.execute(f"select count(*) from {self.named(table)}").fetchone()
        self._copied[table].rows_at_most = row[0] if row else 0
        self._is_outgrown |= self._copied[table].rows_at_most > COPIED_ROWS

    def changes(self, snapshot: int) -> dict[str, list[int]]:
        """Return the snapshots after the copies', up to one, that changed each of their tables.

        Raises OutOfStepError when the lake has forgotten some of them, or a copy has become too
        large.
        """
        oldest = snapshot if self._snapshot is None else self._snapshot
        oldest = min([oldest, *(one.snapshot for one in self._copied.values())])
        if self._is_outgrown or committed_at(self.connection, oldest) is None:
            raise OutOfStepError
        found: dict[str, set[int]] = {}
        for one in changes_since(self.connection, oldest) if oldest < snapshot else []:
            found.setdefault(one.table, set()).add(one.snapshot)
        return {
            name: sorted(one for one in numbers if one > self._since(name, oldest))
            for name, numbers in found.items()
        }

    def _since(self, table: str, otherwise: int) -> int:
        return self._copied[table].snapshot if table in self._copied else otherwise

    def bring_up(self, changes: dict[str, list[int]], snapshot: int) -> None:
        """Bring all copies in step with a snapshot."""
        for name, copied in self._copied.items():
            news = changes.get(name, [])
            if copied.is_lost or len(news) != copied.own_changes:
                self._read_anew(name, copied, snapshot)
            copied.snapshot, copied.own_changes, copied.is_lost = snapshot, 0, False
        self._snapshot = snapshot
        if self._source is not None:
            self.connection.execute(f"delete from {self.named(_changes_of(self._source.name))}")

    def _read_anew(self, name: str, copied: _Copied, snapshot: int) -> None:
        execute, bounds = self.connection.execute, f"{copied.snapshot + 1}, {snapshot}"
        gone = f"ducklake_table_deletions('{CATALOG}', 'main', '{name}', {bounds})"
        is_added = copied.own_changes == 0 and not copied.is_lost
        if is_added and execute(f"select 1 from {gone} limit 1").fetchone() is None:
            added = f"ducklake_table_insertions('{CATALOG}', 'main', '{name}', {bounds})"
            columns = [row[0] for row in execute(f"describe {self.named(name)}").fetchall()]
            execute(f"insert into {self.named(name)} select {', '.join(columns)} from {added}")
        else:
            execute(f"delete from {self.named(name)}")
            execute(f"insert into {self.named(name)} from {CATALOG}.main.{name}")
        self._look_at_size(name)

    def hand_out(self, stream: Stream, changes: dict[str, list[int]], snapshot: int) -> int:
        """Put a stream's net changes into the table of its name, before bring_up; return how many.

        When refreshes of this process made all of them, they are at hand.
        """
        copied, news = self._copied.get(stream.source), changes.get(stream.source, [])
        is_at_hand = (
            copied is not None
            and not copied.is_lost
            and copied.snapshot == stream.offset_snapshot
            and copied.own_changes == len(news)
        )
        rows = (
            f"from {self.named(_changes_of(stream.source))}"
            if is_at_hand
            else changes_until(self.connection, stream, snapshot)
        )
        execute, target = self.connection.execute, self.named(stream.name)
        execute(f"delete from {target}")
        row = execute(f"insert into {target} {net_changes(self._source, rows)}").fetchone()
        return row[0] if row else 0


def _changes_of(table: str) -> str:
    return f"changes_of_{table}"

"""Dynamic tables: recompute the affected keys, write the rows that differ, one transaction a pass.

A refresh key is the grain of its table, and its columns exist under the same names in every source.
The promise behind it: an output row depends only on source rows with the same key.
"""

import json
import time
from collections.abc import Collection
from dataclasses import dataclass
from graphlib import TopologicalSorter

import duckdb

from embedded.database import CATALOG, LakeError, transact
from embedded.query_tree import redirect, source_tables
from embedded.registry import SCHEMA, DynamicTable, current_snapshot, dynamic_tables


@dataclass(frozen=True)
class Refresh:
    """What one pass did to one dynamic table; rows are counted, seconds are wall time."""

    name: str
    action: str
    changed_rows: int
    removed_rows: int
    seconds: float


def refresh(
    connection: duckdb.DuckDBPyConnection, names: Collection[str] | None = None
) -> list[Refresh]:
    """Bring every dynamic table, or some and those they read, up to date; return what was done.

    All tables move together, in the order of their dependence, from one snapshot. A table whose
    sources did not change is not touched; when none did, nothing is written at all.
    Raises LakeError for a table that cannot be refreshed by its key.
    """
    return transact(connection, lambda open_: _pass(open_, names))


def _pass(connection: duckdb.DuckDBPyConnection, names: Collection[str] | None) -> list[Refresh]:
    snapshot = current_snapshot(connection)
    tables = dynamic_tables(connection)
    sources = {name: source_tables(connection, table.query) for name, table in tables.items()}
    if names is not None:
        wanted = set().union(*(_with_upstream(name, sources) for name in names))
        sources = {source: sources[source] for source in wanted}
    done: list[Refresh] = []
    versions = {name: table.version for name, table in tables.items()}
    for name in TopologicalSorter(sources).static_order():
        if name in tables:
            step = _Step(connection, tables, versions, snapshot, tables[name], sources[name])
            done += step.run()
    return done


def _with_upstream(name: str, sources: dict[str, list[str]]) -> set[str]:
    upstream = [_with_upstream(source, sources) for source in sources[name] if source in sources]
    return {name}.union(*upstream)


@dataclass
class _Step:
    """One dynamic table in one pass."""

    connection: duckdb.DuckDBPyConnection
    tables: dict[str, DynamicTable]
    versions: dict[str, int]  # of every dynamic table, moving on as the pass does
    snapshot: int
    table: DynamicTable
    sources: list[str]

    def run(self) -> list[Refresh]:
        started, table = time.perf_counter(), self.table
        if not table.is_built:
            action = "INITIALIZE"
            self._fit_columns()
        elif not self._collect_affected_keys():
            return []
        else:
            action = table.refresh_mode
        is_full = action != "INCREMENTAL"
        self._compute(is_full)
        changed, removed = self._write()
        self._remember(changed + removed > 0)
        seconds = time.perf_counter() - started
        self.connection.execute(
            f"insert into {SCHEMA}.refresh_history values (?, ?, ?, ?, now()::timestamp, ?)",
            [table.name, action, changed, removed, seconds],
        )
        return [Refresh(table.name, action, changed, removed, seconds)]

    # -- what is affected -----------------------------------------------------------------------

    def _collect_affected_keys(self) -> bool:
        """Fill the temporary table affected_keys; return whether any source changed."""
        feeds = [feed for source in self.sources for feed in self._feeds(source)]
        if not feeds:
            return False
        keys = ", ".join(self.table.refresh_key)
        rows = " union all ".join(f"select {keys} from {feed}" for feed in feeds)
        self.connection.execute(
            f"create or replace temp table affected_keys as select distinct {keys} from ({rows})"
        )
        row = self.connection.execute("select count(*) from affected_keys").fetchone()
        return bool(row and row[0])

    def _feeds(self, source: str) -> list[str]:
        """Return where the changed rows of one source since the last refresh can be read."""
        seen = self.table.source_versions.get(source)
        upstream = self.tables.get(source)
        feeds = []
        if upstream is not None and self.versions[source] != upstream.version:
            feeds.append(f"temp.main.{_delta(source)}")
        if (upstream is None or upstream.version != seen) and (
            self.table.refreshed_to is not None and self.table.refreshed_to < self.snapshot
        ):
            feeds.append(
                f"(select * from ducklake_table_changes('{CATALOG}', 'main', '{source}',"
                f" {self.table.refreshed_to + 1}, {self.snapshot}) where snapshot_id is not null)"
            )
        return feeds

    # -- what it should hold --------------------------------------------------------------------

    def _fit_columns(self) -> None:
        """Create the table, or create it anew if its query has other columns than it has."""
        name = f"{CATALOG}.main.{self.table.name}"
        wanted = self.connection.execute(f"describe {self.table.query}").fetchall()
        self._check_refresh_key({row[0] for row in wanted}, f"dynamic table {self.table.name}")
        try:
            present = self.connection.execute(f"describe {name}").fetchall()
        except duckdb.CatalogException:
            present = []
        if [row[:2] for row in wanted] != [row[:2] for row in present]:
            self.connection.execute(
                f"create or replace table {name} as select * from ({self.table.query}) limit 0"
            )

    def _check_refresh_key(self, columns: set[str], owner: str) -> None:
        for key in self.table.refresh_key:
            if key not in columns:
                raise LakeError(
                    f"dynamic table {self.table.name} cannot be refreshed by key: {owner} has no"
                    f" column {key}; name another refresh_key, or set refresh_mode: FULL"
                )

    def _compute(self, is_full: bool) -> None:
        """Fill the temporary tables fresh (what should be) and stale (what is), same keys."""
        keys = ", ".join(self.table.refresh_key)
        target, query, only = f"{CATALOG}.main.{self.table.name}", self.table.query, ""
        if self.table.refresh_mode == "INCREMENTAL":
            for source in self.sources:
                described = self.connection.execute(f"describe {CATALOG}.main.{source}").fetchall()
                self._check_refresh_key({row[0] for row in described}, f"its source {source}")
        if not is_full:
            only = f" semi join temp.main.affected_keys using ({keys})"
            for source in self.sources:
                self.connection.execute(
                    f"create or replace temp view affected_{source} as"
                    f" select * from {CATALOG}.main.{source}{only}"
                )
            query = redirect(
                self.connection, query, {source: f"affected_{source}" for source in self.sources}
            )
        self.connection.execute(f"create or replace temp table fresh as {query}")
        self.connection.execute(
            f"create or replace temp table stale as select * from {target}{only}"
        )

    # -- writing the difference -----------------------------------------------------------------

    def _write(self) -> tuple[int, int]:
        """Write the rows that differ, keep both images for the tables downstream."""
        execute, name = self.connection.execute, self.table.name
        keys = ", ".join(self.table.refresh_key)
        execute(
            "create or replace temp table changed as"
            " select * from temp.main.fresh except select * from temp.main.stale"
        )
        execute(
            "create or replace temp table outdated as select * from temp.main.stale"
            " except select * from temp.main.fresh"
        )
        execute(
            f"create or replace temp table {_delta(name)} as"
            " select * from temp.main.outdated union all select * from temp.main.changed"
        )
        matches = " and ".join(f"target.{key} = outdated.{key}" for key in self.table.refresh_key)
        counts = execute(
            "select (select count(*) from temp.main.changed), (select count(*) from"
            f" temp.main.outdated anti join temp.main.changed using ({keys})),"
            " (select count(*) from temp.main.outdated)"
        ).fetchone()
        changed, removed, outdated = counts or (0, 0, 0)
        target = f"{CATALOG}.main.{name}"
        if outdated:
            execute(f"delete from {target} as target using temp.main.outdated where {matches}")
        if changed:
            execute(f"insert into {target} by name select * from temp.main.changed")
        return changed, removed

    def _remember(self, has_changed: bool) -> None:
        if has_changed:
            self.versions[self.table.name] += 1
        source_versions = {
            source: self.versions[source] for source in self.sources if source in self.versions
        }
        self.connection.execute(
            f"update {SCHEMA}.dynamic_tables set built_query = query, refreshed_to = ?,"
            " version = ?, source_versions = ?, refreshed_at = now()::timestamp where name = ?",
            [
                self.snapshot,
                self.versions[self.table.name],
                json.dumps(source_versions),
                self.table.name,
            ],
        )


def _delta(name: str) -> str:
    return f"delta_{name}"

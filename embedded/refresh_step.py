"""One dynamic table in one pass: which keys are affected, what they should hold, what differs.

A refresh key is the grain of its table, or coarser, and its columns exist under the same names in
every source. The promise behind it: an output row depends only on source rows with the same key.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import duckdb

from embedded.database import CATALOG, LakeError
from embedded.keyed_query import NotKeyedError, check_keyed
from embedded.query_tree import redirect
from embedded.registry import DynamicTable

INCREMENTAL = "INCREMENTAL"
# The first load after an empty build: looking for so many keys costs more than taking all rows.
_MANY_KEYS = 100_000


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
    versions: dict[str, int] = field(init=False)
    # Filled from empty in this pass: there is no list of what changed in them.
    filled: set[str] = field(default_factory=set)
    # Computed in this pass, and still to be written.
    waiting: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Start from the versions that the last pass left."""
        self.versions = {name: table.version for name, table in self.tables.items()}

    def seen(self, name: str) -> dict[str, int]:
        """Return the versions of a table's sources that are dynamic tables themselves."""
        return {one: self.versions[one] for one in self.sources[name] if one in self.versions}


def refresh_one(current: Pass, table: DynamicTable) -> Written | None:
    """Bring one table up to date after all that it reads; return None when nothing concerns it."""
    sources = current.sources[table.name]
    if not table.is_built and not current.at_once:
        raise WholeTableError
    if not table.is_built:
        is_empty = _fit_columns(current, table)
        written = _fill(current, table) if is_empty else _rewrite(current, table, "INITIALIZE")
    elif not current.filled.isdisjoint(sources):
        written = _rewrite(current, table, "REINITIALIZE")
    elif not (affected := _collect_affected_keys(current, table)):
        return None
    elif affected >= _MANY_KEYS and _is_empty(current, table):
        if not current.at_once:
            raise WholeTableError
        written = _fill(current, table)
    elif table.refresh_mode != INCREMENTAL:
        written = _rewrite(current, table, table.refresh_mode)
    else:
        written = _recompute_affected(current, table)
    if written.changed_rows or written.removed_rows:
        current.versions[table.name] += 1
    return written


# -- which keys are affected --------------------------------------------------------------------


def _collect_affected_keys(current: Pass, table: DynamicTable) -> int:
    """Fill the temporary table affected_keys; return how many there are."""
    feeds = [
        feed for source in current.sources[table.name] for feed in _feeds(current, table, source)
    ]
    if not feeds:
        return 0
    keys = ", ".join(table.refresh_key)
    rows = " union all ".join(f"select {keys} from {feed}" for feed in feeds)
    row = current.connection.execute(
        f"create or replace temp table affected_keys as select distinct {keys} from ({rows})"
    ).fetchone()
    return int(row[0]) if row else 0


def _feeds(current: Pass, table: DynamicTable, source: str) -> list[str]:
    """Return where the changed rows of one source since the last refresh can be read."""
    upstream, feeds = current.tables.get(source), []
    if upstream is not None and current.versions[source] != upstream.version:
        feeds.append(_delta(source))
    has_news = upstream is None or upstream.version != table.source_versions.get(source)
    if has_news and table.refreshed_to is not None and table.refreshed_to < current.snapshot:
        feeds.append(
            f"(select * from ducklake_table_changes('{CATALOG}', 'main', '{source}',"
            f" {table.refreshed_to + 1}, {current.snapshot}) where snapshot_id is not null)"
        )
    return feeds


# -- what the table should hold -----------------------------------------------------------------


def _fit_columns(current: Pass, table: DynamicTable) -> bool:
    """Create the table, or anew if its query has other columns; return whether it is empty."""
    execute, target = current.connection.execute, _target(table)
    wanted = execute(f"describe {table.query}").fetchall()
    _check_refresh_key(current, table, {row[0] for row in wanted})
    try:
        present = execute(f"describe {target}").fetchall()
    except duckdb.CatalogException:
        present = []
    if [row[:2] for row in wanted] != [row[:2] for row in present]:
        execute(f"create or replace table {target} as select * from ({table.query}) limit 0")
    if table.sorted_by:
        execute(f"alter table {target} set sorted by ({', '.join(table.sorted_by)})")
    return _is_empty(current, table)


def _is_empty(current: Pass, table: DynamicTable) -> bool:
    return current.connection.execute(f"from {_target(table)} limit 1").fetchone() is None


def _check_refresh_key(current: Pass, table: DynamicTable, columns: set[str]) -> None:
    owners = {f"dynamic table {table.name}": columns}
    for source in current.sources[table.name] if table.refresh_mode == INCREMENTAL else []:
        described = current.connection.execute(f"describe {CATALOG}.main.{source}").fetchall()
        owners[f"its source {source}"] = {row[0] for row in described}
    for owner, present in owners.items():
        for key in set(table.refresh_key) - present:
            raise _not_by_key(table, f"{owner} has no column {key}")
    if table.refresh_mode == INCREMENTAL:
        try:
            check_keyed(table.query, table.refresh_key)
        except NotKeyedError as error:
            raise _not_by_key(table, str(error)) from error


def _not_by_key(table: DynamicTable, reason: str) -> LakeError:
    return LakeError(
        f"dynamic table {table.name} cannot be refreshed by its key {', '.join(table.refresh_key)}:"
        f" {reason}; name another refresh_key, or set refresh_mode: FULL"
    )


def _fill(current: Pass, table: DynamicTable) -> Written:
    """Write all rows of an empty table."""
    row = current.connection.execute(f"insert into {_target(table)} {table.query}").fetchone()
    current.filled.add(table.name)
    return Written("INITIALIZE", row[0] if row else 0, 0)


def _rewrite(current: Pass, table: DynamicTable, action: str) -> Written:
    """Compute all rows, write those that differ."""
    execute = current.connection.execute
    present = {
        source: _present_rows(current, source)
        for source in current.sources[table.name]
        if source in current.waiting
    }
    execute(f"create or replace temp table fresh as {redirect(table.query, present)}")
    execute(f"create or replace temp table stale as from {_target(table)}")
    return _note_difference(current, table, action)


def _recompute_affected(current: Pass, table: DynamicTable) -> Written:
    """Compute the rows of the affected keys, write those that differ."""
    execute, sources = current.connection.execute, current.sources[table.name]
    only = f"semi join temp.main.affected_keys using ({', '.join(table.refresh_key)})"
    for source in sources:
        rows = f"{CATALOG}.main.{source}"
        if source in current.waiting:
            rows = f"temp.main.{_present_rows(current, source)}"
        execute(f"create or replace temp view affected_{source} as from {rows} {only}")
    query = redirect(table.query, {source: f"affected_{source}" for source in sources})
    execute(f"create or replace temp table fresh as {query}")
    execute(f"create or replace temp table stale as from {_target(table)} {only}")
    return _note_difference(current, table, INCREMENTAL)


def _present_rows(current: Pass, source: str) -> str:
    """Return a temporary view of a table as it will be when this pass is written."""
    keys, view = ", ".join(current.tables[source].refresh_key), f"present_{source}"
    current.connection.execute(
        f"create or replace temp view {view} as"
        f" from {CATALOG}.main.{source} anti join {_changed(source)} using ({keys})"
        f" union all from {_fresh(source)}"
    )
    return view


# -- what differs ---------------------------------------------------------------------------------


def _note_difference(current: Pass, table: DynamicTable, action: str) -> Written:
    """Note the keys whose rows differ, what their rows should be, and all of both."""
    execute, keys, name = current.connection.execute, ", ".join(table.refresh_key), table.name
    # Counted and not merely compared: a table may hold the same row twice.
    execute(
        f"""
        create or replace temp table {_changed(name)} as
        select distinct {keys}
        from (
            select * exclude (times)
            from (
                select *, 1 as times from temp.main.fresh
                union all
                select *, -1 as times from temp.main.stale
            )
            group by all
            having sum(times) <> 0
        )
        """
    )
    only = f"semi join {_changed(name)} using ({keys})"
    execute(f"create or replace temp table {_fresh(name)} as from temp.main.fresh {only}")
    execute(
        f"create or replace temp table {_delta(name)} as"
        f" from {_fresh(name)} union all from temp.main.stale {only}"
    )
    removed, changed = execute(
        f"""
        select
            (select count(*) from {_changed(name)} anti join {_fresh(name)} using ({keys})),
            (select count(*) from {_fresh(name)})
        """
    ).fetchone() or (0, 0)
    if current.at_once:
        write_difference(current, table)
    elif changed or removed:
        current.waiting.add(name)
    return Written(action, changed, removed)


def write_difference(current: Pass, table: DynamicTable) -> None:
    """Replace the rows of every key whose rows differ, as the pass has noted them."""
    execute, name = current.connection.execute, table.name
    before, after = execute(
        f"""
        select
            (select count(*) from {_delta(name)}) - (select count(*) from {_fresh(name)}),
            (select count(*) from {_fresh(name)})
        """
    ).fetchone() or (0, 0)
    if before:
        matches = " and ".join(f"target.{key} = changed.{key}" for key in table.refresh_key)
        execute(
            f"delete from {_target(table)} as target using {_changed(name)} as changed"
            f" where {matches}"
        )
    if after:
        execute(f"insert into {_target(table)} from {_fresh(name)}")


def _target(table: DynamicTable) -> str:
    return f"{CATALOG}.main.{table.name}"


def _delta(name: str) -> str:
    return f"temp.main.delta_{name}"


def _changed(name: str) -> str:
    return f"temp.main.changed_{name}"


def _fresh(name: str) -> str:
    return f"temp.main.fresh_{name}"

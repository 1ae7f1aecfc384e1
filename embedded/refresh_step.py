"""One dynamic table in one pass: which keys are affected, what they should hold, what differs.

A refresh key is the grain of its table, or coarser, and its columns exist under the same names in
every source. The promise behind it: an output row depends only on source rows with the same key.
"""

import duckdb

from embedded.database import CATALOG
from embedded.keyed_query import NotKeyedError, check_keyed
from embedded.query_tree import redirect
from embedded.refresh_difference import (
    computed_rows,
    delta,
    fresh_rows,
    note_difference,
    present_rows,
    stored_rows,
    target,
)
from embedded.refresh_pass import Pass, WholeTableError, Written
from embedded.registry import DynamicTable
from runtime.errors import EngineError

INCREMENTAL = "INCREMENTAL"
# The first load after an empty build: looking for so many keys costs more than taking all rows.
_MANY_KEYS = 100_000


def refresh_one(current: Pass, table: DynamicTable) -> Written | None:
    """Bring one table up to date after all that it reads; return None when nothing concerns it."""
    sources = current.sources[table.name]
    is_replaced = any(
        table.source_versions.get(source) != current.identities[source]
        for source in sources
        if source in current.identities
    )
    if not table.is_built and not current.at_once:
        raise WholeTableError
    if not table.is_built:
        is_empty = _fit_columns(current, table)
        written = _fill(current, table) if is_empty else _rewrite(current, table, "INITIALIZE")
    elif is_replaced or not current.filled.isdisjoint(sources):
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
    """Fill the temporary table affected_keys; return how many rows it has, 0 for no change."""
    feeds = [
        feed for source in current.sources[table.name] for feed in _feeds(current, table, source)
    ]
    if not feeds:
        return 0
    execute, keys = current.connection.execute, ", ".join(table.refresh_key)
    if table.refresh_mode != INCREMENTAL:  # any change will do, and sources need not have the key
        rows = " union all ".join(f"select 1 from {feed}" for feed in feeds)
        return int((execute(f"select count(*) from ({rows})").fetchone() or (0,))[0])
    rows = " union all ".join(f"select {keys} from {feed}" for feed in feeds)
    # Keys that differ already, but for old and new rows, are not worth telling apart once more.
    is_fresh = any(_is_fresh(current, table, source) for source in current.sources[table.name])
    what = keys if is_fresh else f"distinct {keys}"
    execute(f"create or replace temp table affected_keys as select {what} from ({rows})")
    is_null = " or ".join(f"{key} is null" for key in table.refresh_key)
    count, has_null = execute(
        f"select count(*), coalesce(bool_or({is_null}), false) from temp.main.affected_keys"
    ).fetchone() or (0, False)
    if has_null:
        raise _not_by_key(table, "a source has a row without it")
    return int(count)


def _feeds(current: Pass, table: DynamicTable, source: str) -> list[str]:
    """Return where the changed rows of one source since the last refresh can be read."""
    upstream, feeds = current.tables.get(source), []
    if upstream is not None and current.versions[source] != upstream.version:
        feeds.append(delta(source))
    since = table.refreshed_to
    has_news = upstream is None or upstream.version != table.source_versions.get(source)
    if has_news and since is not None and current.has_changed(source, since):
        feeds.append(
            f"(select * from ducklake_table_changes('{CATALOG}', 'main', '{source}',"
            f" {since + 1}, {current.snapshot}) where snapshot_id is not null)"
        )
    return feeds


# -- what the table should hold -----------------------------------------------------------------


def _fit_columns(current: Pass, table: DynamicTable) -> bool:
    """Create the table, or anew if its query has other columns; return whether it is empty."""
    execute, name = current.connection.execute, target(table)
    wanted = execute(f"describe {table.query}").fetchall()
    _check_refresh_key(current, table, {row[0] for row in wanted})
    try:
        present = execute(f"describe {name}").fetchall()
    except duckdb.CatalogException:
        present = []
    if [row[:2] for row in wanted] != [row[:2] for row in present]:
        execute(f"create or replace table {name} as select * from ({table.query}) limit 0")
    if table.sorted_by:
        execute(f"alter table {name} set sorted by ({', '.join(table.sorted_by)})")
    return _is_empty(current, table)


def _is_empty(current: Pass, table: DynamicTable) -> bool:
    return current.connection.execute(f"from {target(table)} limit 1").fetchone() is None


def _check_refresh_key(current: Pass, table: DynamicTable, columns: set[str]) -> None:
    for source in current.sources[table.name]:
        if source not in current.identities and source not in current.tables:
            raise EngineError(
                f"dynamic table {table.name} reads {source}, which is not a table of the lake:"
                " only tables tell what has changed in them"
            )
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


def _not_by_key(table: DynamicTable, reason: str) -> EngineError:
    return EngineError(
        f"dynamic table {table.name} cannot be refreshed by its key {', '.join(table.refresh_key)}:"
        f" {reason}; name another refresh_key, or set refresh_mode: FULL"
    )


def _fill(current: Pass, table: DynamicTable) -> Written:
    """Write all rows of an empty table."""
    row = current.connection.execute(f"insert into {target(table)} {table.query}").fetchone()
    current.filled.add(table.name)
    return Written("INITIALIZE", row[0] if row else 0, 0)


def _rewrite(current: Pass, table: DynamicTable, action: str) -> Written:
    """Compute all rows, write those that differ."""
    execute, name = current.connection.execute, table.name
    execute(f"create or replace temp table {computed_rows(name)} as {_query(current, table)}")
    execute(f"create or replace temp table {stored_rows(name)} as from {target(table)}")
    return note_difference(current, table, action)


def _recompute_affected(current: Pass, table: DynamicTable) -> Written:
    """Compute the rows of the affected keys, write those that differ."""
    execute, name = current.connection.execute, table.name
    only = f"semi join temp.main.affected_keys using ({', '.join(table.refresh_key)})"
    execute(f"create or replace temp table {computed_rows(name)} as {_query(current, table, only)}")
    execute(
        f"create or replace temp table {stored_rows(name)} as from {current.place(name)} {only}"
    )
    return note_difference(current, table, INCREMENTAL)


def _query(current: Pass, table: DynamicTable, only: str = "") -> str:
    """Return the table's query over its sources as they will be when this pass is written."""
    views = {}
    for source in current.sources[table.name]:
        is_fresh = only and _is_fresh(current, table, source)
        rows = f"from {fresh_rows(source)}" if is_fresh else present_rows(current, source, only)
        views[source] = f"present_{source}"
        current.connection.execute(f"create or replace temp view {views[source]} as {rows}")
    return redirect(table.query, views)


def _is_fresh(current: Pass, table: DynamicTable, source: str) -> bool:
    """Tell whether this pass has computed all rows of a source that have an affected key.

    So it is when the keys are those that this pass has changed in the source, and nothing else.
    """
    upstream = current.tables.get(source)
    return (
        upstream is not None
        and set(upstream.refresh_key) == set(table.refresh_key)
        and current.sources[table.name] == (source,)
        and _feeds(current, table, source) == [delta(source)]
    )

"""One dynamic table in one pass: which keys are affected, what they should hold, what differs.

A refresh key is the grain of its table, or coarser, and its columns exist under the same names in
every source. The promise behind it: an output row depends only on source rows with the same key,
and on rows of sources that are looked up for these: see incremental_check.py.
All tables of a pass are written in one transaction, each before those that read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from embedded.engine import working_tables as working
from embedded.engine.changes import News, create_log, log_of, news_of_rows, oldest_arrival
from embedded.engine.definition import fit_columns, is_empty, looked_up, not_by_key
from embedded.engine.registry import INCREMENTAL, SCHEMA, DynamicTable, Position
from embedded.engine.set_aside import excluded_keys, key_table
from embedded.engine.sql_tree import redirect, row_filter, source_tables
from embedded.engine.statements import Statements
from embedded.engine.storage import CATALOG

# The first load after an empty build: looking for so many keys costs more than taking all rows.
_MANY_KEYS = 100_000


class Written(NamedTuple):
    """What was done to one table: how, how many rows were written, how many keys removed."""

    action: str
    changed_rows: int
    removed_rows: int


@dataclass
class Pass:
    """One pass over dynamic tables: what it reads, and what it has changed so far."""

    statements: Statements
    tables: Mapping[str, DynamicTable]
    # The dynamic tables whose changes somebody needs who is not refreshed in this pass.
    followed: frozenset[str] = frozenset()
    versions: dict[str, int] = field(default_factory=dict)
    news: dict[tuple[str, Position | None], News] = field(default_factory=dict)
    # How many rows differ, old ones and new ones, in each table that this pass has changed.
    differing: dict[str, int] = field(default_factory=dict)
    # Tables of whose affected keys none had rows before: all that was computed is new.
    only_new: set[str] = field(default_factory=set)
    arrivals: dict[tuple[str, int], datetime | None] = field(default_factory=dict)
    # Filled from empty in this pass: there is no list of what changed in them.
    filled: set[str] = field(default_factory=set)

    def version(self, name: str) -> int:
        """Return a dynamic table's version as this pass leaves it."""
        return self.versions.get(name, self.tables[name].version)

    def news_of(self, source: str, table: DynamicTable) -> News:
        """Return what is new for a table in a source that is no dynamic table."""
        wanted = (source, table.seen.get(source))
        if wanted not in self.news:
            self.news[wanted] = news_of_rows(self.statements, *wanted)
        return self.news[wanted]

    def arrival_of(self, source: str, first_row: int) -> datetime | None:
        """Return when the first of a source's rows from a number on arrived, if it says so."""
        wanted = (source, first_row)
        if wanted not in self.arrivals:
            self.arrivals[wanted] = oldest_arrival(self.statements, *wanted)
        return self.arrivals[wanted]

    def seen(self, table: DynamicTable) -> dict[str, Position]:
        """Return how much of each source a table has read when this pass is over."""
        return {
            source: self.version(source)
            if source in self.tables
            else self.news_of(source, table).position
            for source in source_tables(table.query)
        }


def refresh_table(current: Pass, table: DynamicTable) -> Written | None:
    """Bring one table up to date after all that it reads; return None when nothing concerns it."""
    written = _refresh(current, table)
    if written is not None and (written.changed_rows or written.removed_rows):
        current.versions[table.name] = table.version + 1
        if table.name in current.followed:
            _log(current, table)
    return written


def _refresh(current: Pass, table: DynamicTable) -> Written | None:
    if not table.is_built:
        has_none = fit_columns(current.statements, current.tables, table)
        return _fill(current, table) if has_none else _rewrite(current, table, "INITIALIZE")
    sources = source_tables(table.query)
    if not current.filled.isdisjoint(sources) or _has_lost_rows(current, table, sources):
        return _rewrite(current, table, "REINITIALIZE")
    feeds = [feed for source in sources for feed in _feeds(current, table, source)]
    if not feeds:
        return None
    if table.refresh_mode != INCREMENTAL:
        return _rewrite(current, table, table.refresh_mode)
    affected = collect_affected_keys(current, table, feeds)
    if affected >= _MANY_KEYS and is_empty(current.statements, table):
        return _fill(current, table)
    return _recompute(current, table, affected) if affected else Written(INCREMENTAL, 0, 0)


# -- which keys are affected --------------------------------------------------------------------


class Feed(NamedTuple):
    """Rows of a source that a table has not read yet, as a query, and about how many they are.

    `is_lasting` tells whether the query is the same in every pass.
    """

    query: str
    rows: int
    is_lasting: bool


def _feeds(current: Pass, table: DynamicTable, source: str) -> list[Feed]:
    feeds = _news(current, table, source)
    if feeds and (only := row_filter(table.query, source)):
        feeds = [feed._replace(query=f"from ({feed.query}) as rows where {only}") for feed in feeds]
    if feeds and (column := looked_up(current.statements, table).get(source)):
        # Whose row is another one now: all rows of the keyed source that are looked up by it.
        [source] = _keyed_sources(current, table)
        keyed = f"from {CATALOG}.main.{source}"
        feeds = [
            feed._replace(query=f"{keyed} semi join ({feed.query}) as rows using ({column})")
            for feed in feeds
        ]
    return feeds


def _keyed_sources(current: Pass, table: DynamicTable) -> list[str]:
    """Return the sources that have the key; it is one where others are looked up."""
    others = looked_up(current.statements, table)
    return [one for one in source_tables(table.query) if one not in others]


def _news(current: Pass, table: DynamicTable, source: str) -> list[Feed]:
    upstream = current.tables.get(source)
    if upstream is None:
        news = current.news_of(source, table)
        query = f"from {CATALOG}.main.{source} where rowid >= {news.first_new_row}"
        return [Feed(query, news.new_rows, False)] if news.new_rows else []
    feeds, seen = [], table.seen.get(source)
    if seen != upstream.version and isinstance(seen, int):
        feeds.append(Feed(f"from {log_of(source)} where version > {seen}", 0, False))
    if current.version(source) != upstream.version:
        query = f"from {working.computed(source)}"
        if source not in current.only_new:
            query = f"from ({query} union all by name from {working.stored(source)}) as changed"
            query = f"{query} {working.only_differing(upstream, 'changed')}"
        feeds.append(Feed(query, current.differing[source], True))
    return feeds


def _has_lost_rows(current: Pass, table: DynamicTable, sources: tuple[str, ...]) -> bool:
    """Tell whether a source no longer holds rows that were read, or its changes are unknown."""
    for source in sources:
        if source in current.tables:
            if not isinstance(table.seen.get(source), int):
                return True
        elif current.news_of(source, table).first_new_row is None:
            return True
    return False


def collect_affected_keys(current: Pass, table: DynamicTable, feeds: list[Feed]) -> int:
    """Fill the working table of affected keys; return how many there are."""
    keys, run = ", ".join(table.refresh_key), current.statements
    affected = run.table(
        f"affected_{table.name}", f"select {keys} from {working.target(table.name)}"
    )
    count = 0
    for feed in feeds:
        # A key that another feed has put in already may come twice: it is looked up, not joined.
        text = f"insert into {affected} select distinct {keys} from ({feed.query})"
        count += run.count(text, feed.rows) if feed.is_lasting else run.count_once(text)
    is_null = " or ".join(f"{key} is null" for key in table.refresh_key)
    if run.run(f"select 1 from {affected} where {is_null} limit 1"):
        raise not_by_key(table, "a source has a row without it")
    if (excluded := excluded_from(current, table)) is not None:
        run.count_once(f"delete from {affected} using {excluded} as excluded where {_same(table)}")
    return count


def excluded_from(current: Pass, table: DynamicTable) -> str | None:
    """Return a table of the keys that were set aside, if there are any."""
    keys = f"from {working.target(table.name)}"
    return excluded_keys(current.statements, table.name, table.definition, keys, table.refresh_key)


def _same(table: DynamicTable) -> str:
    return " and ".join(
        f"affected_{table.name}.{key} = excluded.{key}" for key in table.refresh_key
    )


# -- what the table should hold -----------------------------------------------------------------


def _recompute(current: Pass, table: DynamicTable, affected: int) -> Written:
    """Compute the rows of the affected keys, write those that differ."""
    run, name = current.statements, table.name
    only = f"semi join temp.main.affected_{name} using ({', '.join(table.refresh_key)})"
    stored = run.count(
        f"insert into {_empty_stored(current, name)} {_stored_rows(name, only)}", rows=affected
    )
    views, kind = {}, "fresh" if _is_fresh(current, table) else "present"
    for source in _keyed_sources(current, table):
        rows = working.computed(source) if kind == "fresh" else f"{CATALOG}.main.{source}"
        views[source] = f"{kind}_{name}_{source}"
        run.view(views[source], f"from {rows} {only}")
    query = redirect(table.query, views)
    run.count(f"insert into {_empty_computed(current, name)} {query}", rows=affected)
    if not stored:
        return _write_new(current, table, affected)
    return _write_difference(current, table, INCREMENTAL, affected)


def _is_fresh(current: Pass, table: DynamicTable) -> bool:
    """Tell whether this pass has computed all rows of the only source that have an affected key.

    So it is when the keys are those that this pass has changed in the source, and nothing else.
    """
    [source, *others] = source_tables(table.query)
    upstream = current.tables.get(source)
    return (
        not others
        and upstream is not None
        and source in current.differing
        and set(upstream.refresh_key) == set(table.refresh_key)
        and table.seen.get(source) == upstream.version
    )


def _rewrite(current: Pass, table: DynamicTable, action: str) -> Written:
    """Compute all rows, write those that differ."""
    execute, name = current.statements.connection.execute, table.name
    query, kept = _whole_query(current, table)
    execute(f"insert into {_empty_stored(current, name)} {_stored_rows(name, kept)}")
    execute(f"insert into {_empty_computed(current, name)} {query}")
    return _write_difference(current, table, action, _MANY_KEYS)


def _whole_query(current: Pass, table: DynamicTable) -> tuple[str, str]:
    """Return the query for all rows, and which stored rows it is about: not what was set aside."""
    if table.refresh_mode != INCREMENTAL or (excluded := excluded_from(current, table)) is None:
        return table.query, ""
    kept, views = f"anti join {excluded} using ({', '.join(table.refresh_key)})", {}
    for source in _keyed_sources(current, table):
        views[source] = f"kept_{table.name}_{source}"
        current.statements.view(views[source], f"from {CATALOG}.main.{source} {kept}")
    return redirect(table.query, views), kept


def _fill(current: Pass, table: DynamicTable) -> Written:
    """Write all rows of an empty table."""
    execute, name = current.statements.connection.execute, table.name
    query, _ = _whole_query(current, table)
    row = execute(f"insert into {working.target(name)} {query}").fetchone()
    if table.refresh_mode == INCREMENTAL:
        is_null = " or ".join(f"{key} is null" for key in table.refresh_key)
        if execute(f"select 1 from {working.target(name)} where {is_null} limit 1").fetchone():
            raise not_by_key(table, "a row has none")
    current.filled.add(name)
    return Written("INITIALIZE", row[0] if row else 0, 0)


def concerned_keys(current: Pass, table: DynamicTable) -> list[tuple[object, ...]]:
    """Return the keys that a refresh of a table would compute now, in the order of their values."""
    sources = source_tables(table.query)
    if not table.is_built:
        fit_columns(current.statements, current.tables, table)
    is_whole = not table.is_built or _has_lost_rows(current, table, sources)
    feeds = [
        feed
        for source in (_keyed_sources(current, table) if is_whole else sources)
        for feed in (
            [Feed(f"from {CATALOG}.main.{source}", 0, False)]
            if is_whole
            else _feeds(current, table, source)
        )
    ]
    collect_affected_keys(current, table, feeds)
    place = f"temp.main.affected_{table.name}"
    return current.statements.connection.execute(
        f"select distinct * from {place} order by all"
    ).fetchall()


def compute_keys(current: Pass, table: DynamicTable, keys: Sequence[tuple[object, ...]]) -> None:
    """Compute and write the rows of some keys, in a transaction that is not committed."""
    query = f"from {working.target(table.name)}"
    name = f"affected_{table.name}"
    key_table(current.statements, name, query, table.refresh_key, keys)
    _recompute(current, table, len(keys))


# -- what differs -------------------------------------------------------------------------------


def _write_new(current: Pass, table: DynamicTable, rows: int) -> Written:
    """Write the rows of keys that had none, as most events are: there is nothing to compare."""
    name = table.name
    text = f"insert into {working.target(name)} from {working.computed(name)}"
    if inserted := current.statements.count(text, rows=rows):
        current.differing[name] = inserted
        current.only_new.add(name)
    return Written(INCREMENTAL, inserted, 0)


def _write_difference(current: Pass, table: DynamicTable, action: str, rows: int) -> Written:
    """Replace the rows of every key whose rows differ, and note what was in them."""
    run, name, keys = current.statements, table.name, ", ".join(table.refresh_key)
    computed, stored = working.computed(name), working.stored(name)
    differing = run.table(f"differing_{name}", f"select {keys} from {working.target(name)}")
    # Counted and not merely compared: a table may hold the same row twice.
    run.count(
        f"""
        insert into {differing}
        select distinct {keys}
        from (
            select * exclude (times)
            from (
                select *, 1 as times from {computed}
                union all
                select * exclude (stored_row), -1 as times from {stored}
            )
            group by all
            having sum(times) <> 0
        )
        """,
        rows=rows,
    )
    deleted = run.count(
        f"delete from {working.target(name)} where rowid in ("
        f"select stored_row from {stored} as stored {working.only_differing(table, 'stored')})",
        rows=rows,
    )
    removed = 0
    if deleted:
        same = working.same_key(table, "differing", "computed")
        removed = run.count(
            f"select count(*) from {differing} as differing"
            f" anti join {computed} as computed on {same}",
            rows=rows,
        )
    inserted = run.count(
        f"insert into {working.target(name)}"
        f" from {computed} as computed {working.only_differing(table, 'computed')}",
        rows=rows,
    )
    if inserted or deleted:
        current.differing[name] = inserted + deleted
    return Written(action, inserted, removed)


def _log(current: Pass, table: DynamicTable) -> None:
    """Write what this pass has changed in a table to its log."""
    run, name = current.statements, table.name
    run.known(("log", name), lambda: create_log(run, name))
    states = f"from {SCHEMA}.refresh_states where name = '{name}'"
    version = f"(select coalesce(max(version), 0) + 1 {states}) as version"
    head, put_in = f"insert into {log_of(name)} by name select {version}", "1::tinyint as change, *"
    if name in current.filled:
        run.count_once(f"{head}, {put_in} from {working.target(name)}")
    elif name in current.only_new:
        run.count(f"{head}, {put_in} from {working.computed(name)}", current.differing[name])
    else:
        only = f"as changed {working.only_differing(table, 'changed')}"
        taken_out = (
            f"-1::tinyint as change, * exclude (stored_row) from {working.stored(name)} {only}"
        )
        for rows in (taken_out, f"{put_in} from {working.computed(name)} {only}"):
            run.count(f"{head}, {rows}", current.differing[name])


# -- working tables -----------------------------------------------------------------------------


def _empty_stored(current: Pass, name: str) -> str:
    """Return the working table for the rows that a table holds, with their numbers, empty."""
    return current.statements.table(f"stored_{name}", _stored_rows(name))


def _empty_computed(current: Pass, name: str) -> str:
    """Return the working table for the rows that a table should hold, empty."""
    return current.statements.table(f"computed_{name}", f"select * from {working.target(name)}")


def _stored_rows(name: str, only: str = "") -> str:
    return (
        f"select stored.rowid as stored_row, stored.* from {working.target(name)} as stored {only}"
    )

"""Who reads what changes in a table, and whether they have read all of it."""

import duckdb

from embedded.changes import may_have_changed
from embedded.query_tree import source_tables
from embedded.registry import dynamic_tables, streams


def tables_with_readers(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the tables whose change feed is read."""
    tables = dynamic_tables(connection)
    return set(tables).union(*(one.reads for one in tables.values()))


def has_unread_changes(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Tell whether a stream or a dynamic table has still to read what was changed in a table.

    A dynamic table that is to be filled anew will read rows, not changes.
    """
    offsets = [one.offset_snapshot for one in streams(connection).values() if one.source == table]
    tables = dynamic_tables(connection)
    for reader in tables.values():
        if not reader.is_built or table not in source_tables(reader.query):
            continue
        if table not in tables:
            offsets.append(reader.refreshed_to)
        elif reader.source_versions.get(table) != tables[table].version:
            return True
    return any(may_have_changed(connection, table, one) for one in offsets if one is not None)

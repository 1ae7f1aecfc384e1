"""Putting new rows in the place of old ones, key by key: in the lake, and in what is in memory."""

from collections.abc import Sequence

import duckdb


def delete_keys(
    connection: duckdb.DuckDBPyConnection, target: str, refresh_key: Sequence[str], keys: str
) -> int:
    """Delete the rows of a table whose keys are in another one; return how many."""
    matches = " and ".join(f"target.{key} = changed.{key}" for key in refresh_key)
    delete = f"delete from {target} as target using {keys} as changed where {matches}"
    return _count(connection, delete)


def replace_keys(
    connection: duckdb.DuckDBPyConnection,
    target: str,
    refresh_key: Sequence[str],
    keys: str | None,
    rows: str,
) -> int:
    """Put rows in the place of all that a table has with the keys in another one, None for none.

    Returns how many rows more the table has now.
    """
    deleted = delete_keys(connection, target, refresh_key, keys) if keys is not None else 0
    return _count(connection, f"insert into {target} from {rows}") - deleted


def _count(connection: duckdb.DuckDBPyConnection, change: str) -> int:
    row = connection.execute(change).fetchone()
    return int(row[0]) if row else 0

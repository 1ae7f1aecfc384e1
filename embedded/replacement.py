"""Putting new rows in the place of old ones, key by key: in the lake, and in what is in memory."""

from collections.abc import Sequence

import duckdb


def delete_keys(
    connection: duckdb.DuckDBPyConnection, target: str, refresh_key: Sequence[str], keys: str
) -> None:
    """Delete the rows of a table whose keys are in another one."""
    matches = " and ".join(f"target.{key} = changed.{key}" for key in refresh_key)
    connection.execute(f"delete from {target} as target using {keys} as changed where {matches}")


def replace_keys(
    connection: duckdb.DuckDBPyConnection,
    target: str,
    refresh_key: Sequence[str],
    keys: str,
    rows: str,
) -> None:
    """Put rows in the place of all that a table has with the keys in another one."""
    delete_keys(connection, target, refresh_key, keys)
    connection.execute(f"insert into {target} from {rows}")

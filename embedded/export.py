"""Every table as a Parquet file, for whoever wants to look with other tools or to leave."""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from embedded.engine.storage import CATALOG, Database
from runtime.errors import EngineError, first_line


def export(database: Database, folder: Path) -> Iterator[tuple[str, int]]:
    """Write each table of the pipeline to a folder; yield its name and how many rows it has.

    All files are of one moment. Raises EngineError when the folder holds something already, or
    cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise EngineError(f"{folder} is not empty: name a new folder")
        with database.session() as opened, opened.cursor() as connection:
            connection.execute("begin transaction")
            for name in _tables(connection):
                file = str(folder / f"{name}.parquet").replace("'", "''")
                row = connection.execute(
                    f"copy (from {CATALOG}.main.\"{name}\") to '{file}' (format parquet)"
                ).fetchone()
                yield name, row[0] if row else 0
    except (OSError, duckdb.IOException) as error:
        raise EngineError(f"{folder} cannot be written: {first_line(error)}") from error


def _tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "select table_name from duckdb_tables()"
        f" where database_name = '{CATALOG}' and schema_name = 'main' and not temporary"
        " order by table_name"
    ).fetchall()
    return [name for (name,) in rows]

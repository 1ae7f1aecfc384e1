"""Runs the anonymous procedure of a dbt Python model: the text that was sent, on fakesnow's rows.

Only what such a model uses of a Snowpark session is here. Snowpark itself is tested where it can
run: it has no way to reach a server like this one.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas

from tests.snowflake.standin.statements import QUOTED_BODY, parts


def run_procedure(
    sql: str,
    connection: duckdb.DuckDBPyConnection,
    stages: Path,
    place: list[str],
    note_table: Callable[[str], None],
) -> str:
    """Run `with … as procedure … call …`; return what it returned.

    stages: the folder that holds a folder for each stage. place: the current database and schema.
    note_table: is told of a new table.
    """
    scope: dict[str, Any] = {"__name__": "procedure"}
    exec(compile(QUOTED_BODY.search(sql)[1], "procedure", "exec"), scope)  # noqa: S102 - the project's own
    return str(scope["main"](Session(connection.cursor(), stages, place, note_table)))


class Session:
    """Tables out, frames in, files to a stage."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        stages: Path,
        place: list[str],
        note_table: Callable[[str], None],
    ) -> None:
        self._connection, self._note_table = connection, note_table
        self._place = place
        self.file = Stages(stages, self._place)

    def use_database(self, name: str) -> None:
        self._place[:] = [name.upper()]

    def use_schema(self, name: str) -> None:
        self._place[1:] = [name.upper()]

    def table(self, name: str) -> "Table":
        return Table(self._connection, name)

    def create_dataframe(self, frame: pandas.DataFrame) -> "Frame":
        # Snowpark quotes the names of a pandas frame as they are: lower case would need quotes
        # in every statement that reads them.
        lower = [name for name in frame.columns if name != name.upper()]
        assert not lower, f"columns would be stored in lower case: {lower}"
        return Frame(self._connection, frame, self._note_table)

    createDataFrame = create_dataframe


class Table:
    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        self._connection, self._name = connection, name

    def to_pandas(self) -> pandas.DataFrame:
        frame = self._connection.execute(f"select * from {self._name}").df()
        return frame.rename(columns=str.upper)


class Frame:
    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        frame: pandas.DataFrame,
        note_table: Callable[[str], None],
    ) -> None:
        self._connection, self._frame, self._note_table = connection, frame, note_table

    @property
    def write(self) -> "Frame":
        return self

    def mode(self, name: str) -> "Frame":
        assert name == "overwrite"
        return self

    def save_as_table(self, name: str, **_: Any) -> None:
        frame = self._frame  # noqa: F841 - DuckDB reads it by its name
        # Unquoted names are stored in upper case.
        self._connection.execute(f"create or replace table {name.upper()} as select * from frame")
        self._note_table(name)


class Stages:
    def __init__(self, folder: Path, place: list[str]) -> None:
        """place: the current database and schema."""
        self._folder, self._place = folder, place

    def put(self, path: str, location: str, **_: Any) -> None:
        assert location.startswith("@"), location
        stage, _, rest = location[1:].partition("/")
        folder = self._folder / ".".join([*self._place, *parts(stage)][-3:]) / rest
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder)

"""The only choice of a backend: Snowflake, or the laptop's lake. Both answer the same query()."""

import getpass
import os
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

SNOWFLAKE, LAKE = "snowflake", "lake"
DEFAULT_ROLE = "CHURN_MANAGER"
ROLE_KEY = "role"
# Snowflake's containers log in with this. There every viewer asks with rights of their own.
_CONTAINER_TOKEN = Path("/snowflake/session/token")
_OWN_RIGHTS, _CALLERS_RIGHTS = "snowflake", "snowflake-callers-rights"
_NO_SUCH_OBJECT = 2003  # Snowflake's code for: it does not exist, or this role may not see it
_NOBODY = "viewer"  # a session whose viewer is not known shares its answers with no other


class Unavailable(Exception):
    """There is nothing to ask yet; the message is one line that says why."""


class Source(NamedTuple):
    """All that decides an answer, and so the key of every cache."""

    backend: str
    viewer: str  # whose name is written beside what they do
    role: str = ""  # on Snowflake the viewer has one; nobody chooses it here
    lake: str = ""
    generation: int = 0  # tells a lake from the one that lay in the same folder before


def current_source() -> Source:
    """Return where this run asks: Snowflake as the viewer, or the lake as the previewed role."""
    if _on_snowflake():
        return Source(SNOWFLAKE, _snowflake_viewer())
    _make_importable()
    from embedded.database import lake_path

    catalog = lake_path() / "catalog.sqlite"
    generation = catalog.stat().st_ino if catalog.exists() else 0
    role = st.session_state.get(ROLE_KEY) or DEFAULT_ROLE
    return Source(LAKE, _laptop_viewer(), role, str(lake_path()), generation)


def query(source: Source, sql: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
    """Answer one query; `?` stands for a parameter. Raises Unavailable without a pipeline."""
    ask = _ask_snowflake if source.backend == SNOWFLAKE else _ask_lake
    frame = ask(source, sql, list(parameters))
    # Snowflake answers in capitals, and with dates that pandas does not know as such.
    frame = frame.rename(columns=str.lower)
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in _dates(frame)})


def query_one(source: Source, sql: str, parameters: Sequence[Any] = ()) -> dict[str, Any] | None:
    """Answer a query for one row with that row by name of column, or with None."""
    found = query(source, sql, parameters)
    return None if found.empty else found.iloc[0].to_dict()


def snowflake_session() -> Any:
    """Return the Snowpark session of this viewer."""
    name = _CALLERS_RIGHTS if _CONTAINER_TOKEN.exists() else _OWN_RIGHTS
    return st.connection(name).session()


def _dates(frame: pd.DataFrame) -> list[str]:
    objects = [name for name in frame if frame[name].dtype == object]
    return [name for name in objects if pd.api.types.infer_dtype(frame[name].dropna()) == "date"]


def _on_snowflake() -> bool:
    if chosen := os.environ.get("CHURN_BACKEND"):
        return chosen.lower() == SNOWFLAKE
    return _CONTAINER_TOKEN.exists()


def _snowflake_viewer() -> str:
    """Return who looks: as Snowflake's front door says, else a name of this session alone."""
    for field in ("user_name", "email"):
        if name := st.user.get(field):
            return str(name)
    return st.session_state.setdefault(_NOBODY, f"session {uuid.uuid4()}")


def _laptop_viewer() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return str(os.getuid())


def _ask_snowflake(_: Source, sql: str, parameters: list[Any]) -> pd.DataFrame:
    from snowflake.snowpark.exceptions import SnowparkSQLException

    try:
        return snowflake_session().sql(sql, params=parameters).to_pandas()
    except SnowparkSQLException as error:
        if error.sql_error_code == _NO_SUCH_OBJECT:
            raise Unavailable("the managers' views do not exist, or are not granted") from error
        raise


def _ask_lake(source: Source, sql: str, parameters: list[Any]) -> pd.DataFrame:
    import duckdb

    from embedded.database import CATALOG, explain
    from runtime.errors import EngineError

    try:
        # Sessions run in threads of their own, and a DuckDB connection serves one at a time.
        with _open_lake(source).cursor() as cursor:
            cursor.execute(f"use {CATALOG}.main")
            return cursor.execute(sql, parameters).df()
    except EngineError as error:
        raise Unavailable(str(error)) from error
    except duckdb.CatalogException as error:
        raise Unavailable("the lake holds no pipeline yet: run 'dbt build'") from error
    except duckdb.IOException as error:
        raise Unavailable(explain(error)) from error


@st.cache_resource(max_entries=16, show_spinner=False)
def _open_lake(source: Source) -> Any:
    from embedded.database import connect

    connection = connect(source.role, create=False)
    # Viewers share the processors; for sums of few columns a second one costs more than it brings.
    connection.execute("set threads = 1")
    return connection


def _make_importable() -> None:
    """Let the laptop import `embedded`: `streamlit run` puts only the app's folder on the path."""
    project = str(Path(__file__).parents[1])
    if project not in sys.path:
        sys.path.append(project)

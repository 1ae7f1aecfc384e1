"""The only choice of a backend: Snowflake, or the laptop's lake. Both answer the same query()."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

SNOWFLAKE, LAKE = "snowflake", "lake"
DEFAULT_ROLE = "CHURN_MANAGER"
ROLE_KEY = "role"
# Snowflake's containers log in with this; its warehouses start the app inside a session instead.
_CONTAINER_TOKEN = Path("/snowflake/session/token")
_NO_SUCH_OBJECT = 2003  # Snowflake's code for: it does not exist, or this role may not see it


class Unavailable(Exception):
    """There is nothing to ask yet; the message is one line that says why."""


class Source(NamedTuple):
    """All that decides an answer, and so the key of every cache."""

    backend: str
    role: str = ""  # on Snowflake the session has one; nobody chooses it here
    lake: str = ""
    generation: int = 0  # tells a lake from the one that lay in the same folder before


def current_source() -> Source:
    """Return where this run asks: the Snowflake session, or the lake as the previewed role."""
    if _on_snowflake():
        return Source(SNOWFLAKE)
    _make_importable()
    from embedded.database import lake_path

    catalog = lake_path() / "catalog.sqlite"
    generation = catalog.stat().st_ino if catalog.exists() else 0
    role = st.session_state.get(ROLE_KEY) or DEFAULT_ROLE
    return Source(LAKE, role, str(lake_path()), generation)


def query(source: Source, sql: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
    """Answer one query; `?` stands for a parameter. Raises Unavailable without a pipeline."""
    ask = _ask_snowflake if source.backend == SNOWFLAKE else _ask_lake
    frame = ask(source, sql, list(parameters))
    return frame.rename(columns=str.lower)  # Snowflake answers in capitals


def _on_snowflake() -> bool:
    if chosen := os.environ.get("CHURN_BACKEND"):
        return chosen.lower() == SNOWFLAKE
    if _CONTAINER_TOKEN.exists():
        return True
    if "snowflake.snowpark" not in sys.modules:  # a running session has imported it; we need not
        return False
    from snowflake.snowpark.context import get_active_session
    from snowflake.snowpark.exceptions import SnowparkSessionException

    try:
        get_active_session()
    except SnowparkSessionException:
        return False
    return True


def _ask_snowflake(_: Source, sql: str, parameters: list[Any]) -> pd.DataFrame:
    from snowflake.snowpark.exceptions import SnowparkSQLException

    session = st.connection("snowflake").session()
    try:
        return session.sql(sql, params=parameters).to_pandas()
    except SnowparkSQLException as error:
        if error.sql_error_code == _NO_SUCH_OBJECT:
            raise Unavailable("the managers' views do not exist, or are not granted") from error
        raise


def _ask_lake(source: Source, sql: str, parameters: list[Any]) -> pd.DataFrame:
    import duckdb

    from embedded.database import CATALOG, LakeError, explain

    try:
        # Sessions run in threads of their own, and a DuckDB connection serves one at a time.
        with _open_lake(source).cursor() as cursor:
            cursor.execute(f"use {CATALOG}.main")
            return cursor.execute(sql, parameters).df()
    except LakeError as error:
        raise Unavailable(str(error)) from error
    except duckdb.CatalogException as error:
        raise Unavailable("the lake holds no pipeline yet: run 'dbt build'") from error
    except duckdb.IOException as error:
        raise Unavailable(explain(error)) from error


@st.cache_resource(max_entries=16, show_spinner=False)
def _open_lake(source: Source) -> Any:
    from embedded.database import connect

    return connect(source.role, create=False)


def _make_importable() -> None:
    """Let the laptop import `embedded`: `streamlit run` puts only the app's folder on the path."""
    project = str(Path(__file__).parents[1])
    if project not in sys.path:
        sys.path.append(project)

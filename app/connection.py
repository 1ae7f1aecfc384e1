"""The only choice of a backend: Snowflake, or the laptop's DuckDB. Both answer the same query()."""

import json
import os
import re
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

SNOWFLAKE, DUCKDB = "snowflake", "duckdb"
DEFAULT_ROLE = "CHURN_MANAGER"
ROLE_KEY = "role"
# Snowflake's containers log in with this. There every viewer asks with rights of their own.
_CONTAINER_TOKEN = Path("/snowflake/session/token")
_OWN_RIGHTS, _CALLERS_RIGHTS = "snowflake", "snowflake-callers-rights"
# Written beside this file by `dbt run-operation deploy_dashboard`: database, schema, warehouse.
_PLACE = Path(__file__).with_name("place.json")
_READ = re.compile(r"\b(from|join)\s+(manager_\w+)", re.IGNORECASE)
_NO_SUCH_OBJECT = 2003  # Snowflake's code for: it does not exist, or this role may not see it
# So long a page waits for another process that has the database file.
_PATIENCE_SECONDS = 0.3
AWAY_KEY = "database file is away"  # why the last query was answered from memory
_KEPT_ANSWERS = 128
_NOBODY = "viewer"  # a session whose viewer is not known shares its answers with no other


class Unavailable(Exception):
    """There is nothing to ask yet; the message is one line that says why."""


class Away(Unavailable):
    """Another process has the database file; the message says which."""


class Source(NamedTuple):
    """All that decides an answer, and so the key of every cache."""

    backend: str
    viewer: str
    role: str = ""  # on Snowflake the viewer has one; nobody chooses it here
    home: str = ""
    generation: int = 0  # tells a database from the one that lay in the same folder before


def current_source() -> Source:
    """Return where this run asks: Snowflake as the viewer, or DuckDB as the previewed role."""
    if _on_snowflake():
        return Source(SNOWFLAKE, _snowflake_viewer())
    _make_importable()
    from embedded.engine.storage import churn_home, database_file
    from runtime.user import user_name

    file = database_file()
    generation = file.stat().st_ino if file.exists() else 0
    role = st.session_state.get(ROLE_KEY) or DEFAULT_ROLE
    return Source(DUCKDB, user_name(), role, str(churn_home()), generation)


def query(source: Source, sql: str, parameters: Sequence[Any] = ()) -> pd.DataFrame:
    """Answer one query; `?` stands for a parameter. Raises Unavailable without a pipeline."""
    ask = _ask_snowflake if source.backend == SNOWFLAKE else _ask_duckdb
    frame = ask(source, sql, list(parameters))
    # Snowflake answers in capitals, and with dates that pandas does not know as such.
    frame = frame.rename(columns=str.lower)
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in _dates(frame)})


def query_one(source: Source, sql: str, parameters: Sequence[Any] = ()) -> dict[str, Any] | None:
    """Answer a query for one row with that row by name of column, or with None."""
    found = query(source, sql, parameters)
    return None if found.empty else found.iloc[0].to_dict()


def open_connection() -> None:
    """Open the viewer's connection where there is one; call it at the top of the app.

    Snowflake takes the token that opens it for about two minutes after the viewer came: a page that
    asks later finds the connection open.
    """
    if _on_snowflake() and _CONTAINER_TOKEN.exists():
        _connection()


def snowflake_session() -> Any:
    """Return the Snowpark session of this viewer."""
    return _connection().session()


def in_full(name: str) -> str:
    """Return the name of a view or procedure with its database and schema.

    A session with its viewer's rights may have no schema of its own.
    """
    place = _place()
    return f"{place['database']}.{place['schema']}.{name}" if place else name


def _connection() -> Any:
    """Return the connection of this viewer, which Streamlit keeps for the session."""
    if not _CONTAINER_TOKEN.exists():
        return st.connection(_OWN_RIGHTS)
    warehouse = {"warehouse": place["warehouse"]} if (place := _place()) else {}
    return st.connection(_CALLERS_RIGHTS, **warehouse)


@st.cache_resource(show_spinner=False)
def _place() -> dict[str, str] | None:
    """Return where this app was deployed; None where the connection's settings say it."""
    if not _PLACE.exists():
        return None
    return {name.lower(): value for name, value in json.loads(_PLACE.read_text()).items()}


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


def _ask_snowflake(_: Source, sql: str, parameters: list[Any]) -> pd.DataFrame:
    from snowflake.snowpark.exceptions import SnowparkSQLException

    try:
        sql = _READ.sub(lambda found: f"{found[1]} {in_full(found[2])}", sql)
        return snowflake_session().sql(sql, params=parameters).to_pandas()
    except SnowparkSQLException as error:
        if error.sql_error_code == _NO_SUCH_OBJECT:
            raise Unavailable("the managers' views do not exist, or are not granted") from error
        raise


def _ask_duckdb(source: Source, sql: str, parameters: list[Any]) -> pd.DataFrame:
    import duckdb

    from embedded.engine.storage import NotAvailableError, explain
    from embedded.session import connect
    from runtime.errors import EngineError

    asked = (source, sql, tuple(parameters))
    try:
        with connect(source.role, patience_seconds=_PATIENCE_SECONDS) as connection:
            answer = connection.execute(sql, parameters).df()
    except NotAvailableError as error:
        # dbt has the file, or another command: what was known before stands for a while.
        st.session_state[AWAY_KEY] = str(error)
        if (last := _last_answers().get(asked)) is None:
            raise Away(str(error)) from error
        return last.copy()
    except EngineError as error:
        raise Unavailable(str(error)) from error
    except duckdb.CatalogException as error:
        raise Unavailable("the database holds no pipeline yet: run 'dbt build'") from error
    except duckdb.IOException as error:
        raise Unavailable(explain(error)) from error
    st.session_state.pop(AWAY_KEY, None)
    _remember(asked, answer)
    return answer


@contextmanager
def at_hand(source: Source, patience_seconds: float) -> Iterator[None]:
    """Keep the laptop's database file while the context is open.

    Raises Away when another process has it for longer, and Unavailable when there is none.
    """
    if source.backend != DUCKDB:
        yield
        return
    from embedded.engine.storage import NotAvailableError
    from embedded.session import existing_database
    from runtime.errors import EngineError

    with ExitStack() as stack:
        try:
            stack.enter_context(existing_database().session(patience_seconds))
        except NotAvailableError as error:
            raise Away(str(error)) from error
        except EngineError as error:
            raise Unavailable(str(error)) from error
        yield


def _remember(asked: tuple, answer: pd.DataFrame) -> None:
    """Keep an answer for when the file is away, and the latest ones only."""
    answers = _last_answers()
    answers.pop(asked, None)
    answers[asked] = answer.copy()
    while len(answers) > _KEPT_ANSWERS:
        answers.pop(next(iter(answers)), None)


@st.cache_resource(show_spinner=False)
def _last_answers() -> dict[tuple, pd.DataFrame]:
    return {}


def _make_importable() -> None:
    """Let the laptop import `embedded`: `streamlit run` puts only the app's folder on the path."""
    project = str(Path(__file__).parents[1])
    if project not in sys.path:
        sys.path.append(project)

"""How the dashboard asks in Snowflake's container runtime: with a session that records it.

Only an account can show that Snowflake answers so.
"""

import importlib
import json
import re
import sys

import pandas as pd
import pytest
import streamlit as st
from snowflake.snowpark.exceptions import SnowparkSQLException
from streamlit.testing.v1 import AppTest

from tests.dbt import PROJECT

PLACE = {"DATABASE": "CHURN", "SCHEMA": "PR_17", "WAREHOUSE": "CHURN_WH"}


class Recorder:
    """In the place of st.connection, of what it returns, of its session, and of an answer."""

    def __init__(self) -> None:
        self.opened: list[tuple[str, dict]] = []
        self.asked: list[str] = []

    def __call__(self, name: str, **settings: str) -> "Recorder":
        self.opened.append((name, settings))
        return self

    def session(self) -> "Recorder":
        return self

    def sql(self, sql: str, params: list) -> "Recorder":
        assert self.opened
        self.asked.append(sql)
        return self

    def to_pandas(self) -> pd.DataFrame:
        raise SnowparkSQLException("it does not exist", sql_error_code=2003)

    def collect(self) -> list:
        return [("a1", "done", "refused")]


@pytest.fixture
def recorder(monkeypatch, tmp_path):
    """A container with its viewer's rights, into which the app was deployed."""
    monkeypatch.syspath_prepend(str(PROJECT / "app"))
    monkeypatch.delenv("CHURN_BACKEND", raising=False)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    connection = importlib.import_module("connection")
    for name, text in {"token": "a.b", "place.json": json.dumps(PLACE)}.items():
        (tmp_path / name).write_text(text)
    recorder = Recorder()
    monkeypatch.setattr(connection, "_CONTAINER_TOKEN", tmp_path / "token")
    monkeypatch.setattr(connection, "_PLACE", tmp_path / "place.json")
    monkeypatch.setattr(st, "connection", recorder)
    st.cache_data.clear(), st.cache_resource.clear()
    yield recorder
    st.cache_data.clear(), st.cache_resource.clear()


def test_the_viewers_connection_is_opened_before_anything_is_shown(recorder, monkeypatch):
    monkeypatch.setattr(
        st, "set_page_config", lambda **_: recorder.asked.append(f"opened {len(recorder.opened)}")
    )
    app = AppTest.from_file(str(PROJECT / "app" / "streamlit_app.py"), default_timeout=30).run()
    assert not app.exception
    assert recorder.asked[0] == "opened 1"
    assert set(map(str, recorder.opened)) == {
        str(("snowflake-callers-rights", {"warehouse": "CHURN_WH"}))
    }
    assert any("from CHURN.PR_17.manager_" in sql for sql in recorder.asked)
    assert "views do not exist, or are not granted" in " ".join(text.value for text in app.text)


def test_a_procedure_is_called_by_its_full_name(recorder):
    connection = importlib.import_module("connection")
    actions = importlib.import_module("actions")
    source = connection.Source(connection.SNOWFLAKE, "ANN")
    chosen = pd.DataFrame({"alert_id": ["a1"], "customer_id": ["c1"]})
    actions.move(source, chosen, "APPROVED", "")
    [call] = recorder.asked
    assert call.startswith("call CHURN.PR_17.move_alerts(alert_ids => ?")


def test_every_view_that_the_app_asks_is_named_in_full():
    sys.path.insert(0, str(PROJECT / "app"))
    try:
        read = importlib.import_module("connection")._READ
    finally:
        sys.path.remove(str(PROJECT / "app"))
    views = re.compile(r"(?<![\w/])manager_(?!regions)\w+")
    found = 0
    for file in (PROJECT / "app").rglob("*.py"):
        if file.name != "connection.py":
            text = file.read_text()
            assert views.findall(text) == [one[2] for one in read.finditer(text)], file
            found += len(views.findall(text))
    assert found > 20


def test_everything_that_the_app_needs_goes_to_snowflake():
    """What is imported is uploaded, and the Streamlit that is deployed is the one tested here."""
    app = PROJECT / "app"
    macro = (PROJECT / "macros" / "operations" / "dashboard.sql").read_text()
    patterns = re.findall(r"'([^']+)'", macro.split("macro dashboard_files()")[1])
    uploaded = {file for pattern in patterns for file in app.glob(pattern)}
    assert uploaded == {*app.rglob("*.py"), app / "requirements.txt"}
    [pin] = [line for line in (app / "requirements.txt").read_text().split() if "==" in line]
    assert pin in (PROJECT / "requirements" / "locked.txt").read_text().split()

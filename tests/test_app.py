"""The dashboard on a real lake: without one, empty, and with customers."""

import json
import sys
from datetime import datetime, timedelta, timezone

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from embedded.database import connect, transact
from embedded.scheduler import tick
from tests.dbt import PROJECT

MODEL = "forest-test"
NASTY = '<img src=x onerror="alert(1)"> **bold** [x](http://x) =1+1'
REASONS = json.dumps([{"code": "silent", "text": "No activity for 20 days, usually every 3"}])
PAGES = ["overview", "risk_queue", "customer"]


@pytest.fixture(scope="module")
def lake(empty_lakes, tmp_path_factory):
    """A lake with the empty pipeline, as `dbt build` leaves it."""
    return empty_lakes.copy("all", tmp_path_factory.mktemp("app") / "lake")


@pytest.fixture
def customers(filled, monkeypatch):
    """The lake with customers, as the one that this test opens."""
    monkeypatch.setenv("CHURN_LAKE", str(filled))
    return filled


@pytest.fixture(scope="module")
def filled(lake):
    """The same lake with four customers: three at risk, one of them held out; one not scored."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_LAKE", str(lake))
        with connect() as connection:
            transact(connection, _insert_events)
            tick(connection)
            transact(connection, _insert_scores)
    return lake


@pytest.fixture(autouse=True)
def _fresh_caches():
    st.cache_data.clear()


def _insert_events(connection):
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    names = {"C1": NASTY, "C2": "Ben Haas", "C3": "Ines Abel", "C4": "Emil Dubois"}
    rows = []
    for number, (customer_id, name) in enumerate(names.items()):
        profile = {"name": name, "email": f"{customer_id}@example.com", "region": "north"}
        profile |= {"segment": "premium", "marketing_consent": number != 2}
        rows.append((customer_id, "profile_updated", now - timedelta(days=90), None, profile))
        for day in range(0, 60, 10):
            rows.append((customer_id, "purchase", now - timedelta(days=day), 20.0 + number, {}))
    connection.executemany(
        """
        insert into churn_scores_raw
        values (?, ?, ?, ?, ?, ?, 'churn.events', 0, ?, ?, ?)
        """,
        [
            (f"e{n}", who, kind, at, amount, json.dumps({"properties": more}), n, at, now)
            for n, (who, kind, at, amount, more) in enumerate(rows)
        ],
    )


def _insert_scores(connection):
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    connection.execute(
        "insert into train_churn_model (version, status, trained_at) values (?, 'trained', ?)",
        [MODEL, now],
    )
    connection.execute(
        "insert into model_promotions values (?, 'promoted', 'the first version', 'test', ?)",
        [MODEL, now],
    )
    for customer_id, score, value, status in [
        ("C1", 0.61, 120.5, "OPEN"),
        ("C2", 0.42, 300.25, "OPEN"),
        ("C3", 0.35, 10.0, "HELD_OUT"),
    ]:
        connection.execute(
            "insert into churn_scores values (?, ?, 'high', ?, ?, ?, ?, 'hash', ?)",
            [customer_id, score, now, value, REASONS, MODEL, now],
        )
        connection.execute(
            "insert into high_risk_history"
            " values (?, ?, ?, 0.2, ?, ?, 'welcome_back', ?, ?, ?, ?, 'default', null)",
            [
                *(f"alert-{customer_id}", customer_id, score, value, REASONS),
                *("holdout" if status == "HELD_OUT" else "treated", status, MODEL, now),
            ],
        )
        connection.execute(
            "insert into alert_events values (?, ?, '', ?, 'process_alerts', '', ?)",
            [f"event-{customer_id}", f"alert-{customer_id}", status, now],
        )
    connection.execute(
        "insert into alert_events values"
        " ('drafted', 'alert-C1', 'OPEN', 'DRAFTED', 'template', '', ?)",
        [now],
    )
    connection.execute(
        """
        insert into retention_emails
        values ('alert-C1', ?, 'Dear customer', 'template', 'none', '1', '{"length":true}',
            'DRAFTED', null, ?, 0, 'template')
        """,
        [f"{NASTY}, we have missed you", now],
    )


def _app(monkeypatch, path, page="overview", role=None, customer_id=None):
    monkeypatch.setenv("CHURN_LAKE", str(path))
    monkeypatch.delenv("CHURN_BACKEND", raising=False)
    # AppTest leaves the app behind as the main module, which new processes of tests would run.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    app = AppTest.from_file(str(PROJECT / "app" / "streamlit_app.py"), default_timeout=20)
    if role:
        app.session_state["role"] = role
    if customer_id:
        app.query_params["customer_id"] = customer_id
    app.run()
    if page != "overview":
        app.switch_page(f"views/{page}.py").run()
    assert not app.exception, app.exception
    return app


def _words(app):
    """All that is rendered as markdown, where a customer's text must never be."""
    kinds = [app.markdown, app.caption, app.title, app.subheader, app.info, app.warning, app.error]
    return " ".join(str(element.value) for kind in kinds for element in kind)


@pytest.mark.parametrize("page", PAGES)
def test_no_lake_is_one_calm_message(monkeypatch, tmp_path, page):
    app = _app(monkeypatch, tmp_path / "none", page)
    assert len(app.info) == 1
    assert "make demo" in app.info[0].value
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("page", PAGES)
def test_lake_without_pipeline_is_one_calm_message(monkeypatch, tmp_path, page):
    monkeypatch.setenv("CHURN_LAKE", str(tmp_path / "bare"))
    connect().close()
    app = _app(monkeypatch, tmp_path / "bare", page)
    assert len(app.info) == 1
    assert "dbt build" in app.info[0].value


# These come before the tests with customers: those fill the same lake.
@pytest.mark.parametrize("page", PAGES)
def test_empty_pipeline_says_what_to_do(monkeypatch, lake, page):
    app = _app(monkeypatch, lake, page)
    assert len(app.info) == 1
    assert "no events yet" in app.info[0].value
    assert not app.metric
    assert not app.warning


@pytest.mark.parametrize("role", ["DATA_ENGINEER", "CHURN_MANAGER_NORTH"])
@pytest.mark.parametrize("page", PAGES)
def test_pages_render_with_customers(monkeypatch, customers, page, role):
    app = _app(monkeypatch, customers, page, role, customer_id="C2" if page == "customer" else None)
    assert not app.warning
    assert "no activity in the next 28 days" in _words(app) or page == "customer"


def test_tiles_equal_sql(monkeypatch, customers):
    app = _app(monkeypatch, customers)
    with connect(create=False) as connection:
        counted, at_risk, value = connection.execute(
            "select count(*), count(*) filter (where band = 'high'),"
            " sum(value_at_risk) filter (where band = 'high') from manager_customers"
        ).fetchone()
        alerts, drafts = connection.execute(
            "select count(*), count(*) filter (where status = 'DRAFTED') from manager_messages"
        ).fetchone()
    tiles = {metric.label: metric.value for metric in app.metric}
    assert (counted, at_risk, alerts, drafts) == (4, 3, 3, 1)
    assert tiles["Customers"] == str(counted)
    assert tiles["At risk"] == str(at_risk)
    assert tiles["Value at risk in the next 28 days"] == f"{value:,.2f}"
    assert tiles["New alerts, 24 h"] == str(alerts)
    assert tiles["Messages drafted"] == str(drafts)
    assert all(metric.help for metric in app.metric)
    assert MODEL in _words(app)


def test_role_without_customers_is_told_so(monkeypatch, customers):
    app = _app(monkeypatch, customers, role="CHURN_MANAGER_WEST")
    assert "sees no customers" in app.info[0].value


def test_old_data_are_said_first(monkeypatch, customers):
    with connect(create=False) as connection:
        _shift(connection, "- interval 1 day")
        app = _app(monkeypatch, customers)
        _shift(connection, "+ interval 1 day")
    assert "older than 10 minutes; nothing new is scored" in app.warning[0].value


def _shift(connection, interval):
    connection.execute(
        f"update churn_metrics_live set last_activity_at = last_activity_at {interval}"
    )


def test_queue_is_sorted_and_says_who_is_held_out(monkeypatch, customers):
    app = _app(monkeypatch, customers, "risk_queue")
    rows = app.dataframe[0].value
    assert rows["customer_id"].tolist() == ["C2", "C1", "C3"]
    assert rows["alert"].tolist()[2].startswith("Held out")
    assert rows["reason"].tolist()[0].startswith("No activity for 20 days")
    assert MODEL in _words(app)


def test_selection_survives_a_new_order_and_opens_the_customer(monkeypatch, customers):
    app = _app(monkeypatch, customers, "risk_queue")
    app.session_state["risk_queue"] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    app.run()
    assert app.button(key="open_customer").label == "Open customer C1"
    with connect(create=False) as connection:
        connection.execute("update churn_scores set value_at_risk = 999 where customer_id = 'C1'")
        st.cache_data.clear()
        app.run()
        connection.execute("update churn_scores set value_at_risk = 120.5 where customer_id = 'C1'")
    assert app.dataframe[0].value["customer_id"].tolist()[0] == "C1"
    assert app.button(key="open_customer").label == "Open customer C1"
    app.button(key="open_customer").click().run()
    assert not app.exception
    assert app.title[0].value == "Customer"
    assert app.query_params["customer_id"] in ("C1", ["C1"])


def test_names_are_text_and_never_markup(monkeypatch, customers):
    for page in PAGES:
        app = _app(monkeypatch, customers, page, customer_id="C1" if page == "customer" else None)
        assert "onerror" not in _words(app)
    assert NASTY in [text.value for text in app.text]
    assert NASTY in app.code[0].value


def test_customer_page_names_horizon_model_and_reasons(monkeypatch, customers):
    app = _app(monkeypatch, customers, "customer", customer_id="C3")
    tiles = {metric.label: metric.value for metric in app.metric}
    assert tiles["Risk in the next 28 days"] == "35%"
    assert MODEL in _words(app)
    texts = [text.value for text in app.text]
    assert "1. No activity for 20 days, usually every 3" in texts
    assert any(text.startswith("Held out") for text in texts)
    assert not app.code  # nothing is drafted for a held-out customer


def test_unknown_and_unscored_customers(monkeypatch, customers):
    app = _app(monkeypatch, customers, "customer", customer_id="C4")
    assert "not scored" in _words(app)
    app = _app(monkeypatch, customers, "customer", customer_id="<b>nobody</b>")
    assert "no customer with that id" in app.info[0].value


def test_masked_role_sees_masked(monkeypatch, customers):
    app = _app(monkeypatch, customers, "risk_queue", role="DATA_ENGINEER")
    assert set(app.dataframe[0].value["name"]) == {"masked"}
    app = _app(monkeypatch, customers, "customer", role="DATA_ENGINEER", customer_id="C2")
    assert "masked" in [text.value for text in app.text]
    app = _app(monkeypatch, customers, "customer", role="CHURN_MANAGER", customer_id="C2")
    assert "Ben Haas" in [text.value for text in app.text]

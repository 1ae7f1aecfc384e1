"""Event types of a business: its own categories build, and what none of them names is counted."""

import json
from datetime import timedelta

import pytest
import streamlit as st

from runtime.clock import utc_now
from tests.conftest import EPOCH, Pipeline, event
from tests.dbt import render, run_dbt
from tests.test_app import markdown, open_app, texts, turn_to

OWN = {"purchase": ["order_placed"], "friction": [], "pause": None}


@pytest.fixture
def built(empty_pipelines, tmp_path, monkeypatch):
    """A whole pipeline, views and seeds included."""
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
    pipeline = Pipeline(empty_pipelines.copy("all", tmp_path / "home"))
    yield pipeline
    pipeline.close()


@pytest.mark.parametrize("categories", [OWN, {}])
def test_a_build_passes_whatever_types_are_named(built, categories):
    events = [
        event("1", "c1", "order_placed", EPOCH, amount=12.0),
        event("2", "c1", "purchase", EPOCH - timedelta(days=1), amount=5.0),
        event("3", "c1", "subscription_paused", EPOCH - timedelta(days=2)),
    ]
    built.add(*events)
    built.close()
    given = ("--vars", json.dumps({"event_categories": categories}))
    done = run_dbt("build", "-s", "staging", "metrics", "unnamed_event_types+", *given)
    assert "ERROR=0 SKIP=0" in done.stdout
    built.refresh()
    metrics = "select purchase_count_84d, activity_count_84d, paused_at from churn_metrics_live"
    assert built.rows(metrics) == [(1, 2, None) if categories else (0, 3, None)]
    named = {one for types in categories.values() for one in types or []}
    unnamed = built.rows("select event_type from unnamed_event_types order by 1")
    assert unnamed == [(one["event_type"],) for one in events if one["event_type"] not in named]


@pytest.mark.parametrize("categories", [OWN, {}])
def test_types_mean_the_same_on_both_engines(categories):
    query = "select {{ event_category('event_type', 'amount') }} as category"
    given = ("--vars", json.dumps({"event_categories": categories}))
    sql = [render(query, *given, target=target).strip() for target in ("duckdb", "snowflake")]
    assert sql[0] == sql[1]
    assert "'activity'" in sql[0]


def test_types_that_no_category_names_are_counted_and_shown(built, monkeypatch):
    now = utc_now()
    day = timedelta(days=1)
    built.add(
        event("1", "c1", "kiosk_scanned", now - 3 * day),
        event("2", "c1", "kiosk_scanned", now - 2 * day),
        event("3", "c2", "kiosk_scanned", now - day),
        event("4", "c2", "newsletter_read", now - 5 * day),
        event("5", "c2", "forgotten_long_ago", now - 200 * day),
        event("6", "c2", "login", now),
        event("7", "c2", "invoice_issued", now),
    )
    built.tick()
    expected = [
        ("kiosk_scanned", "activity", 3, 2, now - day),
        ("newsletter_read", "activity", 1, 1, now - 5 * day),
    ]
    query = "select event_type, counts_as, events, customers, last_seen_at from {} order by 1"
    assert built.rows(query.format("unnamed_event_types")) == expected
    assert built.rows(query.format("manager_unnamed_event_types")) == expected
    shown = run_dbt("run-operation", "show_pipeline").stdout
    assert "kiosk_scanned | activity | 2 |" in shown
    st.cache_data.clear()
    app = open_app(monkeypatch, built.path, "health")
    tables = [frame.value for frame in app.dataframe if "counts_as" in frame.value]
    assert [list(one["event_type"]) for one in tables] == [["kiosk_scanned", "newsletter_read"]]
    assert "under `service` if a system sent it" in markdown(app)


def test_a_customer_who_pauses_is_shown_as_one(built, monkeypatch):
    now = utc_now()
    built.add(
        event("1", "c1", "login", now),
        event("2", "c1", "subscription_paused", now),
        event("3", "c2", "login", now),
    )
    built.tick()
    st.cache_data.clear()
    app = open_app(monkeypatch, built.path, customer_id="c1")
    assert "Paused: 1 customers are not scored, and not written to" in markdown(app)
    app = turn_to(app, "customer")
    assert f"until the customer is back; since {now:%Y-%m-%d %H:%M} UTC" in markdown(app) + texts(
        app
    )

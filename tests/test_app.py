"""The dashboard's pages on real pipelines: without one, empty, with one and with many customers."""

import sys
from datetime import timedelta

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from embedded.session import connect, open_database
from runtime.clock import utc_now
from tests.app_pipeline import MODEL, NASTY, fill
from tests.conftest import Pipeline, event
from tests.dbt import PROJECT

PAGES = [
    "overview",
    "action_queue",
    "customer",
    "outreach",
    "outcomes",
    "cohorts",
    "model",
    "health",
]
HOSTILE = ("onerror", "<script", "](http", "\u202e")


@pytest.fixture(scope="module")
def pipelines(empty_pipelines, tmp_path_factory):
    """Pipelines by their number of customers, made when they are asked for."""
    made = {}

    def pipeline(customers: int):
        if customers not in made:
            path = empty_pipelines.copy(
                "all", tmp_path_factory.mktemp("app") / f"pipeline-{customers}"
            )
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("CHURN_HOME", str(path))
                if customers:
                    fill(open_database(path), customers)
            made[customers] = path
        return made[customers]

    return pipeline


@pytest.fixture(autouse=True)
def _fresh_caches():
    st.cache_data.clear()


def open_app(monkeypatch, path, page="overview", role=None, customer_id=None):
    monkeypatch.setenv("CHURN_HOME", str(path))
    monkeypatch.delenv("CHURN_BACKEND", raising=False)
    # AppTest leaves the app behind as the main module, which new processes of tests would run.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    app = AppTest.from_file(str(PROJECT / "app" / "streamlit_app.py"), default_timeout=30)
    if role:
        app.session_state["role"] = role
    if customer_id:
        app.query_params["customer_id"] = customer_id
    app.run()
    return turn_to(app, page) if page != "overview" else app


def turn_to(app, page):
    app.switch_page(f"views/{page}.py").run()
    assert not app.exception, (page, app.exception)
    return app


def markdown(app):
    """All that is rendered as Markdown, where a customer's text must never be."""
    kinds = [app.markdown, app.caption, app.title, app.header, app.info, app.warning, app.error]
    kinds += [app.success, app.button, app.metric]
    said = [getattr(one, "label", "") or "" for kind in kinds for one in kind]
    said += [str(getattr(one, "value", "")) for kind in kinds for one in kind]
    return " ".join([*said, *(str(one.proto.help) for one in app.metric)])


def texts(app):
    return " ".join(str(text.value) for text in app.text)


def tiles(app):
    return {metric.label: metric.value for metric in app.metric}


def every_page(monkeypatch, path, role=None, customer_id=None):
    app = open_app(monkeypatch, path, role=role, customer_id=customer_id)
    for page in PAGES:
        st.cache_data.clear()
        yield page, turn_to(app, page)


def test_no_database_is_one_calm_message(monkeypatch, tmp_path):
    for page, app in every_page(monkeypatch, tmp_path / "none"):
        assert len(app.info) == 1, page
        assert "make demo" in app.info[0].value
    assert not (tmp_path / "none").exists()


def test_a_database_without_a_pipeline_is_one_calm_message(monkeypatch, tmp_path):
    open_database(tmp_path / "bare").rows("select 1")
    for page, app in every_page(monkeypatch, tmp_path / "bare"):
        assert len(app.info) == 1, page
        assert "dbt build" in app.info[0].value


def test_no_customers_says_what_to_do(monkeypatch, pipelines):
    for page, app in every_page(monkeypatch, pipelines(0)):
        assert len(app.info) == 1, page
        assert "no events yet" in app.info[0].value
        assert not app.metric
        assert not app.warning


def test_one_customer_fills_every_page(monkeypatch, pipelines):
    for page, app in every_page(monkeypatch, pipelines(1), customer_id="c0000"):
        assert "no activity in the next 28 days" in markdown(app), page
        assert MODEL in markdown(app), page
        # The model of the fixture is old: that it should be trained again is said, nothing else.
        assert all("trained again" in one.value for one in app.warning), page
        assert not [word for word in HOSTILE if word in markdown(app)], page


def test_what_can_be_chosen_is_short_and_shows_what_is_invisible(monkeypatch, pipelines):
    """The one customer's segment has 10,000 letters, and the address may name any customer."""
    for page, app in every_page(monkeypatch, pipelines(1), customer_id="x" * 10_000 + "\u202e"):
        shown = [one for box in (*app.selectbox, *app.multiselect) for one in box.options]
        assert [one for one in shown if len(one) > 410 or "\u202e" in one] == [], page
        if page == "cohorts":
            app.selectbox(key="cohort_segment").select_index(1).run()
            assert not app.exception
            assert app.selectbox(key="cohort_segment").value == NASTY.strip()


@pytest.mark.parametrize("role", ["MARKETING_ANALYST", "DATA_ENGINEER", "CHURN_MANAGER_NORTH"])
def test_many_customers_fill_every_page_for_each_role(monkeypatch, pipelines, role):
    for page, app in every_page(monkeypatch, pipelines(5_000), role, customer_id="c0020"):
        assert "no activity in the next 28 days" in markdown(app), page
        assert all(metric.proto.help for metric in app.metric), page
        assert "A preview, not protection." in markdown(app), page
        shown = [frame.value for frame in app.dataframe]
        names = {name for frame in shown if "name" in frame for name in frame["name"]}
        names = names if page in ("overview", "action_queue", "outreach") else set()
        is_masked = role != "CHURN_MANAGER_NORTH"
        if is_masked:
            assert names <= {"masked"}, page
        if role == "CHURN_MANAGER_NORTH":
            assert all(int(name.split()[-1]) % 4 == 0 for name in names if "Customer" in name)
        if names:
            assert len(names) >= (1 if is_masked else 5), page


def test_tiles_equal_sql(monkeypatch, pipelines):
    for role in ("CHURN_MANAGER", "CHURN_MANAGER_EAST"):
        app = open_app(monkeypatch, pipelines(5_000), role=role)
        with connect(role) as connection:
            at_risk, value = connection.execute(
                "select count(*), sum(value_at_risk) from manager_risk_queue"
            ).fetchone()
            alerts, drafts = connection.execute(
                "select count(*), count(*) filter (where state = 'DRAFTED') from manager_outreach"
            ).fetchone()
            counted = connection.execute("select count(*) from manager_customers").fetchone()[0]
            overview = connection.execute("select customers from manager_overview").fetchone()[0]
        shown = tiles(app)
        assert (at_risk, counted, overview) == (
            (500, 5_000, 5_000) if role == "CHURN_MANAGER" else (0, 1_250, 1_250)
        ) or role == "CHURN_MANAGER_EAST"
        assert counted == overview
        assert shown["Customers at risk"] == f"{at_risk:,}"
        assert shown["Value at risk, next 28 days"].replace(",", "") == f"{value or 0:.0f}" or (
            shown["Value at risk, next 28 days"] == f"{value or 0:,.2f}"
        )
        assert shown["New alerts, 24 h"] == f"{alerts:,}"
        assert shown["Waiting for approval"] == f"{drafts:,}"


def test_role_without_customers_is_told_so(monkeypatch, pipelines):
    app = open_app(monkeypatch, pipelines(1), role="CHURN_MANAGER_WEST")
    assert "sees no customers" in app.info[0].value


def test_old_data_are_said_first_on_every_page(monkeypatch, pipelines):
    monkeypatch.setenv("CHURN_HOME", str(pipelines(1)))
    with connect() as connection:
        _shift(connection, "- interval 1 day")
        for page, app in every_page(monkeypatch, pipelines(1), customer_id="c0000"):
            assert "older than 10 minutes; nothing new is scored" in app.warning[0].value, page
        _shift(connection, "+ interval 1 day")


def test_history_is_said_first_on_every_page_and_is_no_warning(monkeypatch, pipelines):
    monkeypatch.setenv("CHURN_HOME", str(pipelines(1)))
    with connect() as connection:
        _shift(connection, "- interval 1 day")
        connection.execute("update churn_scores_raw set kafka_topic = 'file:orders.csv'")
        for page, app in every_page(monkeypatch, pipelines(1), customer_id="c0000"):
            assert app.info[0].value.startswith("History: the data ends on 2"), page
            assert not any("older than" in one.value for one in app.warning), page
        connection.execute("update churn_scores_raw set kafka_topic = 'churn.events'")
        _shift(connection, "+ interval 1 day")


def _shift(connection, interval):
    connection.execute(
        f"update churn_metrics_live set last_activity_at = last_activity_at {interval}"
    )


def test_no_risk_is_told_without_horizon_and_model(monkeypatch, pipelines):
    """Every page that shows a risk says how far it looks ahead, and which model says so."""
    for page, app in every_page(monkeypatch, pipelines(5_000), customer_id="c0020"):
        said = markdown(app) + texts(app)
        for word in ("saved", "Saved"):
            assert word not in said, page
        labels = [*tiles(app), *(h.value for h in app.header), *_columns(app)]
        risks = [label for label in labels if "risk" in label.lower() and "at risk" not in label]
        assert not [label for label in risks if label in ("Risk", "Score")], page
        assert "next 28 days" in said, page
        assert MODEL in said, page


def test_who_stayed_or_left_stands_beside_the_held_out_with_its_n(monkeypatch, pipelines):
    monkeypatch.setenv("CHURN_HOME", str(pipelines(5_000)))
    with connect() as connection:
        connection.execute("""
            insert into outcomes
            select
                alert_id, customer_id, arm, (hash(alert_id) % 5 = 0)::integer, created_at, 28, 10
            from high_risk_history
            where arm = 'treated' or customer_id < 'c2000';
            insert into alert_events
            select
                md5(alert_id || 'drawn'), alert_id, 'DRAFTED',
                case arm when 'holdout' then 'HELD_OUT' else 'APPROVED' end, 'test', '', created_at
            from high_risk_history
        """)
        try:
            overview = open_app(monkeypatch, pipelines(5_000))
            outcomes = turn_to(overview, "outcomes")
        finally:
            connection.execute("delete from outcomes")
            connection.execute("delete from alert_events where actor = 'test'")
    basis = {metric.label: metric.delta for metric in outcomes.metric}
    assert basis["Left, treated"] == "n 450"
    assert basis["Left, held out"] == "n 20: too few to tell"
    assert "points" in basis["Difference"]
    assert "Stayed or left" in [heading.value for heading in outcomes.header]
    [numbers] = [frame for frame in outcomes.dataframe if "treated_percent" in frame.value]
    assert "color" in numbers.proto.arrow_data.styler.styles
    assert set(numbers.value["note"]) == {"too few to tell"}


def _columns(app):
    import json

    configs = [json.loads(frame.proto.columns or "{}") for frame in app.dataframe]
    return [column.get("label") or "" for config in configs for column in config.values() if column]


def test_rates_of_few_are_greyed_and_said(monkeypatch, pipelines):
    app = open_app(monkeypatch, pipelines(1), "model")
    segments, regions = (frame for frame in app.dataframe if "observed_percent" in frame.value)
    assert segments.value["note"].tolist() == ["too few to tell"]
    assert regions.value["note"].tolist() == ["more left than predicted"]
    assert regions.value["alert_interval"].tolist() == ["14.0% to 28.0%"]
    assert "color" in segments.proto.arrow_data.styler.styles


def test_customer_page_names_reasons_and_the_nasty_name_as_text(monkeypatch, pipelines):
    app = open_app(monkeypatch, pipelines(1), "customer", customer_id="c0000")
    assert tiles(app)["Risk, next 28 days"] == "61%"
    assert "1. No activity for 20 days, usually every 3" in texts(app)
    assert NASTY[:30] in app.code[0].value
    [facts] = [frame.value for frame in app.dataframe if "fact" in frame.value]
    assert NASTY[:30] in facts["value"].tolist()[0]
    assert "[U+202E]" in facts["value"].tolist()[0]


def test_a_risk_that_no_figure_explains_is_said_so(monkeypatch, pipelines):
    app = open_app(monkeypatch, pipelines(100), "customer", customer_id="c0020")
    assert "No single reason: the risk comes from several figures together." in markdown(app)
    assert "low one" not in markdown(app)
    for page in ("overview", "action_queue"):
        frames = [frame.value for frame in turn_to(app, page).dataframe]
        [about] = [frame.set_index("name")["about"] for frame in frames if "about" in frame]
        assert about.pop("Customer 20") == "No single reason", page
        assert set(about) == {"Silent"}, page
    [queue] = [frame.value for frame in app.dataframe if "reason" in frame.value]
    reasons = queue.set_index("name")["reason"]
    assert reasons["Customer 20"] == "No single reason"
    assert reasons["Customer 10"].startswith("No activity for 20 days")
    monkeypatch.setenv("CHURN_HOME", str(pipelines(100)))
    with connect() as connection:
        found = connection.execute("from manager_outreach where customer_id = 'c0020'")
        alert = dict(
            zip((column[0] for column in found.description), found.fetchone(), strict=True)
        )
    monkeypatch.syspath_prepend(str(PROJECT / "app"))
    beside_the_draft = AppTest.from_function(_facts_of_an_alert, args=(alert,)).run()
    assert texts(beside_the_draft).endswith(" No single reason")


def _facts_of_an_alert(alert):
    import drafts
    from words import Terms

    drafts.facts(alert, Terms(28, "forest-test"))


def test_unknown_and_unscored_customers(monkeypatch, pipelines):
    app = open_app(monkeypatch, pipelines(5_000), "customer", customer_id="c0005")
    assert "not scored: too few active days so far" in markdown(app)
    app = open_app(monkeypatch, pipelines(5_000), "customer", customer_id="<b>nobody</b>")
    assert "no customer with that id" in app.info[0].value


def test_an_id_that_was_merged_opens_the_one_customer(monkeypatch, pipelines):
    pipeline = Pipeline(pipelines(3))
    at, gone = utc_now() - timedelta(days=1), f"visitor {NASTY}"[:64]
    pipeline.add(
        *[event(one, one, "login", at) for one in ("other", gone)],
        *[
            event(f"m{n}", into, "customer_merged", at, properties={"merged_id": gone})
            for n, into in enumerate(["c0001", "c0002"])
        ],
    )
    pipeline.refresh()
    pipeline.close()
    app = open_app(monkeypatch, pipelines(3), "customer", customer_id=gone)
    assert "was merged into this customer, c0001." in texts(app)
    assert f" since {at:%Y-%m-%d}." in texts(app)
    assert "Includes visitor " in texts(app)
    assert not any(sign in markdown(app) for sign in HOSTILE)
    [table] = [frame.value for frame in app.dataframe if "event_type" in frame.value]
    assert "customer_merged" in table["event_type"].tolist()
    frames = [frame.value for frame in turn_to(app, "health").dataframe]
    [merges] = [one for one in frames if list(one.columns) == ["reason", "events"]]
    assert merges.values.tolist() == [["the id was merged into another one before", 1]]


def test_drafts_without_an_llm_cost_nothing_and_say_so(monkeypatch, pipelines):
    app = open_app(monkeypatch, pipelines(1), "outreach")
    assert "No language model was asked" in markdown(app)
    assert "Written by template" in texts(app)

"""Who is still here or gone already, who is too new, and what became of others like them."""

import pytest
import streamlit as st

from embedded.session import connect, open_database
from tests.app_pipeline import MODEL, fill
from tests.test_app import markdown, open_app, tiles


@pytest.fixture(scope="module")
def path(empty_pipelines, tmp_path_factory):
    """A pipeline with ten customers at risk, c0000 to c0090, two of them gone already."""
    path = empty_pipelines.copy("all", tmp_path_factory.mktemp("here") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_HOME", str(path))
        fill(open_database(path), 100)
        with connect() as connection:
            for statement in (
                """
                update churn_metrics_live set last_activity_at = last_activity_at - interval 40 day
                where customer_id in ('c0010', 'c0090')
                """,
                # One who came for the first time lately, and one who did long ago.
                """
                update churn_metrics_live
                set active_days_total = 2, qualifying_active_date = null,
                    first_seen_at = last_activity_at - interval 5 day
                where customer_id = 'c0005'
                """,
                """
                update churn_metrics_live
                set active_days_total = 2, qualifying_active_date = null,
                    first_seen_at = last_activity_at - interval 200 day
                where customer_id = 'c0015'
                """,
                "delete from new_customer_shares",
                """
                insert into new_customer_shares
                values (null, 512, 0.31), ('budget', 40, 0.28), ('standard', 8, 0.3)
                """,
                f"""
                update train_churn_model
                set reliability =
                    '[{{"from": 0.6, "to": 0.7, "n": 40, "predicted": 0.6, "observed": 0.3}}]',
                    timing_bands = '[
                        {{"from": 0, "to": 14, "n": 90, "within_7": 0.1, "within_14": 0.2}},
                        {{"from": 28, "to": null, "n": 29, "within_7": 1.0, "within_14": 1.0}}
                    ]'
                where version = '{MODEL}'
                """,
            ):
                connection.execute(statement)
    return path


@pytest.fixture(autouse=True)
def _fresh_caches():
    st.cache_data.clear()


def rows(query):
    with connect() as connection:
        return connection.execute(query).fetchall()


def test_the_queue_shows_who_is_still_here_and_whom_to_win_back_apart(monkeypatch, path):
    app = open_app(monkeypatch, path, "action_queue")
    [queue] = [frame.value for frame in app.dataframe if "reason" in frame.value]
    gone = {"Customer 10", "Customer 90"}
    assert len(queue) == 8
    assert not gone & set(queue["name"])
    assert "Still here: 8 customers" in markdown(app)
    assert "Already gone, to be won back: 2 customers" in markdown(app)
    app.radio(key="queue_list").set_value("Already gone").run()
    [queue] = [frame.value for frame in app.dataframe if "reason" in frame.value]
    assert set(queue["name"]) == gone


def test_the_overview_counts_both_and_the_sums_agree(monkeypatch, path):
    app = open_app(monkeypatch, path)
    assert tiles(app)["Customers at risk"] == "10"
    assert "Still here: 8 customers at risk" in markdown(app)
    assert "Already gone, to be won back: 2 customers" in markdown(app)
    [first] = [frame.value for frame in app.dataframe if "about" in frame.value]
    assert "Customer 10" not in set(first["name"])
    counted = "count(*), round(sum(value_at_risk), 2)"
    assert rows("select customers_gone, value_gone from manager_live") == rows(
        f"select {counted} from manager_risk_queue where has_lapsed"
    )


def test_who_is_away_for_a_whole_horizon_of_closed_days_is_gone(monkeypatch, path):
    monkeypatch.setenv("CHURN_HOME", str(path))
    away = "datediff('day', last_activity_at::date, max(last_activity_at::date) over () - 1)"
    found = rows(f"select distinct {away} >= 28, has_lapsed from manager_customers")
    assert sorted(found) == [(False, False), (True, True)]


def test_who_is_too_new_is_counted_and_told_what_became_of_others(monkeypatch, path):
    app = open_app(monkeypatch, path)
    assert "Too new to tell: 1 customers have too few active days" in markdown(app)
    assert "Of 512 customers this new, 31% left within 28 days" in markdown(app)
    app = open_app(monkeypatch, path, "customer", customer_id="c0005")
    said = "Too new to tell: of 512 customers this new, 31% left within 28 days"
    assert f"{said}; in this customer's segment 28%, of 40" in markdown(app)
    app = open_app(monkeypatch, path, "customer", customer_id="c0015")
    assert "Too new" not in markdown(app)


def test_what_became_of_customers_like_this_one_stands_beside_the_score(monkeypatch, path):
    app = open_app(monkeypatch, path, "customer", customer_id="c0020")
    said = "Of 40 customers like this one 12 left within 28 days"
    assert f"{said}; so few may differ by chance: it could have been between 7 and 18." in markdown(
        app
    )
    app = open_app(monkeypatch, path, "action_queue")
    [queue] = [frame.value for frame in app.dataframe if "reason" in frame.value]
    assert set(queue["alike"]) == {"12 of 40"}
    # Nobody was tested in the tenth of those who are not at risk.
    app = open_app(monkeypatch, path, "customer", customer_id="c0001")
    assert "like this one" not in markdown(app)
    # More customers of a judged week say more.
    with connect() as connection:
        connection.execute(f"""
            insert into score_outcomes by name
            select date '2026-01-05' as week, '{MODEL}' as model_version, 6 as score_bin,
                200 as n, 50 as churners, 0 as treated, 200.0 as weight_sum,
                50.0 as churner_weight_sum
        """)
    try:
        st.cache_data.clear()
        app = open_app(monkeypatch, path, "customer", customer_id="c0020")
    finally:
        rows("delete from score_outcomes")
    assert "Of 200 customers like this one 50 left within 28 days." in markdown(app)


def test_how_soon_stands_beside_the_score_where_enough_churners_tell(monkeypatch, path):
    app = open_app(monkeypatch, path, "customer", customer_id="c0020")
    assert "How soon: 6% within 7 days, 12% within 14, 61% within 28." in markdown(app)
    app = open_app(monkeypatch, path, "customer", customer_id="c0010")
    assert "How soon" not in markdown(app)
    assert "Already gone" in markdown(app)
    soon = "customer_id, round(score_7d, 3), round(score_14d, 3)"
    found = rows(f"select {soon} from manager_risk_queue where customer_id < 'c0025' order by 1")
    assert found == [("c0000", 0.061, 0.122), ("c0010", None, None), ("c0020", 0.061, 0.122)]

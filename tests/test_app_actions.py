"""What managers do in the dashboard: select, approve, reject, edit, assign."""

import shutil

import pandas as pd
import pytest
import streamlit as st

from embedded.engine.storage import Database
from embedded.session import connect, open_database
from tests.app_pipeline import fill
from tests.dbt import PROJECT
from tests.test_app import open_app, texts, turn_to


@pytest.fixture(scope="module")
def filled(empty_pipelines, tmp_path_factory):
    path = empty_pipelines.copy("all", tmp_path_factory.mktemp("actions") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_HOME", str(path))
        fill(open_database(path), 100)
        open_database(path).close()  # to be copied
    return path


@pytest.fixture
def pipeline(filled, tmp_path, monkeypatch):
    """A pipeline with ten customers at risk, c0000 to c0090; the last is held out if approved."""
    st.cache_data.clear()
    path = shutil.copytree(filled, tmp_path / "home")
    monkeypatch.setenv("CHURN_HOME", str(path))
    return path


def rows(query):
    with connect() as connection:
        return connection.execute(query).fetchall()


def select(app, table, *positions):
    selection = {"rows": list(positions), "columns": [], "cells": []}
    app.session_state[table] = {"selection": selection}
    return app.run()


def captions(app):
    return " ".join(caption.value for caption in app.caption)


def states():
    return dict(rows("select customer_id, state from alert_states order by 1"))


def moves():
    return rows("select count(*) from alert_events where to_state = 'APPROVED'")[0][0]


def test_selection_survives_three_refreshes_and_a_new_order(monkeypatch, pipeline):
    app = select(open_app(monkeypatch, pipeline, "action_queue"), "queue", 1, 3)
    assert app.button(key="approve").label == "Approve 2"
    for value in (500, 600, 700):
        rows(f"update churn_scores set value_at_risk = {value} where customer_id = 'c0030'")
        st.cache_data.clear()
        app.button(key="refresh").click().run()
        assert app.button(key="approve").label == "Approve 2"
    app.button(key="approve").click().run()
    assert [who for who, state in states().items() if state == "APPROVED"] == ["c0010", "c0030"]
    assert "Approved 2." in app.success[0].value


def test_approving_twice_changes_one_row(monkeypatch, pipeline):
    first = select(open_app(monkeypatch, pipeline, "action_queue"), "queue", 0)
    second = select(open_app(monkeypatch, pipeline, "action_queue"), "queue", 0)
    first.button(key="approve").click().run()
    second.button(key="approve").click().run()
    assert not first.exception
    assert not second.exception
    assert moves() == 1
    [(actor,)] = rows("select actor from alert_events where to_state = 'APPROVED'")
    assert "CHURN_MANAGER" in actor


def test_refused_actions_say_why(monkeypatch, pipeline):
    rows("insert into suppressions select 'c0010', 'unsubscribed', 'test', now()::timestamp")
    app = select(open_app(monkeypatch, pipeline, "action_queue"), "queue", 0, 1)
    app.button(key="approve").click().run()
    assert [who for who, state in states().items() if state == "APPROVED"] == ["c0000"]
    assert "Approved 1." in app.success[0].value
    assert "c0010: Nothing may be sent: the customer is on the suppression list" in texts(app)


def test_who_is_held_out_is_said_once_approved_and_nowhere_before(monkeypatch, pipeline):
    app = select(open_app(monkeypatch, pipeline, "action_queue"), "queue", 0, 8, 9)
    assert "0 were held out" in captions(app)
    assert rows("select distinct arm from manager_outreach") == [(None,)]
    app.button(key="approve").click().run()
    assert app.success[0].value == (
        "Approved 3. 1 of them is held out, to measure what messages do: nothing is sent."
    )
    assert "Held out: c0090." in texts(app)
    assert not app.warning
    assert states()["c0090"] == "HELD_OUT"
    drawn = rows("select customer_id, arm from manager_outreach where arm is not null order by 1")
    assert drawn == [("c0000", "treated"), ("c0080", "treated"), ("c0090", "holdout")]
    turn_to(app, "outcomes")
    assert "Approved alerts that were held out, drawn by chance: 1." in captions(app)
    app = open_app(monkeypatch, pipeline, "customer", customer_id="c0090")
    app.button(key="approve").click().run()
    assert app.success[0].value == (
        "Approved 1. The customer is held out, to measure what messages do: nothing is sent."
    )


def test_an_invalid_address_has_a_word_and_cannot_be_approved(monkeypatch, pipeline):
    rows("update customer_profiles set email = 'nobody' where customer_id in ('c0010', 'c0020')")
    rows(
        "insert into alert_events select md5('x'), 'alert-c0010', 'DRAFTED', 'INVALID_ADDRESS',"
        " 'process_alerts', 'the e-mail address is invalid', now()::timestamp"
    )
    app = open_app(monkeypatch, pipeline, "action_queue")
    [frame] = [frame.value for frame in app.dataframe]
    assert dict(zip(frame["name"], frame["state"], strict=True))["Customer 10"] == "Address invalid"
    select(app, "queue", 0, 1, 2)
    app.button(key="approve").click().run()
    assert "Approved 1." in app.success[0].value
    for customer_id in ("c0010", "c0020"):
        assert f"{customer_id}: Nothing may be sent: the e-mail address is invalid." in texts(app)
    app = open_app(monkeypatch, pipeline, "outreach")
    shown = {one.label: one.value for one in app.metric}
    assert (shown["Address invalid"], shown["Approved"]) == ("1", "1")


def test_a_marked_draft_is_approved_by_itself_where_it_is_read(monkeypatch, pipeline):
    """c0040's is."""
    app = select(open_app(monkeypatch, pipeline, "action_queue"), "queue", 3, 4)
    assert "1 of the chosen drafts has marked text" in captions(app)
    app.button(key="approve").click().run()
    assert "c0040: The draft has marked text: read it, and approve it by itself." in texts(app)
    assert [who for who, state in states().items() if state == "APPROVED"] == ["c0030"]
    app = select(open_app(monkeypatch, pipeline, "action_queue"), "queue", 4)
    assert app.button(key="approve").disabled
    app = open_app(monkeypatch, pipeline, "customer", customer_id="c0040")
    assert "Subject: Hello\n\n[[Dear]] customer" in [code.value for code in app.code]
    said = "Dear\n    not one of ours, odd\nThe letter as a whole\n    too short"
    assert said in texts(app)
    assert not app.button(key="approve").disabled
    app.button(key="approve").click().run()
    assert states()["c0040"] == "APPROVED"


def test_reject_needs_a_reason_and_keeps_it(monkeypatch, pipeline):
    app = select(open_app(monkeypatch, pipeline, "action_queue"), "queue", 0, 1)
    app.button(key="do_Reject").click().run()
    assert "Say why" in texts(app)
    app.text_area(key="reason_Reject").input("We spoke on the phone")
    app.button(key="do_Reject").click().run()
    found = rows("select actor, reason from alert_events where to_state = 'REJECTED'")
    assert [reason for _, reason in found] == ["We spoke on the phone"] * 2


def test_assigned_alerts_can_be_filtered_by_owner(monkeypatch, pipeline):
    app = select(open_app(monkeypatch, pipeline, "action_queue"), "queue", 2)
    app.text_input(key="owner").input("Ada Keller")
    app.button(key="do_assign").click().run()
    app.selectbox(key="queue_owner").select("Ada Keller").run()
    [frame] = [frame.value for frame in app.dataframe]
    assert frame["name"].tolist() == ["Customer 20"]
    assert frame["owner"].tolist() == ["Ada Keller"]


def test_an_edit_is_a_new_revision_that_is_approved(monkeypatch, pipeline):
    app = open_app(monkeypatch, pipeline, "customer", customer_id="c0010")
    [subject] = [field for field in app.text_input if field.label == "Subject"]
    [body] = [field for field in app.text_area if field.label == "Text"]
    subject.input("A word from us")
    body.input("Dear customer,\n\nfor you: 10 percent off your next order.\n\nKind regards")
    [save] = [button for button in app.button if button.label.startswith("Save")]
    save.click().run()
    assert not app.exception
    drafts = rows("select revision, subject from retention_emails where alert_id = 'alert-c0010'")
    assert sorted(drafts) == [(0, "Hello"), (1, "A word from us")]
    assert "edited once" in texts(app)
    app.button(key="approve").click().run()
    assert states()["c0010"] == "APPROVED"


def test_a_region_cannot_move_what_it_does_not_see(monkeypatch, pipeline):
    app = open_app(monkeypatch, pipeline, "action_queue", role="CHURN_MANAGER_NORTH")
    app = select(app, "queue", *range(9))
    app.button(key="approve").click().run()
    approved = [who for who, state in states().items() if state == "APPROVED"]
    assert approved
    assert all(int(who[1:]) % 4 == 0 for who in approved)


def test_a_role_that_only_reads_is_offered_no_decision(monkeypatch, pipeline):
    app = open_app(monkeypatch, pipeline, "action_queue", role="MARKETING_ANALYST")
    app = select(app, "queue", 0, 1)
    assert "Your role can see these alerts, but it cannot decide on them." in captions(app)
    assert "approve" not in {button.key for button in app.button}
    app = open_app(monkeypatch, pipeline, "customer", role="MARKETING_ANALYST", customer_id="c0010")
    assert {button.key for button in app.button}.isdisjoint({"approve", "do_Reject", "do_assign"})
    monkeypatch.syspath_prepend(str(PROJECT / "app"))
    import actions
    import connection

    source = connection.Source(connection.DUCKDB, "me", "MARKETING_ANALYST", str(pipeline))
    chosen = pd.DataFrame({"alert_id": ["alert-c0010"], "customer_id": ["c0010"]})
    [answer] = actions.move(source, chosen, "APPROVED", "")
    assert answer.sentence == "MARKETING_ANALYST may not change this alert."
    assert moves() == 0


def test_outreach_shows_the_draft_beside_its_facts(monkeypatch, pipeline):
    app = turn_to(open_app(monkeypatch, pipeline), "outreach")
    app = select(app, "outreach", 1)
    assert "Subject: Hello" in app.code[0].value
    assert "No activity for 20 days" in texts(app)
    assert app.button(key="approve").label == "Approve"


def test_without_buttons_in_tables_a_selected_customer_opens(monkeypatch, pipeline):
    monkeypatch.delattr(st.column_config, "ButtonColumn")
    monkeypatch.delattr(st, "grid", raising=False)
    app = select(open_app(monkeypatch, pipeline, "action_queue"), "queue", 1)
    app.button(key="open_one").click().run()
    assert not app.exception
    assert app.title[0].value == "Customer"
    assert app.selectbox(key="customer_choice").value == "c0010"


def test_a_write_is_seen_at_once_and_makes_nobody_wait(monkeypatch, pipeline):
    app = select(open_app(monkeypatch, pipeline, "action_queue"), "queue", 0)
    monkeypatch.syspath_prepend(str(PROJECT / "app"))
    import connection
    from data import risk

    mine, another = (
        connection.Source(connection.DUCKDB, "me", role, str(pipeline))
        for role in ("CHURN_MANAGER", "")
    )
    asked, ask = [], connection._ask_duckdb
    monkeypatch.setattr(
        connection, "_ask_duckdb", lambda *asking: (asked.append(asking[1]), ask(*asking))[1]
    )
    risk.trend(mine), risk.trend(another)
    app.button(key="approve").click().run()
    assert any("manager_risk_queue" in sql for sql in asked)
    asked.clear()
    risk.trend(mine), risk.trend(another)
    assert asked == []


def test_while_another_command_has_the_file_the_last_answers_stand(monkeypatch, pipeline):
    app = select(open_app(monkeypatch, pipeline, "action_queue"), "queue", 1)
    monkeypatch.syspath_prepend(str(PROJECT / "app"))
    import actions

    monkeypatch.setattr(actions, "PATIENCE_SECONDS", 0.2)
    other = Database(pipeline)
    with other.session():
        st.cache_data.clear()
        app.button(key="refresh").click().run()
        said = app.warning[0].value
        assert said.startswith("The last answers, not those of now: process ")
        assert app.dataframe[0].value["name"].tolist()[1] == "Customer 10"
        app.button(key="approve").click().run()
        assert not app.success
        assert "c0010: Nothing was changed: process " in texts(app)
        turn_to(app, "cohorts")
        assert "cannot be read at the moment: process " in app.info[0].value
        assert not app.exception
    other.close()
    st.cache_data.clear()
    app = turn_to(app, "action_queue")
    assert not [one for one in app.warning if "last answers" in one.value]
    assert states()["c0010"] == "DRAFTED"

"""Alerts, messages and outcomes of a customer of two ids: nobody writes to the id that went."""

import json
from datetime import timedelta

import pytest

from runtime.clock import utc_now
from tests.conftest import event
from tests.outreach_fixtures import raise_alerts, run, states

pytest_plugins = ("tests.outreach_fixtures",)


def sign_in(pipeline, into: str, merged: str) -> None:
    """Have one of the fixture's customers sign in as another one, now."""
    properties = {"merged_id": merged}
    now = utc_now()
    number = f"{into}-{merged}"
    pipeline.add(event(number, into, "customer_merged", now, properties=properties))
    pipeline.refresh()
    run(pipeline, "process_alerts")


def decide(pipeline, to_state: str, *alerts: str) -> list[tuple]:
    arguments = {"alert_ids": json.dumps(alerts), "to_state": to_state, "reason": "as asked"}
    return pipeline.call("move_alerts", arguments | {"revision": None})


def test_the_id_that_goes_is_neither_scored_nor_written_to(pipeline):
    raise_alerts(pipeline, "A", "B", "C", "D")
    assert decide(pipeline, "APPROVED", "B") == []
    pipeline.rows(
        "insert into churn_scores select alert_id, 0.9, 'high', now(), 90, '[]', 'm', 'h',"
        " now()::timestamp - interval 1 hour from high_risk_history where alert_id <> 'D'"
    )
    sign_in(pipeline, "E", "A")
    sign_in(pipeline, "E", "B")
    assert states(pipeline) == {
        "A": "SUPPRESSED", "B": "SUPPRESSED", "C": "DRAFTED", "D": "DRAFTED",
    }  # fmt: skip
    why = "select alert_id, actor, reason from alert_events where to_state = 'SUPPRESSED'"
    assert sorted(pipeline.rows(why)) == [
        ("A", "process_alerts", "merged into customer E"),
        ("B", "process_alerts", "merged into customer E"),
    ]
    bands = "select customer_id, band, score from churn_scores order by 1"
    assert pipeline.rows(bands) == [("A", "left", None), ("B", "left", None), ("C", "high", 0.9)]
    run(pipeline, "sweep_silent_customers")
    left = "select customer_id, count(*) from churn_score_history where band = 'left' group by 1"
    assert sorted(pipeline.rows(left)) == [("A", 1), ("B", 1)]  # once, however often tasks run
    assert decide(pipeline, "APPROVED", "A") != []
    run(pipeline, "advance_alerts")
    assert pipeline.one("select count(*) from outbox") == 0
    # What was done with the alerts stands on the page of the one customer.
    moves = "select distinct customer_id, alert_id from manager_alert_history order by 2"
    assert pipeline.rows(moves)[:2] == [("E", "A"), ("E", "B")]
    ids = "select customer_id, merged_id from manager_merged_ids order by 2"
    assert pipeline.rows(ids) == [("E", "A"), ("E", "B")]


def test_a_queued_message_to_the_id_that_goes_is_not_handed_over(pipeline):
    raise_alerts(pipeline, "A", "B")
    assert decide(pipeline, "APPROVED", "A", "B") == []
    run(pipeline, "advance_alerts")
    assert states(pipeline) == {"A": "QUEUED", "B": "QUEUED"}
    sign_in(pipeline, "E", "A")
    claimed = [
        pipeline.call("claim_message", {"claim_id": one, "sender": "test"}) for one in ("1", "2")
    ]
    assert [row[0] for rows in claimed for row in rows] == ["B"]
    assert states(pipeline) == {"A": "SUPPRESSED", "B": "QUEUED"}


@pytest.mark.parametrize("noted", ["unsubscribed", "written to"])
def test_what_was_noted_of_one_id_holds_for_the_other(pipeline, noted):
    if noted == "unsubscribed":
        given = {"customer_id": "A", "reason": "unsubscribed"}
        assert pipeline.call("suppress_customer", given) == []
        expected = "the customer is on the suppression list: unsubscribed"
    else:
        pipeline.rows(
            "insert into outbox select 'm', 'x', 'A', 'HANDED_OVER', 1, 's', '',"
            " now()::timestamp - interval 1 day"
        )
        expected = "the customer was written to less than 14 days ago"
    raise_alerts(pipeline, "E", "F")
    sign_in(pipeline, "E", "A")
    assert states(pipeline) == {"E": "SUPPRESSED", "F": "DRAFTED"}
    reason = pipeline.one("select reason from alert_events where to_state = 'SUPPRESSED'")
    assert reason == expected


@pytest.mark.parametrize("is_merged", [False, True])
def test_the_outcome_of_an_alert_is_what_the_one_customer_did(pipeline, is_merged):
    """The visitor A was alerted, signed in as E and bought: kept, with the arm that was drawn."""
    raise_alerts(pipeline, "A", days_ago=100, arm="holdout")
    now = utc_now()
    if is_merged:
        sign_in(pipeline, "E", "A")
    pipeline.add(
        *[
            event(f"buy-{n}", "E", "purchase", now - timedelta(days=n), amount=5.0)
            for n in (79, 20)
        ],
        event("end", "H", "login", now),
    )
    pipeline.refresh()
    run(pipeline, "advance_alerts")
    found = pipeline.rows("select alert_id, customer_id, arm, churned from outcomes")
    assert found == [("A", "A", "holdout", 0 if is_merged else 1)]
    spent = pipeline.rows("select days, spend, has_left from alert_spend order by 1")
    assert spent == [(28, 5.0, None), (84, 10.0, 0)] if is_merged else [(28, 0, None), (84, 0, 1)]


def test_the_first_arm_of_one_customer_of_two_ids_counts(pipeline):
    """A was treated as a visitor; what is drawn of E after both are one comes after that."""
    raise_alerts(pipeline, "A", "B")
    assert decide(pipeline, "APPROVED", "A", "B") == []
    raise_alerts(pipeline, "F")
    assert decide(pipeline, "APPROVED", "F") == []
    sign_in(pipeline, "E", "A")
    sign_in(pipeline, "F", "B")  # both had an arm before anybody knew
    raise_alerts(pipeline, "E")
    assert decide(pipeline, "APPROVED", "E") == []
    compared = pipeline.rows("select alert_id from compared_alerts order by 1")
    assert compared == [("A",), ("B",), ("F",)]

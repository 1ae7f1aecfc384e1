"""What is older than the retention vars allow is deleted, and by default nothing is."""

from datetime import timedelta

import pytest

from runtime.clock import utc_now
from tests.conftest import event
from tests.dbt import run_dbt
from tests.forgetting import alert_of
from tests.outreach_fixtures import REASONS, run
from tests.recomputed import differing_rows

pytest_plugins = ("tests.outreach_fixtures",)
SHORT = "{rejected_days: 30, letter_days: 90, inactive_customer_days: 800}"
KEPT = {
    "rejected": "select kafka_offset from churn_events_rejected order by 1",
    "letters": "select alert_id, body is not null, subject is not null from retention_emails",
    "answers": "select call_id, reply, cost from llm_calls order by 1",
    "customers": "select distinct customer_id from churn_scores_raw order by 1",
    "scored": "select customer_id from churn_scores order by 1",
    "history": "select customer_id from churn_score_history order by 1",
}


@pytest.fixture
def aged(pipeline):
    """Rows of several ages; the oldest events are of A, B, and of a visitor who became C."""
    now = utc_now()
    for days, name in enumerate(("A", "B"), start=799):
        pipeline.connection.execute(
            "update churn_scores_raw set occurred_at = ?, loaded_at = ? where customer_id = ?",
            [now - timedelta(days=days + 1), now, name],
        )
    long_ago = now - timedelta(days=900)
    pipeline.add(
        event("v", "visitor", "purchase", long_ago, amount=2.0),
        event("m", "C", "customer_merged", now, properties={"merged_id": "visitor"}),
    )
    pipeline.refresh()
    for place, days in enumerate((1, 29, 31, 400)):
        pipeline.connection.execute(
            "insert into churn_events_rejected by name select '{'::blob as message,"
            " 't' as kafka_topic, 0 as kafka_partition, ? as kafka_offset, ? as loaded_at",
            [place, now - timedelta(days=days)],
        )
    for one in ("A", "B", "C"):
        pipeline.connection.execute(
            "insert into churn_scores by name select ? as customer_id, 'low' as band,"
            " ? as scored_at", [one, now],
        )  # fmt: skip
    pipeline.connection.execute(
        "insert into churn_score_history by name select * from churn_scores"
    )
    for what, state, days in (
        ("old", "REJECTED", 91), ("waiting", "", 91), ("new", "REJECTED", 89),
    ):  # fmt: skip
        alert, at = alert_of("D", what), now - timedelta(days=days)
        pipeline.connection.execute(
            "insert into high_risk_history values (?, 'D', 0.5, 0.2, 10.0, ?, 'thank_you',"
            " 'treated', 'OPEN', 'm', ?, 'default', null, 10, 'approval')", [alert, REASONS, at],
        )  # fmt: skip
        for step in [("", "OPEN"), *([("OPEN", state)] if state else [])]:
            pipeline.connection.execute(
                "insert into alert_events values (?, ?, ?, ?, 'a', 'r', ?)",
                [f"{what}-{step}", alert, *step, at],
            )
        pipeline.connection.execute(
            "insert into retention_emails by name select ? as alert_id, 's' as subject,"
            " 'b' as body, 'DRAFTED' as status, ? as created_at", [alert, at],
        )  # fmt: skip
        pipeline.connection.execute(
            "insert into llm_calls by name select ? as call_id, ? as alert_id, 'r' as reply,"
            " 0.5 as cost, 'accepted' as outcome, ? as called_at", [what, alert, at],
        )  # fmt: skip
    return pipeline


def kept(pipeline) -> dict[str, list[tuple]]:
    return {name: pipeline.rows(query) for name, query in KEPT.items()}


def test_by_default_nothing_is_deleted(aged):
    before = kept(aged)
    run(aged, "delete_expired")
    assert kept(aged) == before


def test_what_is_older_goes_and_nothing_else(aged):
    before = kept(aged)
    run_dbt("run", "-q", "-s", "delete_expired", "--vars", SHORT)
    run(aged, "delete_expired")
    after = kept(aged)
    assert after["rejected"] == [(0,), (1,)]
    assert dict((alert, body) for alert, body, _ in after["letters"]) == {
        alert_of("D", "old"): False, alert_of("D", "waiting"): True, alert_of("D", "new"): True,
    }  # fmt: skip
    assert after["answers"] == [("new", "r", 0.5), ("old", None, 0.5), ("waiting", "r", 0.5)]
    # A is 800 days old today and B 801; of C the visitor is, and C is not.
    assert before["customers"] == [(one,) for one in ("A", "B", "C", "D", "E", "F", "G", "H")] + [
        ("visitor",)
    ]
    assert [row for row in before["customers"] if row not in after["customers"]] == [("B",)]
    assert after["scored"] == after["history"] == [("A",), ("C",)]
    aged.refresh()
    assert ("B",) not in aged.rows("select customer_id from churn_metrics_live")
    assert differing_rows(aged.connection) == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{rejected_days: 0}", "'rejected_days' must be forever or a whole number of days"),
        ("{letter_days: soon}", "'letter_days' must be forever or a whole number of days"),
        ("{inactive_customer_days: 300}", "forever or at least 572 days"),
    ],
)
def test_a_wrong_var_stops_the_build(pipeline, given, said):
    done = run_dbt("run", "-s", "delete_expired", "--vars", given, check=False)
    assert done.returncode
    assert said in done.stdout

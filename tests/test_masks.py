"""Texts about customers are shown where a role sees the customer's region with personal data."""

import pytest

from embedded.session import connect
from tests.outreach_fixtures import customer, raise_alerts

pytest_plugins = ("tests.outreach_fixtures",)
ADDRESS = "south@example.org"
# What people, a mail server and a model wrote about customers, each with the address in it.
WRITTEN = {
    "state_reason": "update alert_events set reason = ?",
    "draft_error": "update retention_emails set error = ?",
    "delivery_detail": "insert into outbox select 'm' || alert_id, alert_id, customer_id, 'FAILED',"
    " 1, 'smtp', ?, created_at from high_risk_history",
    "suppressed_because": "insert into suppressions select distinct customer_id, ?, 'x', created_at"
    " from high_risk_history",
    "subject": "update retention_emails set subject = ?",
    "body": "update retention_emails set body = ?",
    "marks": "update retention_emails set marks = ?",
}


@pytest.fixture
def written(pipeline):
    """Alerts in the north and in the south with every text there is."""
    pipeline.add(*customer("north"), *customer("south", region="South "))
    pipeline.tick()
    raise_alerts(pipeline, "north", "south")
    for statement in WRITTEN.values():
        pipeline.connection.execute(statement, [f"Ada Keller <{ADDRESS}>"])


@pytest.mark.parametrize(
    ("roles", "shown_in"),
    [
        ("MARKETING_ANALYST", set()),
        ("CHURN_MANAGER", {"north", "south"}),
        ("CHURN_MANAGER_NORTH", {"north"}),
        ("MARKETING_ANALYST, CHURN_MANAGER_NORTH", {"north"}),
        ("CHURN_MANAGER_NORTH,CHURN_MANAGER_SOUTH", {"north", "south"}),
    ],
)
def test_texts_are_shown_by_the_rows_region(written, roles, shown_in):
    outreach = f"select customer_id, name, {', '.join(WRITTEN)} from manager_outreach"
    history = "select customer_id, reason from manager_alert_history"
    with connect(roles) as connection:
        for query in (outreach, history):
            for customer_id, *texts in connection.execute(query).fetchall():
                is_shown = customer_id in shown_in
                assert [text != "masked" for text in texts] == [is_shown] * len(texts), texts
                assert all("Ada" in text for text in texts) == is_shown


def test_a_text_that_is_not_there_is_masked_for_nobody(pipeline):
    raise_alerts(pipeline, "A")
    for role in ("MARKETING_ANALYST", "CHURN_MANAGER"):
        with connect(role) as connection:
            query = "select suppressed_because, draft_error, delivery_detail from manager_outreach"
            assert connection.execute(query).fetchall() == [(None, None, None)]


def test_errors_stand_in_no_managers_view(pipeline):
    for view in ("manager_tasks", "manager_dynamic_tables", "manager_set_aside"):
        columns = set(pipeline.frame(f"select * from {view}").columns)
        assert not columns & {"error", "last_error"}


def test_a_file_of_an_earlier_version_learns_that_a_session_may_have_several_roles(pipeline):
    pipeline.connection.execute(
        "create or replace macro main.is_role_in_session(asked) as"
        " upper(asked) = upper(coalesce(getvariable('role'), 'CHURN_MANAGER'))"
    )
    pipeline.close()
    with connect("PUBLIC,CHURN_MANAGER") as connection:
        query = "select is_role_in_session('CHURN_MANAGER'), is_role_in_session('CHURN')"
        assert connection.execute(query).fetchone() == (True, False)

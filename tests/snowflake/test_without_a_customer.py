"""Customers who are forgotten on both engines: none is left on either, and both hold the same."""

import pytest
from snowflake.connector.errors import ProgrammingError

from tests.snowflake.deployment import Deployment, ask
from tests.snowflake.forgetting import forget, left_on_snowflake
from tests.snowflake.standin.account import ENGINEER


@pytest.fixture(scope="module")
def deployment(empty_pipelines, tmp_path_factory):
    """A deploy of its own, from which customers may be missing afterwards."""
    with Deployment.start(tmp_path_factory.mktemp("without"), empty_pipelines) as deployed:
        assert deployed.compared
        yield deployed


@pytest.fixture(scope="module")
def forgotten(deployment):
    return forget(deployment)


def test_nothing_is_left_on_either_engine(forgotten):
    found = forgotten
    assert {
        "churn_scores_raw", "churn_events_rejected", "churn_metrics_live", "high_risk_history",
        "alert_states", "churn_scores", "churn_score_history", "customer_identities",
    } <= found.before  # fmt: skip
    assert found.left == {}
    assert found.left_on_duckdb == {}
    for said in found.said:
        assert "forget_customer: This customer is forgotten, since 20" in said
        assert "  churn_events_rejected | 4 | removed" in said


def test_both_engines_hold_the_same_without_them(deployment, forgotten):
    compared = forgotten.compared
    assert [row for row in compared if row["differences"]] == []
    rows = {row["model"]: row["rows"] for row in compared}
    assert rows["forgotten_customers"] == 4
    assert rows["forgetting"] == 0
    before = {row["model"]: row["rows"] for row in deployment.compared}
    for name in ("high_risk_history", "outcomes", "retention_emails", "outbox"):
        assert rows[name] == before[name]
    assert rows["alert_events"] == before["alert_events"] + 1  # the move that was given
    for name in ("churn_scores_raw", "churn_scores", "churn_metrics_live"):
        assert rows[name] < before[name]


def test_who_may_forget(deployment, forgotten):
    """DATA_ENGINEER only: no manager, no loader, not the dashboard."""

    def held(role: str) -> str:
        return str(deployment.account.rows(f"show grants to role {role}")["name"].tolist()).upper()

    assert "FORGET_CUSTOMER" in held("DATA_ENGINEER")
    assert "FORGOTTEN_CUSTOMERS" in held("CHURN_LOADER")
    call = "call forget_customer(customer_id => 'c001', dry_run => 'false')"
    for role in ("CHURN_MANAGER", "CHURN_APP", "CHURN_LOADER", "MARKETING_ANALYST"):
        assert "FORGET_CUSTOMER" not in held(role)
        with pytest.raises(ProgrammingError):
            deployment.account.execute(call, role=role)
    assert left_on_snowflake(deployment, ("c001",))


def test_what_comes_again_by_the_pipe_reaches_no_score_and_is_taken_out(deployment, forgotten):
    again, account = forgotten.customers[0], deployment.account
    scored = "select count(*) as n from churn_score_history"
    before = account.rows(scored)["n"][0]
    columns = "event_id, customer_id, event_type, occurred_at, loaded_at, kafka_topic"
    account.execute(
        *(
            f"insert into churn_scores_raw ({columns}) select 'again{day}', '{again}', 'login',"
            f" dateadd('day', -{day}, sysdate()), sysdate(), 'churn.events'"
            for day in range(8)
        )
    )
    ask(account, ENGINEER, "refresh()")
    assert "churn_metrics_live" in left_on_snowflake(deployment, (again,))
    account.execute("execute task sweep_silent_customers")
    assert account.rows(scored)["n"][0] > before  # of others
    there = set(left_on_snowflake(deployment, (again,)))
    assert not there & {"churn_scores", "churn_score_history", "high_risk_history", "outbox"}
    account.execute("execute task delete_expired")
    ask(account, ENGINEER, "refresh()")
    assert left_on_snowflake(deployment, (again,)) == {}

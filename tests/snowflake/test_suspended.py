"""What a build drops, and what a deploy starts: tasks, alerts and functions on the stand-in.

All of it on the account that the other tests of this folder have deployed to.
"""

import json

import pytest

from tests.snowflake.standin.account import ADMIN
from tests.snowflake.standin.statements import create_of

SWITCHED_ON = {
    "warning_recipients": "ops@example.com", "slack_integration": "churn_slack",
    "email_provider": "cortex", "digest_recipients": "ann@example.com",
    "retrain_schedule": "24 HOURS",
}  # fmt: skip


@pytest.fixture(scope="module")
def account(deployment):
    """The account once all that other tests compare was sent, and alerts may be made."""
    assert deployment.changed
    deployment.account.dbt(
        "run-operation", "grant_access", "--vars", json.dumps(SWITCHED_ON), role=ADMIN
    )
    return deployment.account


def states(account, kind: str) -> dict[str, str]:
    """Return the state of each task, alert or dynamic table of the schema, as SHOW says it."""
    shown = account.rows(f"show {kind}s in schema CHURN.PIPELINE")
    column = "scheduling_state" if kind == "dynamic table" else "state"
    return {name.lower(): state.lower() for name, state in shown[["name", column]].to_numpy()}


def test_what_a_var_switches_off_is_dropped_by_the_next_build(account):
    """And started by the next deploy once it is switched on again."""
    names = (
        "llm_answers", "generate_retention_email", "review_retention_email", "ask_llm",
        "send_digest", "warnings_told", "send_warnings",
    )  # fmt: skip
    tasks = {"ask_llm", "send_digest", "retrain_churn_model"}
    functions = {"GENERATE_RETENTION_EMAIL", "REVIEW_RETENTION_EMAIL"}

    def build(variables: dict) -> None:
        chosen = (*names, "retrain_churn_model")
        account.dbt("run", "-q", "-s", *chosen, "--vars", json.dumps(variables))

    def made() -> set[str]:
        return set(account.rows("show user functions in schema CHURN.PIPELINE")["name"])

    for _ in range(2):
        build(SWITCHED_ON)
        asked = ("run-operation", "start_new_tasks", "--vars", json.dumps(SWITCHED_ON))
        account.dbt(*asked)
        assert {states(account, "task")[name] for name in tasks} == {"started"}
        assert states(account, "alert") == {"send_warnings": "started"}
        assert functions <= made()
        build({})
        assert not tasks & set(states(account, "task"))
        assert states(account, "alert") == {}
        assert not functions & made()


def test_a_deploy_starts_what_is_new_and_leaves_what_was_suspended(account):
    account.dbt("run-operation", "resume_tasks")
    account.execute(
        "alter task CHURN.PIPELINE.advance_alerts suspend",
        "alter task CHURN.PIPELINE.monitor_model suspend",
        "alter dynamic table CHURN.PIPELINE.customer_recent_metrics suspend",
        "drop task CHURN.PIPELINE.take_risk_snapshot",
        "update CHURN.PIPELINE.object_definitions set mark = 'of another definition'"
        " where name in ('ADVANCE_ALERTS', 'CUSTOMER_RECENT_METRICS')",
    )
    names = ("advance_alerts", "monitor_model", "take_risk_snapshot", "customer_recent_metrics")
    before = len(account.sent())
    account.dbt("run", "-q", "-s", *names)
    made = {found.name for one in account.sent()[before:] if (found := create_of(one.sql))}
    assert made >= {"ADVANCE_ALERTS", "CUSTOMER_RECENT_METRICS", "TAKE_RISK_SNAPSHOT"}  # replaced
    said = account.dbt("run-operation", "start_new_tasks").stdout
    assert (
        "start_new_tasks: monitor_model, advance_alerts, customer_recent_metrics were suspended and"
        " stay so; resume_tasks resumes them"
    ) in said
    found = states(account, "task")
    assert (found["take_risk_snapshot"], found["advance_alerts"], found["monitor_model"]) == (
        "started", "suspended", "suspended"
    )  # fmt: skip
    assert states(account, "dynamic table")["customer_recent_metrics"] == "suspended"
    # What was started once is no new one: an operator's suspension stays.
    account.execute("alter task CHURN.PIPELINE.take_risk_snapshot suspend")
    account.dbt("run-operation", "start_new_tasks")
    assert states(account, "task")["take_risk_snapshot"] == "suspended"
    account.dbt("run-operation", "resume_tasks")
    assert set(states(account, "task").values()) == {"started"}
    assert set(states(account, "dynamic table").values()) == {"active"}

"""What was suspended for weeks: docs/snowflake.md says how it comes back, and nothing doubles."""

import re

import pytest
from snowflake.connector.errors import ProgrammingError

from tests.dbt import PROJECT
from tests.snowflake.deployment import CHANGES, ask
from tests.snowflake.standin.account import ENGINEER
from tests.snowflake.standin.statements import create_of, one_line

# What tasks have written, and what they would write again if all was new to them.
KEPT = (
    "churn_score_history", "high_risk_history", "alert_events", "retention_emails", "outbox",
)  # fmt: skip
DOCS = (PROJECT / "docs" / "snowflake.md").read_text()


@pytest.fixture(scope="module")
def account(deployment):
    """The account once all that other tests compare was sent; its tasks run."""
    assert deployment.changed
    return deployment.account


def documented(first_words: str) -> list[str]:
    """Return the arguments of the one documented command of dbt that begins so."""
    [command] = re.findall(rf"^    dbt ({first_words}.*)$", DOCS, re.M)
    return [*command.split(), "-q", "--vars", CHANGES]


def brought_back(account, command) -> list[str]:
    """Run a command and resume; return what was sent."""
    before = len(account.sent())
    account.dbt(*command)
    ask(account, ENGINEER, "resume_tasks()")
    return [one.sql for one in account.sent()[before:]]


def state(account) -> tuple:
    """Return all rows of the last dynamic table, and how many rows the tasks have written."""
    table = account.rows("select * from churn_metrics_live order by customer_id")
    counts = [account.rows(f"select count(*) as n from {name}")["n"][0] for name in KEPT]
    return table.to_json(), counts


def process_alerts(account) -> tuple:
    account.execute("execute task process_alerts")
    runs = account.rows(
        "select state, coalesce(error_message, '') as error"
        " from table(CHURN.information_schema.task_history())"
        " where name = 'PROCESS_ALERTS' order by completed_time desc limit 1"
    )
    return tuple(runs.iloc[0])


def sweeps(sent) -> int:
    return [one_line(sql) for sql in sent].count(
        "execute task CHURN.PIPELINE.sweep_silent_customers"
    )


def test_a_stream_that_has_gone_stale_is_made_again_and_caught_up(account):
    """The task was suspended for three weeks, the dynamic tables went on."""
    before = state(account)
    ask(account, ENGINEER, "suspend_tasks()")
    account.execute("call standin_wait(21)")
    failed, error = process_alerts(account)
    assert failed == "FAILED"
    assert "Time travel data is not available" in error
    sent = brought_back(account, documented("run -s config.materialized:stream"))
    made = [found.name for sql in sent if (found := create_of(sql))]
    assert made == ["CHURN_METRICS_STREAM"]
    assert sweeps(sent) == 1
    assert process_alerts(account) == ("SUCCEEDED", "")
    assert state(account) == before


def test_after_a_long_suspension_everything_is_computed_again_and_no_alert_doubles(
    account, deployment
):
    before, granted = state(account), account.rows(f"show grants to role {ENGINEER}").to_json()
    tables = [node["name"] for node in deployment.models("dynamic_table")]
    ask(account, ENGINEER, "suspend_tasks()")
    account.execute(*(f"alter dynamic table {name} suspend" for name in tables))
    account.execute("call standin_wait(21)")
    ask(account, ENGINEER, "resume_tasks(), suspend_tasks()")  # which is not enough
    with pytest.raises(ProgrammingError, match="Time travel data is not available"):
        account.execute("alter dynamic table churn_metrics_live refresh")
    sent = brought_back(account, documented("run --full-refresh"))
    made = [found.name for sql in sent if (found := create_of(sql))]
    assert sorted(made) == sorted([*(name.upper() for name in tables), "CHURN_METRICS_STREAM"])
    assert made[-1] == "CHURN_METRICS_STREAM"
    assert sweeps(sent) == 1
    assert process_alerts(account) == ("SUCCEEDED", "")
    assert state(account) == before
    assert account.rows(f"show grants to role {ENGINEER}").to_json() == granted
    account.execute(*(f"alter dynamic table {name} refresh" for name in tables))

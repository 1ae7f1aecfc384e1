"""Customers who are forgotten on both engines: nothing is left on either, and both hold the same.

The last of the tests that share a deploy, because these customers are then missing.
"""

import json

import pytest

from tests.dbt import run_dbt
from tests.snowflake.parity import parity
from tests.snowflake.standin.account import ADMIN

REJECTED = (
    '{{"customer_id": "{0}", "event_type": 7}}', "{0};purchase", '{{"customer": "{0}"}}',
    '{{"to": "{0}@EXAMPLE.COM"}}',
)  # fmt: skip


def asked(customer_id: str) -> tuple[str, ...]:
    arguments = json.dumps({"customer_id": customer_id})
    return ("run-operation", "forget_customer", "--args", arguments)


def texts_of(customer_id: str) -> tuple[str, ...]:
    return (customer_id, f"Ann O'Neil {customer_id}", f"{customer_id}@example.com")


def rows_with(frame, texts: tuple[str, ...]) -> list[str]:
    rows = ["\n".join(map(_text, row)) for row in frame.itertuples(index=False)]
    return [row for row in rows if any(text.lower() in row.lower() for text in texts)]


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes | bytearray) else str(value)


def left_on_snowflake(deployment, texts: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the rows of all tables and views that hold one of the texts."""
    kinds = ("dynamic_table", "table", "view", "incremental", "seed")
    names = [node["name"] for node in deployment.models(*kinds)]
    queries = [f"select * from {name}" for name in names]
    frames = deployment.account.answers(queries, "DATA_ENGINEER,CHURN_MANAGER")
    found = {name: rows_with(frame, texts) for name, frame in zip(names, frames, strict=True)}
    return {name: rows for name, rows in found.items() if rows}


def left_on_duckdb(deployment, texts: tuple[str, ...]) -> set[str]:
    tables = deployment.pipeline.rows(
        "select schema_name || '.' || table_name from duckdb_tables()"
        " where database_name = 'churn' and not temporary"
    )
    return {
        name
        for (name,) in tables
        if rows_with(
            deployment.pipeline.frame(f"select columns(*)::varchar from churn.{name}"), texts
        )
    }


@pytest.fixture(scope="module")
def customers(deployment) -> list[str]:
    """One who is held out, and one who is merged, with rejected messages of both."""
    assert deployment.compared
    assert deployment.seen
    assert deployment.operations
    assert deployment.changed
    [(held_out,), *_] = deployment.pipeline.rows(
        "select customer_id from alert_states where state = 'HELD_OUT' order by 1"
    )
    chosen = [held_out, "v004"]
    offset = 0
    for customer_id in chosen:
        for message in REJECTED:
            text, offset = message.format(customer_id), offset + 1
            values = f"'broken', 'churn.events', 7, {offset}"
            columns = "message, reason, kafka_topic, kafka_partition, kafka_offset"
            deployment.account.execute(
                f"insert into churn_events_rejected ({columns})"
                f" select to_binary(hex_encode('{text}'), 'HEX'), {values}"
            )
            deployment.pipeline.connection.execute(
                f"insert into churn_events_rejected ({columns}) select encode('{text}'), {values}"
            )
    return chosen


def test_both_engines_hold_the_same_without_them(deployment, customers):
    for customer_id in customers:
        texts = texts_of(customer_id)
        assert {"churn_scores_raw", "churn_events_rejected", "churn_metrics_live"} <= set(
            left_on_snowflake(deployment, texts)
        )
        said = deployment.account.dbt(*asked(customer_id)).stdout
        assert "This customer is forgotten, since 20" in said
        assert "  churn_events_rejected | 4 | removed" in said
        run_dbt(*asked(customer_id))
    for customer_id in [*customers, "v002", "v003"]:
        assert left_on_snowflake(deployment, texts_of(customer_id)) == {}
        assert left_on_duckdb(deployment, texts_of(customer_id)) == set()
    deployment.pipeline.refresh()
    compared = parity(deployment)
    assert [row for row in compared if row["differences"]] == []


def test_who_may_forget(deployment, customers):
    """DATA_ENGINEER only: no manager, no loader, not the dashboard."""
    grants = deployment.account.rows("show grants to role DATA_ENGINEER")
    signature = "FORGET_CUSTOMER(VARCHAR, VARCHAR)"
    assert any(signature in name.upper() for name in grants["name"])
    for role in ("CHURN_MANAGER", "CHURN_APP", "CHURN_LOADER", "MARKETING_ANALYST"):
        held = deployment.account.rows(f"show grants to role {role}")
        assert not [name for name in held["name"] if "FORGET" in name.upper()]
        with pytest.raises(Exception, match="Unknown"):
            deployment.account.execute(
                "call forget_customer(customer_id => 'c001', dry_run => 'false')", role=role
            )
    assert "forgotten_customers" in str(
        deployment.account.rows("show grants to role CHURN_LOADER")["name"].str.lower().tolist()
    )


def test_what_comes_again_by_the_pipe_reaches_no_score_and_is_taken_out(deployment, customers):
    again = customers[0]
    columns = "event_id, customer_id, event_type, occurred_at, loaded_at, kafka_topic"
    account = deployment.account
    account.execute(
        f"insert into churn_scores_raw ({columns})"
        f" select 'again' || seq4(), '{again}', 'login',"
        " dateadd('day', -seq4(), sysdate()), sysdate(), 'churn.events'"
        " from table(generator(rowcount => 30))",
        "execute task delete_expired",
    )
    assert left_on_snowflake(deployment, (again,)) == {}
    history = account.rows("select name, state from task_runs where name ilike 'delete_expired'")
    assert "SUCCEEDED" in str(history.values.tolist())
    assert ADMIN

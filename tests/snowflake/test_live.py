"""The same flow on a real account: `pytest -m live tests/snowflake/test_live.py`.

It needs SNOWFLAKE_ACCOUNT and a login (docs/snowflake.md), makes a schema of its own, and drops it.
"""

import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
import snowflake.connector
from snowflake.connector.pandas_tools import write_pandas

from outreach.pack import pack
from tests.dbt import PROJECT
from tests.snowflake.deployment import pack_training
from tests.snowflake.events import raw_rows

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        not os.environ.get("SNOWFLAKE_ACCOUNT"), reason="needs an account: docs/snowflake.md"
    ),
]


@pytest.fixture(scope="module")
def schema():
    name = f"CHURN_LIVE_TEST_{uuid.uuid4().hex[:8].upper()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNOWFLAKE_SCHEMA", name)
        yield name
        with connection(name) as account:
            account.cursor().execute(f"drop schema if exists {name} cascade")


def connection(schema: str) -> snowflake.connector.SnowflakeConnection:
    """Log in as the profile does."""
    environment = os.environ
    login = (
        {"authenticator": "oauth", "token": environment["SNOWFLAKE_OAUTH_TOKEN"]}
        if environment.get("SNOWFLAKE_OAUTH_TOKEN")
        else {"password": environment["SNOWFLAKE_TOKEN"]}
        if environment.get("SNOWFLAKE_TOKEN")
        else {
            "private_key_file": environment["SNOWFLAKE_PRIVATE_KEY_PATH"],
            "private_key_file_pwd": environment.get("DBT_ENV_SECRET_SNOWFLAKE_KEY_PASSPHRASE"),
        }
    )
    return snowflake.connector.connect(
        account=environment["SNOWFLAKE_ACCOUNT"],
        user=environment.get("SNOWFLAKE_USER"),
        role=environment.get("SNOWFLAKE_ROLE", "DATA_ENGINEER"),
        warehouse=environment.get("SNOWFLAKE_WAREHOUSE", "CHURN_WH"),
        database=environment.get("SNOWFLAKE_DATABASE", "CHURN"),
        schema=schema,
        **login,
    )


def test_the_pipeline_runs_on_an_account(schema):
    pack_training()
    pack()
    for operation in ("upload", "create_message_functions", "check_setup"):
        _dbt("run-operation", operation)
    _dbt("build")
    with connection(schema) as account:
        cursor = account.cursor()
        write_pandas(
            account, raw_rows().rename(columns=str.upper), "RAW_EVENTS", auto_create_table=True,
            table_type="temporary", use_logical_type=True,
        )  # fmt: skip
        cursor.execute(
            "insert into churn_scores_raw select event_id, customer_id, event_type, occurred_at,"
            " amount, parse_json(payload), kafka_topic, kafka_partition, kafka_offset,"
            " published_at, loaded_at from raw_events"
        )
        _dbt("run-operation", "refresh")
        _dbt("build")
        assert cursor.execute("select count(*) from active_churn_model").fetchone()[0] == 1
        _dbt("run-operation", "execute_task", "--args", "{name: sweep_silent_customers}")
        states = "select state, error_message from table(information_schema.task_history()) limit 1"
        for _ in range(60):
            state = cursor.execute(states).fetchone()
            if state and state[0] in ("SUCCEEDED", "FAILED"):
                break
            time.sleep(5)
        assert state[0] == "SUCCEEDED", state
    place = f"{os.environ.get('SNOWFLAKE_DATABASE', 'CHURN')}.{schema}"
    _dbt("run-operation", "drop_pipeline", "--args", f"{{confirm: {place}, drop_schema: true}}")
    with connection(schema) as account:
        assert not account.cursor().execute(f"show schemas like '{schema}' in account").fetchall()


def _dbt(*arguments: str) -> None:
    dbt = Path(sys.executable).with_name("dbt")
    environment = {**os.environ, "DBT_TARGET": "snowflake", "DBT_PROFILES_DIR": str(PROJECT)}
    done = subprocess.run(
        [dbt, *arguments], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr

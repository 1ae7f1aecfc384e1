"""The configuration of Snowflake's own Kafka connector, and the pipe that its records go through.

The connector runs nowhere here. What it is told is compared with what its documentation names, and
what the pipe makes of a record with what the loader makes of the same message.
"""

import json
import re
from datetime import datetime, timedelta, timezone

import pytest
from fakesnow.instance import FakeSnow

from ingest.batches import EVENTS_SCHEMA, StoredTopic, judge
from ingest.fetched import Fetched
from tests.dbt import PROJECT, render, run_dbt

# Of a sink connector by Kafka Connect itself, ...
OF_KAFKA_CONNECT = {
    "connector.class", "tasks.max", "topics", "key.converter", "value.converter",
    "value.converter.schemas.enable", "errors.tolerance", "errors.log.enable",
    "errors.deadletterqueue.topic.name", "errors.deadletterqueue.context.headers.enable",
}  # fmt: skip
# ... and by version 4 of Snowflake's: docs.snowflake.com, user-guide/kafka-connector/setup-kafka.
OF_SNOWFLAKE = {
    "snowflake.url.name", "snowflake.user.name", "snowflake.private.key",
    "snowflake.private.key.passphrase", "snowflake.role.name", "snowflake.database.name",
    "snowflake.schema.name", "snowflake.topic2table.map", "snowflake.enable.schematization",
    "snowflake.validation", "snowflake.metadata.all", "snowflake.metadata.topic",
    "snowflake.metadata.offset.and.partition", "snowflake.metadata.createtime",
    "snowflake.streaming.metadata.connectorPushTime", "behavior.on.null.values",
    "snowflake.streaming.validate.compatibility.with.classic",
    "enable.task.fail.on.authorization.errors",
}  # fmt: skip
MESSAGE = {
    "event_id": "cj-b-31198570044", "customer_id": "H0900", "event_type": "purchase",
    "occurred_at": "2026-01-01T13:53:26+02:00", "amount": 12.4, "properties": {"departments": 3},
    "shop": "unknown fields stay",
}  # fmt: skip


def printed(**arguments: str) -> dict:
    """Return what Kafka Connect is given, from a machine that reaches no account."""
    done = run_dbt(
        "-q", "run-operation", "connector_configuration", "--args", json.dumps(arguments),
        target="snowflake",
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def configuration() -> dict[str, str]:
    return printed()["config"]


@pytest.fixture(scope="module")
def pipe() -> str:
    asked = "{{ connector_pipe_statements() | join(';\n') }}"
    return render(asked, target="snowflake")


def test_every_setting_is_one_that_the_connector_documents(configuration):
    assert set(configuration) <= OF_KAFKA_CONNECT | OF_SNOWFLAKE
    assert all(isinstance(value, str) for value in configuration.values())


def test_the_connector_writes_as_the_loader_into_the_loaders_table(configuration, pipe):
    topic, table = configuration["snowflake.topic2table.map"].split(":")
    assert topic == configuration["topics"] == "churn.events"
    schema = ".".join(configuration[f"snowflake.{part}.name"] for part in ("database", "schema"))
    said, name = pipe.lower(), f"{schema}.{table}".lower()
    assert f"create pipe if not exists {name} as copy into {name} (" in said
    role = configuration["snowflake.role.name"]
    assert f"grant operate on pipe {name} to role {role.lower()}" in said
    assert role in render("{{ churn_roles() | join(' ') }}", target="snowflake").split()


def test_the_configuration_follows_the_target(configuration, monkeypatch):
    """Database, schema and account of the profile; topic, user and file of secrets as asked for."""
    assert configuration["snowflake.url.name"] == "https://offline.snowflakecomputing.com"
    for name, value in (
        ("DATABASE", "SALES"),
        ("SCHEMA", "PR_17"),
        ("HOST", "private.example.com"),
    ):
        monkeypatch.setenv(f"SNOWFLAKE_{name}", value)
    found = printed(topic="shop.events", user="SHOP_LOADER", secrets="/run/secrets/sf.properties")
    assert found["name"] == "sales_pr_17_events"
    expected = {
        "snowflake.database.name": "SALES", "snowflake.schema.name": "PR_17",
        "snowflake.url.name": "https://private.example.com", "topics": "shop.events",
        "snowflake.topic2table.map": "shop.events:CHURN_SCORES_RAW",
        "errors.deadletterqueue.topic.name": "shop.events.unreadable",
        "snowflake.user.name": "SHOP_LOADER",
        "snowflake.private.key": "${file:/run/secrets/sf.properties:private.key}",
    }  # fmt: skip
    assert {name: found["config"][name] for name in expected} == expected


def test_the_pipe_is_used_because_the_account_validates(configuration):
    """With client_side the connector knows its default pipe only."""
    assert configuration["snowflake.validation"] == "server_side"
    assert configuration["snowflake.metadata.all"] == "true"  # topic, partition, offset, times
    assert configuration["snowflake.enable.schematization"] == "true"  # fields at the first level


def test_nothing_stops_at_a_message_that_is_no_json_and_nothing_is_dropped(configuration):
    assert configuration["errors.tolerance"] == "all"
    assert configuration["errors.deadletterqueue.topic.name"] not in ("", configuration["topics"])


def test_secrets_are_references(configuration):
    for name in ("snowflake.private.key", "snowflake.user.name"):
        assert re.fullmatch(r"\$\{\w+:[^}]+\}", configuration[name])


def test_the_pipe_fills_the_columns_of_the_table_in_their_order(pipe):
    model = (PROJECT / "models" / "raw" / "churn_scores_raw.sql").read_text()
    columns = re.search(r"copy into \S+ \((.*?)\)", pipe)[1].split(", ")
    assert columns == re.findall(r" as (\w+),?$", model, re.M) == EVENTS_SCHEMA.names


def test_a_record_becomes_the_row_that_the_loader_writes(pipe):
    published = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
    milliseconds = int(published.timestamp() * 1000)
    fetched = Fetched([json.dumps(MESSAGE).encode()], [42], [milliseconds], 43, None)
    batch = judge({3: fetched}, StoredTopic("churn.events", None), {3: 42})
    (expected,) = batch.events.to_pylist()
    record = MESSAGE | {
        "RECORD_METADATA": {
            "topic": "churn.events", "partition": 3, "offset": 42, "CreateTime": milliseconds,
            "SnowflakeConnectorPushTime": milliseconds + 5_000,
        }
    }  # fmt: skip
    (row,) = _through_the_pipe(pipe, record)
    payload = json.loads(row.pop("payload"))
    assert payload.pop("RECORD_METADATA")  # which the loader's does not have
    assert payload == json.loads(expected.pop("payload")) == MESSAGE
    assert row.pop("loaded_at") == published.replace(tzinfo=None) + timedelta(seconds=5)
    expected.pop("loaded_at")  # the loader's clock
    assert row == expected


def _through_the_pipe(pipe: str, record: dict) -> list[dict]:
    """Run the pipe's query on a record: fakesnow knows neither streams of records nor `$1`.

    It reads a time as the format AUTO does, but knows no format of that name.
    """
    query = re.search(r"from \((select .*) from table\(data_source\(type => 'STREAMING'\)", pipe)
    names = re.search(r"copy into \S+ \((.*?)\)", pipe)[1].split(", ")
    connection = FakeSnow().connect("CHURN", "MAIN")
    cursor = connection.cursor()
    cursor.execute(f"create table records as select parse_json('{json.dumps(record)}') as record")
    sql = re.sub(r"to_timestamp_tz\((\S+), 'AUTO'\)", r"\1::timestamp_tz", query[1])
    cursor.execute(sql.replace("$1", "record") + " from records")
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

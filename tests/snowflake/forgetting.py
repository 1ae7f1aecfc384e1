"""Customers who are forgotten on both engines, and a look for them in every table of both."""

import json
from typing import TYPE_CHECKING, NamedTuple

import pandas

from tests.dbt import run_dbt
from tests.snowflake.parity import parity

if TYPE_CHECKING:
    from tests.snowflake.deployment import Deployment

# What a producer got wrong about one.
REJECTED = (
    '{{"customer_id": "{0}", "event_type": 7}}', "{0};purchase", '{{"customer": "{0}"}}',
    '{{"to": "{0}@EXAMPLE.COM"}}',
)  # fmt: skip
MERGED = ("v004", "v002", "v003")  # the first one is what the others were merged into


class Forgotten(NamedTuple):
    """What was found of customers before and after, what was said, and both engines compared."""

    customers: list[str]
    before: set[str]
    left: dict[str, list[str]]
    left_on_duckdb: dict[str, list[str]]
    said: list[str]
    compared: list[dict]


def forget(deployment: "Deployment") -> Forgotten:
    """Forget one whose alert was rejected and one who is merged, on both engines."""
    [(alert_id, customer_id, state), *_] = deployment.pipeline.rows(
        "select alert_id, customer_id, state from alert_states order by customer_id"
    )
    # No move is left to be made, whose time would differ.
    move = (
        "insert into alert_events (event_id, alert_id, from_state, to_state, actor, occurred_at)"
        f" values ('given', '{alert_id}', '{state}', 'REJECTED', 'test', '2026-06-01 12:00:00')"
    )
    deployment.pipeline.connection.execute(move)
    deployment.account.execute(move)
    customers, said = [customer_id, MERGED[0]], []
    for place, one in enumerate(customers):
        _reject(deployment, one, 10 * place)
    texts = _texts(customer_id, *MERGED)
    before = set(left_on_snowflake(deployment, texts))
    for one in customers:
        asked = (
            "run-operation",
            "forget_customer",
            "--args",
            json.dumps({"customer_id": one}),
        )
        said.append(deployment.account.dbt(*asked).stdout)
        run_dbt(*asked)
    left = left_on_snowflake(deployment, texts)
    left_on_duckdb = _left_on_duckdb(deployment, texts)
    deployment.pipeline.refresh()
    return Forgotten(customers, before, left, left_on_duckdb, said, parity(deployment))


def left_on_snowflake(deployment: "Deployment", texts: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the rows of all tables and views that hold one of the texts."""
    kinds = ("dynamic_table", "table", "view", "incremental", "seed")
    names = [node["name"] for node in deployment.models(*kinds)]
    queries = [f"select * from {name}" for name in names]
    frames = deployment.account.answers(queries, "DATA_ENGINEER,CHURN_MANAGER")
    return _with_hits(dict(zip(names, frames, strict=True)), texts)


def _left_on_duckdb(deployment: "Deployment", texts: tuple[str, ...]) -> dict[str, list[str]]:
    tables = deployment.pipeline.rows(
        "select schema_name || '.' || table_name from duckdb_tables()"
        " where database_name = 'churn' and not temporary"
    )
    frames = {
        name: deployment.pipeline.frame(f"select columns(*)::varchar from churn.{name}")
        for (name,) in tables
    }
    return _with_hits(frames, texts)


def _texts(*customers: str) -> tuple[str, ...]:
    return tuple(
        text for one in customers for text in (one, f"Ann O'Neil {one}", f"{one}@example.com")
    )


def _with_hits(frames: dict[str, pandas.DataFrame], texts: tuple[str, ...]) -> dict[str, list[str]]:
    found = {}
    for name, frame in frames.items():
        rows = ["\n".join(map(_text, row)) for row in frame.itertuples(index=False)]
        hits = [row for row in rows if any(text.lower() in row.lower() for text in texts)]
        if hits:
            found[name] = hits
    return found


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes | bytearray) else str(value)


def _reject(deployment: "Deployment", customer_id: str, first: int) -> None:
    columns = "message, reason, kafka_topic, kafka_partition, kafka_offset"
    for offset, message in enumerate(REJECTED, start=first):
        text, values = message.format(customer_id), f"'broken', 'churn.events', 7, {offset}"
        deployment.account.execute(
            f"insert into churn_events_rejected ({columns})"
            f" select to_binary(hex_encode('{text}'), 'HEX'), {values}"
        )
        deployment.pipeline.connection.execute(
            f"insert into churn_events_rejected ({columns}) select encode('{text}'), {values}"
        )

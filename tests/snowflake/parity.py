"""Compares what both engines hold of the same events: model by model, row by row."""

import json
import re
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import pandas

from embedded.session import connect
from tests.dbt import render

if TYPE_CHECKING:
    from tests.snowflake.deployment import Deployment

TOLERANCE = 1e-9
# What no comparison can hold equal, each with its reason.
NOT_COMPARED = {
    "dynamic_table_lag": "how an engine fares is its own affair",
    "manager_dynamic_tables": "the same, as the dashboard shows it",
    "task_runs": "no task runs on the stand-in",
    "manager_tasks": "the same, as the dashboard shows it",
    "alert_turn": "a lock that DuckDB does not need",
}
# The first one reads the tables beneath, the second one sees all customers in the managers' views.
ASKING = "DATA_ENGINEER,CHURN_MANAGER"
CLOCKS = {"trained_at", "library_versions", "decided_at", "actor"} | {
    "id_hash", "salt", "forgotten_at",  # drawn at random, like what follows
}  # fmt: skip
_ANONYMOUS = re.compile(r"forgotten-[0-9a-f-]{36}")
# Each engine has a target lag of its own.
LAGS = {"target_lag_seconds", "stale_after_minutes"}
# Sentences that name that lag or a command of their engine: both say something, or neither does.
WORDED = {"not_scored_because", "said"}


def comparable(deployment: "Deployment") -> list[str]:
    kinds = ("dynamic_table", "table", "view", "incremental", "seed")
    return [node["name"] for node in deployment.models(*kinds) if node["name"] not in NOT_COMPARED]


def parity(deployment: "Deployment") -> list[dict]:
    """Return one row a model: how many rows and columns were compared, and how many differ."""
    with connect(ASKING) as pipeline:
        _show_steps(deployment, pipeline)
        return [_compare(name, deployment, pipeline) for name in comparable(deployment)]


def _show_steps(deployment: "Deployment", pipeline: duckdb.DuckDBPyConnection) -> None:
    """Make views of what is a dynamic table on Snowflake, and part of a query on DuckDB."""
    kept = {
        name for (name,) in pipeline.execute("select name from embedded.dynamic_tables").fetchall()
    }
    for node in deployment.models("dynamic_table"):
        if node["name"] not in kept:
            query = render(f"select * from {{{{ ref('{node['name']}') }}}}")
            pipeline.execute(f"create temp view {node['name']} as {query}")


def _compare(name: str, deployment: "Deployment", pipeline: duckdb.DuckDBPyConnection) -> dict:
    described = pipeline.execute(f"describe {name}").fetchall()
    types = {column.lower(): kind for column, kind, *_ in described}
    # Times as text: fakesnow's answers over the wire turn a NULL into 1970.
    query = "select {} from {}".format(
        ", ".join(
            f"cast({column} as varchar) as {column}"
            if kind.startswith(("TIME", "DATE"))
            else column
            for column, kind in types.items()
        ),
        name,
    )
    theirs, asked = deployment.account.answers([query, f"select * from {name} where 1 = 0"], ASKING)
    ours = pipeline.execute(query).df().rename(columns=str.lower)
    columns = [column for column in ours.columns if column not in CLOCKS | LAGS]
    assert sorted(types) == sorted(asked.columns), name
    for frame in (ours, theirs):
        for column in WORDED & set(frame.columns):
            frame[column] = frame[column].notna()
    left, right = _sorted(ours[columns]), _sorted(theirs[columns])
    different = [
        (column, one, other)
        for row, other_row in zip(left, right, strict=False)
        for column, one, other in zip(columns, row, other_row, strict=True)
        if not _same(one, other)
    ]
    return {
        "model": name,
        "rows": len(ours),
        "columns": len(columns),
        "differences": len(different) + abs(len(left) - len(right)),
        "example": str(different[0]) if different else "",
    }


def _sorted(frame: pandas.DataFrame) -> list[tuple]:
    rows = [tuple(plain(value) for value in row) for row in frame.itertuples(index=False)]
    return sorted(rows, key=lambda row: [str(_key(value)) for value in row])


def plain(value):
    """Return a value without what only its engine's types say."""
    if value is None or (not isinstance(value, (list, dict)) and pandas.isna(value)):
        return None
    if isinstance(value, pandas.Timestamp):
        value = value.to_pydatetime().replace(tzinfo=None)
    if isinstance(value, datetime) and value.time().isoformat() == "00:00:00":
        return value.date().isoformat()
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float, Decimal)) or hasattr(value, "item"):
        return (
            value.item()
            if hasattr(value, "item") and isinstance(value.item(), bool)
            else float(value)
        )
    if isinstance(value, str):
        value = _ANONYMOUS.sub("forgotten", value)
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _key(value):
    if isinstance(value, (dict, list)):
        return ""  # never what tells one row from another
    return round(value, 6) if isinstance(value, float) else value


def _same(one, other) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= TOLERANCE * max(1.0, abs(one))
    return one == other

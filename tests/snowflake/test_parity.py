"""The same events through both engines: every model that both can run holds the same rows."""

import json
from datetime import date, datetime
from decimal import Decimal

import pandas

from embedded.database import connect

TOLERANCE = 1e-9
# What no comparison can hold equal, each with its reason.
NOT_COMPARED = {
    "dynamic_table_lag": "how an engine fares is its own affair",
}
CLOCKS = {"trained_at", "library_versions", "decided_at", "actor"}


def test_every_model_that_both_engines_run_holds_the_same_rows(deployment):
    table = parity(deployment)
    print(pandas.DataFrame(table).to_string(index=False))
    assert [row for row in table if row["differences"]] == []
    assert len(table) == len(comparable(deployment)) > 20
    assert {row["model"] for row in table if row["rows"] > 0} >= {
        "churn_metrics_live", "training_snapshots", "train_churn_model", "manager_risk_queue",
        "manager_messages",
    }  # fmt: skip


def comparable(deployment) -> list[str]:
    kinds = ("dynamic_table", "table", "view", "incremental", "seed")
    return [node["name"] for node in deployment.models(*kinds) if node["name"] not in NOT_COMPARED]


def parity(deployment) -> list[dict]:
    """Return one row a model: how many rows and columns were compared, and how many differ."""
    deployment.account.execute("use role CHURN_MANAGER")
    lake = connect("CHURN_MANAGER")
    try:
        return [_compare(name, deployment, lake) for name in comparable(deployment)]
    finally:
        lake.close()


def _compare(name: str, deployment, lake) -> dict:
    theirs = deployment.account.rows(f"select * from {name}")
    ours = lake.execute(f"select * from {name}").df().rename(columns=str.lower)
    columns = [column for column in ours.columns if column not in CLOCKS]
    assert sorted(ours.columns) == sorted(theirs.columns), name
    left, right = _sorted(ours[columns]), _sorted(theirs[columns])
    differences = abs(len(left) - len(right)) + sum(
        not _same(one, other)
        for row, other_row in zip(left, right, strict=False)
        for one, other in zip(row, other_row, strict=True)
    )
    return {
        "model": name, "rows": len(ours), "columns": len(columns), "differences": differences,
    }  # fmt: skip


def _sorted(frame: pandas.DataFrame) -> list[tuple]:
    rows = [tuple(_plain(value) for value in row) for row in frame.itertuples(index=False)]
    return sorted(rows, key=lambda row: [str(_key(value)) for value in row])


def _plain(value):
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
        return value.item() if hasattr(value, "item") and isinstance(value.item(), bool) else float(value)
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return json.dumps(json.loads(value), sort_keys=True)
        except ValueError:
            return value
    return value


def _key(value):
    return round(value, 6) if isinstance(value, float) else value


def _same(one, other) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= TOLERANCE * max(1.0, abs(one))
    return one == other

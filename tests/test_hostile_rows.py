"""Whatever stands in the tables, and whatever somebody calls a procedure with: every view answers,
every task runs, and what is added up over many rows stays a number.

Raw events have tests of their own; here are the tables that tasks, procedures and training fill.
"""

import json
import random
from datetime import timedelta
from functools import partial

import duckdb
import pytest

from embedded.engine.registry import SCHEMA, tasks
from embedded.engine.storage import transact
from runtime.clock import utc_now
from tests.conftest import Pipeline
from tests.raising.allowed import BOUNDS

TEXTS = (
    None, "", "abc", "0", "-1", "1e999", "NaN", "9" * 400, "2026-02-31", "infinity", "null", "[]",
    "{", '{"a": 1e400}', '[{"code": 5}]', '[{"code": "silent"}]', '{"x": {"bins": "no"}}',
    '{"x": {"bins": ["1e999", null, 1], "shares": [1, "a", {}]}}', "\\", "%_", "\U0001f600",
    *("high", "low", "left", "treated", "holdout", "approval"),
    *("OPEN", "DRAFTED", "APPROVED", "QUEUED", "SENT"),
    *("HANDED_OVER", "FAILED", "UNKNOWN", "accepted", "replied", "failed", "not_called", "score"),
)  # fmt: skip
POOLS = {
    "VARCHAR": TEXTS,
    "DOUBLE": (None, 0.0, -0.0, 0.5, 1.0, -1.0, 1e308, -1e308, *map(float, ("nan", "inf", "-inf"))),
    "INTEGER": (None, 0, 1, -1, 5, 2**31 - 1, -(2**31)),
    "BIGINT": (None, 0, 1, -1, 40, 2**63 - 1, -(2**63)),
    "BOOLEAN": (None, True, False),
    "BLOB": (None, b"", b"\xff\x00"),
    "DATE": (None, "0001-01-01", "9999-12-31", "2026-03-02"),
}  # fmt: skip
# What rows are joined by: few, so that many of them meet.
NAMES = {"customer_id": "C", "alert_id": "A", "version": "v", "model_version": "v", "event_id": "E",
         "call_id": "L", "message_id": "M"}  # fmt: skip
# What is added up over many rows.
FIGURES = {
    "manager_llm_usage": ("cost", "mean_seconds"),
    "retention_effect": ("treated_value", "shrunken"),
    "alert_ranking": ("kept_by_value_at_risk", "kept_by_value_kept", "difference", "verdict_low"),
    "model_live_quality": ("predicted", "brier", "roc_auc", "calibration_z"),
    "population_drift": ("psi",),
}
RAW = {"churn_scores_raw", "model_promotions"}  # of which the one decides which model serves
BOUNDED = {column: one.value for one in BOUNDS for column in one.columns}


@pytest.fixture(scope="module")
def pipeline(empty_pipelines, tmp_path_factory):
    """A pipeline of 40 hostile rows a table."""
    path = tmp_path_factory.mktemp("hostile") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHURN_HOME", str(path))
        pipeline = Pipeline(empty_pipelines.copy("all", path))
        now, draw = utc_now(), random.Random(21)
        moments = (None, now, now - timedelta(days=40), "0001-01-01", "9999-12-31 23:59:59.999999")
        pipeline.add(*({"event_id": f"e{day}", "customer_id": f"C{day % 4}", "event_type": "login",
                    "occurred_at": now - timedelta(days=day)} for day in range(90)))  # fmt: skip
        pipeline.tick(now)
        for table, columns in stored(pipeline, empty_pipelines.manifest("all")).items():
            rows = [
                [value(draw, table, name, kind, moments) for name, kind in columns]
                for _ in range(40)
            ]
            insert = f"insert into {table} values ({', '.join('?' * len(columns))})"
            transact(pipeline.connection, partial(executed, insert, rows))
        yield pipeline
        pipeline.close()


def executed(insert: str, rows: list[list], pipeline: duckdb.DuckDBPyConnection) -> None:
    pipeline.executemany(insert, rows)


def stored(pipeline: Pipeline, manifest: dict) -> dict[str, list[tuple[str, str]]]:
    """Return the columns of every table that is filled row by row, with their types."""
    kept = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["config"]["materialized"] == "incremental"
    }
    return {
        table: [(name, kind) for name, kind, *_ in pipeline.rows(f"describe {table}")]
        for table in sorted(kept - RAW)
    }


def value(draw: random.Random, table: str, column: str, kind: str, moments: tuple) -> object:
    if column in NAMES:
        return f"{NAMES[column]}{draw.randrange(4)}"
    known = BOUNDED.get((table, column))
    pool = moments if kind == "TIMESTAMP" else POOLS[kind]
    if known is not None:
        pool = [one for one in pool if one is None or known.low <= one <= min(known.high, 10**9)]
    return draw.choice(pool)


def test_every_view_answers_and_its_sums_are_numbers(pipeline):
    views = pipeline.rows(
        "select view_name from duckdb_views()"
        " where database_name = 'churn' and schema_name = 'main' and not internal"
    )
    assert len(views) > 30
    for (name,) in views:
        shown = pipeline.frame(f"select * from {name}")  # as the dashboard reads it
        for column in {"value_at_risk", *FIGURES.get(name, ())} & set(shown.columns):
            wrong = pipeline.rows(f"select {column} from {name} where not isfinite({column})")
            assert wrong == [], (name, column)


@pytest.mark.parametrize("name", ["monitor_model", "take_risk_snapshot", "advance_alerts",
                                  "sweep_silent_customers"])  # fmt: skip
def test_every_task_runs(pipeline, name):
    assert pipeline.run_task(tasks(pipeline.connection)[name], utc_now()).error is None


def test_every_procedure_takes_any_text(pipeline):
    procedures = dict(pipeline.rows(f"select name, parameters from {SCHEMA}.procedures"))
    assert len(procedures) > 8
    for name, parameters in procedures.items():
        for text in (None, "", "1e999", "{", '["A0", "A1", null, 5]'):
            pipeline.call(name, dict.fromkeys(json.loads(parameters), text))

"""How fast the whole customer base is scored: one batch, with bands, reasons and value at risk."""

import json
import time

import duckdb

from benchmarks import history
from embedded.engine.registry import tasks
from embedded.engine.statements import Statements
from embedded.engine.tasks import run_task
from embedded.session import open_database
from runtime.clock import utc_now

_SWEEP = "sweep_silent_customers"


def measure(events: int) -> dict[str, float]:
    """Return rows per second of a sweep in which everyone is due, and of PREDICT_CHURN alone."""
    history.build(events)
    with open_database().session() as opened:
        statements, pipeline = Statements(opened), opened.cursor()
        run_task(statements, tasks(pipeline)[_SWEEP], utc_now())  # opens the model
        # As after a new model: every score is of another version.
        pipeline.execute("update churn.main.churn_scores set model_version = 'an earlier one'")
        [before] = pipeline.execute(
            "select count(*) from churn.main.churn_score_history"
        ).fetchone()
        started = time.perf_counter()
        run = run_task(statements, tasks(pipeline)[_SWEEP], utc_now())
        seconds = time.perf_counter() - started
        [after] = pipeline.execute("select count(*) from churn.main.churn_score_history").fetchone()
        if run.error:
            raise RuntimeError(run.error)
        alone = _rows_a_second(pipeline)
    return {
        "re-scored rows": after - before,
        "re-scored rows/s, all of the task": round((after - before) / seconds),
        "scored rows/s, PREDICT_CHURN alone": round(alone),
    }


def _rows_a_second(pipeline: duckdb.DuckDBPyConnection) -> float:
    """Return how many rows a second the model scores: of the snapshots that it learned from."""
    [features] = pipeline.execute("select features from active_churn_model").fetchone()
    columns = ", ".join(f"coalesce(cast({name} as double), 0)" for name in json.loads(features))
    started = time.perf_counter()
    [rows] = pipeline.execute(
        f"select count(predict_churn({columns})) from training_snapshots"
    ).fetchone()
    return rows / (time.perf_counter() - started)

"""What the embedded engine costs: a change against a full refresh, and scoring."""

import os
import time
from pathlib import Path

import numpy

CUSTOMERS = 10_000
CHANGE = 1_000


def measure(events: int) -> dict[str, float]:
    """Return seconds and ratios: first build, a small change, nothing to do, scoring."""
    from embedded.database import connect
    from embedded.processes import run_dbt
    from embedded.refresh import refresh

    run_dbt("run", "-s", "+metrics")
    with connect() as connection:
        _add(connection, events, start=0)
        full = _seconds(lambda: refresh(connection))
        _add(connection, CHANGE, start=events)
        change = _seconds(lambda: refresh(connection))
        nothing = _seconds(lambda: refresh(connection))
    return {
        "full_refresh_seconds": full,
        "change_refresh_seconds": change,
        "change_to_full_ratio": change / full,
        "nothing_to_do_seconds": nothing,
        "scored_rows_per_second": _scoring_rate(),
    }


def _add(connection: object, count: int, start: int) -> None:
    connection.execute(
        "insert into lake.main.churn_scores_raw select"
        " 'e' || i, 'c' || (hash(i) % $1), case when i % 5 = 0 then 'purchase' else 'login' end,"
        " timestamp '2026-01-01' + to_seconds((i * 31_536_000 // $2)::bigint), 10.0, '{}', 'bench',"
        " 0, i, timestamp '2026-01-01', timestamp '2026-01-01' from range($3, $3 + $4) as r(i)",
        [CUSTOMERS, start + count, start, count],
    )


def _scoring_rate() -> float:
    import importlib.util

    import pandas

    from embedded.churn_model import open_model
    from embedded.processes import PROJECT

    path = PROJECT / "python_models" / "train_churn_model.py"
    spec = importlib.util.spec_from_file_location("train_churn_model", path)
    trainer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(trainer)
    draw = numpy.random.default_rng(1)
    features = [f"feature_{number}" for number in range(29)]
    rows = pandas.DataFrame(draw.random((5_000, 29)), columns=features)
    rows["has_churned"] = (draw.random(5_000) < rows.feature_0).astype(int)
    content = trainer.export(trainer.fit(rows, features), trainer.matrix(rows[:100], features))
    import hashlib

    artefact = Path(os.environ["CHURN_LAKE"]) / "bench.onnx"
    artefact.write_bytes(content)
    model = open_model("bench", artefact, hashlib.sha256(content).hexdigest(), tuple(features))
    batch = draw.random((100_000, 29))
    return len(batch) / _seconds(lambda: model.predict(batch))


def _seconds(work: object) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started

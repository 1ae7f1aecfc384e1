"""A model that is trained in an instant: schedulers score with it."""

import hashlib

import duckdb
import numpy
import pandas
from sklearn.linear_model import LogisticRegression

from embedded.engine.storage import churn_home, transact
from training.artefacts import store
from training.forest import to_artefact
from training.registry import run_row
from training.snapshots import KEYS_AND_LABEL, matrix
from training.status import TRAINED


def activate_model(connection: duckdb.DuckDBPyConnection) -> None:
    """Make a small model the active one: each problem of the last 28 days adds to the risk."""
    columns = connection.execute("describe training_snapshots").fetchall()
    features = [name for name, *_ in columns if name not in KEYS_AND_LABEL]
    draw = numpy.random.default_rng(1)
    # What is always 0 gets no weight, so that nothing but problems counts.
    rows = pandas.DataFrame(0, index=range(2_000), columns=features)
    rows["friction_count_28d"] = draw.integers(0, 6, len(rows))
    has_churned = rows["friction_count_28d"] + draw.normal(size=len(rows)) > 3.0
    sample = matrix(rows, features)
    content = to_artefact(LogisticRegression(max_iter=1_000).fit(sample, has_churned), None, sample)
    store(object(), content, str(churn_home() / "models"), "small.onnx")
    row = run_row(
        "small",
        TRAINED,
        features,
        artefact="small.onnx",
        artefact_hash=hashlib.sha256(content).hexdigest(),
    )
    transact(connection, lambda open_: _insert(open_, row))


def _insert(connection: duckdb.DuckDBPyConnection, row: pandas.DataFrame) -> None:
    names = ", ".join(row.columns)
    connection.execute(
        f"insert into train_churn_model ({names}) values ({', '.join('?' * len(row.columns))})",
        row.astype(object).iloc[0].tolist(),
    )
    connection.execute(
        "insert into model_promotions values ('small', 'promoted', 'small', 'test', now())"
    )

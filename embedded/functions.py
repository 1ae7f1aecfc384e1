"""The project's SQL functions on DuckDB, under the names that they have on Snowflake."""

import threading

import duckdb
import numpy
import pyarrow
import pyarrow.compute

from embedded.churn_model import ChurnModel, read_active_model, return_to_last_good_model
from embedded.database import LakeError
from embedded.email_template import write_email

_lock = threading.Lock()
_model: ChurnModel | None = None


def register_functions(connection: duckdb.DuckDBPyConnection, *, role: str) -> None:
    """Register PREDICT_CHURN, GENERATE_RETENTION_EMAIL and IS_ROLE_IN_SESSION on a connection.

    `role` is who asks. It previews what that role would see on Snowflake; it is no protection,
    because whoever can open the lake's files can read all of them.
    """
    connection.create_function(
        "predict_churn",
        _predict_churn,
        None,  # any number of features: the artefact says how many, and a mismatch is refused
        "DOUBLE",
        type="arrow",
        null_handling="special",
    )
    connection.create_function("generate_retention_email", write_email, ["VARCHAR"], "VARCHAR")
    connection.create_function(
        "is_role_in_session", lambda name: name.upper() == role.upper(), ["VARCHAR"], "BOOLEAN"
    )


def load_churn_model(connection: duckdb.DuckDBPyConnection) -> ChurnModel | None:
    """Make the lake's active model the one that PREDICT_CHURN uses; None while there is none.

    The artefact is read once per process and version. Raises LakeError when it cannot serve.
    """
    global _model
    with _lock:
        _model = read_active_model(connection, loaded=_model)
        return _model


def load_model_that_serves(connection: duckdb.DuckDBPyConnection) -> None:
    """Load the active model or, when it cannot serve, go back to the last good one.

    Raises LakeError when there is none. Runs in the transaction that scores.
    """
    global _model
    try:
        load_churn_model(connection)
    except LakeError as problem:
        with _lock:
            _model = return_to_last_good_model(connection, problem)


def _predict_churn(*features: pyarrow.Array) -> pyarrow.Array:
    """Score one batch: a probability for each row, NULL for all while there is no model."""
    rows = len(features[0])
    if _model is None:
        return pyarrow.nulls(rows, pyarrow.float64())
    columns = [
        pyarrow.compute.cast(_combined(feature), pyarrow.float64()).to_numpy(zero_copy_only=False)
        for feature in features
    ]
    return pyarrow.array(_model.predict(numpy.column_stack(columns)), pyarrow.float64())


def _combined(feature: pyarrow.Array | pyarrow.ChunkedArray) -> pyarrow.Array:
    return feature.combine_chunks() if isinstance(feature, pyarrow.ChunkedArray) else feature

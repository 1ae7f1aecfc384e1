"""The project's SQL functions on DuckDB, under the names that they have on Snowflake."""

import threading
from functools import cache

import duckdb
import numpy
import pyarrow

from embedded.churn_model import ChurnModel, read_active_model, return_to_last_good_model
from embedded.database import connect
from outreach import providers
from outreach.addresses import mail_address
from outreach.checks import check_message, draft_message
from outreach.settings import MessageSettings, read_settings
from outreach.template import write_from_template
from runtime.errors import EngineError

# Of the package outreach/, which Snowflake imports too: by how many texts each takes.
_MESSAGE_FUNCTIONS = {
    write_from_template: 1,
    draft_message: 4,
    check_message: 5,
    mail_address: 1,
}
_lock = threading.Lock()
_model: ChurnModel | None = None


def register_functions(connection: duckdb.DuckDBPyConnection, *, role: str) -> None:
    """Register PREDICT_CHURN, IS_ROLE_IN_SESSION and the functions of messages on a connection.

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
    for function, parameters in (_MESSAGE_FUNCTIONS | {generate_retention_email: 1}).items():
        connection.create_function(
            function.__name__,
            function,
            ["VARCHAR"] * parameters,
            "VARCHAR",
            null_handling="special",
        )
    connection.create_function(
        "is_role_in_session", lambda name: name.upper() == role.upper(), ["VARCHAR"], "BOOLEAN"
    )


def generate_retention_email(reasons: str | None) -> str:
    """Ask the provider that the lake's settings name; the SQL function of this name."""
    return providers.generate_retention_email(_message_settings(), reasons)


@cache
def _message_settings() -> MessageSettings:
    """Return the lake's settings as this process first read them.

    They are read by a connection of their own, because the one that asks is running its query.
    """
    with connect(role=None, create=False) as connection:
        return read_settings(connection)


def load_churn_model(connection: duckdb.DuckDBPyConnection) -> ChurnModel | None:
    """Make the lake's active model the one that PREDICT_CHURN uses; None while there is none.

    The artefact is read once per process and version. Raises EngineError when it cannot serve.
    """
    global _model
    with _lock:
        _model = read_active_model(connection, loaded=_model)
        return _model


def load_model_that_serves(connection: duckdb.DuckDBPyConnection) -> None:
    """Load the active model or, when it cannot serve, go back to the last good one.

    Raises EngineError when there is none. Runs in the transaction that scores.
    """
    global _model
    try:
        load_churn_model(connection)
    except EngineError as problem:
        with _lock:
            _model = return_to_last_good_model(connection, problem)


def _predict_churn(*features: pyarrow.ChunkedArray) -> pyarrow.Array:
    """Score one batch: a probability for each row, NULL for one whose features are no numbers.

    NULL for all while there is no model.
    """
    rows = len(features[0])
    if _model is None:
        return pyarrow.nulls(rows, pyarrow.float64())
    # Column by column, and turned over at once: writing across a row each time takes longer.
    columns = numpy.empty((len(features), rows), numpy.float32)
    with numpy.errstate(over="ignore"):
        for number, feature in enumerate(features):
            columns[number] = feature.to_numpy()
    scores = _model.predict(numpy.ascontiguousarray(columns.T))
    return pyarrow.array(scores, pyarrow.float64(), from_pandas=True)  # NaN becomes NULL

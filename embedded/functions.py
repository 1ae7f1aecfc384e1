"""The project's SQL functions on DuckDB, under the names that they have on Snowflake."""

import functools
import threading
from collections.abc import Callable

import numpy
import pyarrow

from embedded.churn_model import ChurnModel, read_active_model, return_to_last_good_model
from embedded.engine.storage import CATALOG, Connection
from outreach import providers
from outreach.addresses import mail_address
from outreach.letters import check_message, draft_message, read_review
from outreach.settings import MessageSettings, read_settings
from outreach.template import write_from_template
from runtime.errors import EngineError

# Of the package outreach/, which Snowflake imports too: by how many texts each takes.
_MESSAGE_FUNCTIONS = {
    write_from_template: 2,
    draft_message: 6,
    check_message: 6,
    read_review: 1,
    mail_address: 1,
}
DEFAULT_ROLE = "CHURN_MANAGER"
_HAS_ROLE = (
    f"list_contains(regexp_split_to_array(upper(coalesce(getvariable('role'), '{DEFAULT_ROLE}')),"
    r" '\s*,\s*'), upper(asked))"
)
_lock = threading.Lock()
_model: ChurnModel | None = None


def register_functions(connection: Connection) -> None:
    """Register PREDICT_CHURN, IS_ROLE_IN_SESSION and the functions of messages on an open file.

    All connections to the file have them then. IS_ROLE_IN_SESSION goes by the variable `role`: one
    role, or several with commas, as a session on Snowflake may have several.
    """
    connection.create_function(
        "predict_churn",
        _predict_churn,
        None,  # any number of features: the artefact says how many, and a mismatch is refused
        "DOUBLE",
        type="arrow",
        null_handling="special",
    )
    asking = dict.fromkeys(_asking_functions(connection), 2)
    for function, parameters in (_MESSAGE_FUNCTIONS | asking).items():
        connection.create_function(
            function.__name__,
            function,
            ["VARCHAR"] * parameters,
            "VARCHAR",
            null_handling="special",
        )
    _store_role_function(connection)


def _store_role_function(connection: Connection) -> None:
    """Keep IS_ROLE_IN_SESSION in the file, so that its views answer in any DuckDB tool."""
    connection.execute(f"create or replace temp macro is_role_in_session(asked) as {_HAS_ROLE}")
    stored, wanted = (
        connection.execute(
            "select macro_definition from duckdb_functions() where database_name = ?"
            " and function_name = 'is_role_in_session'",
            [database],
        ).fetchone()
        for database in (CATALOG, "temp")
    )
    connection.execute("drop macro temp.main.is_role_in_session")
    if stored != wanted:  # a file that is new, or of a version that knew one role only
        connection.execute(
            f"create or replace macro {CATALOG}.main.is_role_in_session(asked) as {_HAS_ROLE}"
        )


def _asking_functions(connection: Connection) -> list[Callable[..., str]]:
    """Return the SQL functions that ask the provider which the stored settings name.

    They are read once per open file, by another connection than the one that runs the query.
    """

    @functools.cache
    def settings() -> MessageSettings:
        with connection.cursor() as cursor:
            cursor.execute(f"use {CATALOG}.main")
            return read_settings(cursor)

    def generate_retention_email(prompt: str | None, reasons: str | None) -> str:
        return providers.generate_retention_email(settings(), prompt, reasons)

    def review_retention_email(prompt: str | None, letter: str | None) -> str:
        return providers.review_retention_email(settings(), prompt, letter)

    return [generate_retention_email, review_retention_email]


def load_churn_model(connection: Connection) -> ChurnModel | None:
    """Make the active model the one that PREDICT_CHURN uses; None while there is none.

    The artefact is read once per process and version. Raises EngineError when it cannot serve.
    """
    global _model
    with _lock:
        _model = read_active_model(connection, loaded=_model)
        return _model


def load_model_that_serves(connection: Connection) -> None:
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

"""The model artefact: an ONNX file, opened once, checked against what its training run noted.

A version that cannot serve any more is left for the last one that can, and that is noted like
every other decision, so that each score still names the version that gave it.
"""

import hashlib
import json
from dataclasses import dataclass

import duckdb
import numpy
import onnxruntime

from embedded.engine.storage import CATALOG, Connection, churn_home
from runtime.errors import EngineError
from training.status import has_trained

_GOLDEN_TOLERANCE = 1e-6
# While these do not change, the active model is the same.
MODEL_TABLES = {"train_churn_model", "model_promotions"}
_PROMOTED = f"from {CATALOG}.main.model_promotions where action <> 'kept'"
_RUNS = f"{CATALOG}.main.train_churn_model"


@dataclass(frozen=True)
class Version:
    """One trained version, as its training run described it."""

    version: str
    artefact: str
    artefact_hash: str
    features: str
    golden_rows: str


@dataclass(frozen=True)
class ChurnModel:
    """One version of the model, ready to score."""

    version: str
    features: tuple[str, ...]
    session: onnxruntime.InferenceSession

    def predict(self, rows: numpy.ndarray) -> numpy.ndarray:
        """Return the probability of churn for each row of features, in the artefact's order.

        NaN for a row that holds what is no finite number in 32 bits; the others are scored as if it
        was not there.
        """
        if rows.shape[1] != len(self.features):
            raise EngineError(
                f"model {self.version} was trained on {len(self.features)} features, not on"
                f" {rows.shape[1]}: run 'dbt build' to train it again"
            )
        with numpy.errstate(over="ignore"):
            values = rows.astype(numpy.float32, copy=False)
        are_numbers = numpy.isfinite(values).all(axis=1)
        if are_numbers.all():
            return self._scored(values)
        scores = numpy.full(len(values), numpy.nan)
        if are_numbers.any():
            scores[are_numbers] = self._scored(values[are_numbers])
        return scores

    def _scored(self, values: numpy.ndarray) -> numpy.ndarray:
        inputs = {self.session.get_inputs()[0].name: values}
        return self.session.run(["probabilities"], inputs)[0][:, 1].astype(numpy.float64)


def read_active_model(
    connection: Connection, *, loaded: ChurnModel | None = None
) -> ChurnModel | None:
    """Return the active model, reusing the loaded one while its version is the active one.

    Returns None while no model has been trained. Raises EngineError when the artefact is missing or
    is not the file that the training run described.
    """
    try:
        active = _versions(connection, f"select version from {CATALOG}.main.active_churn_model")
    except duckdb.CatalogException:
        return None
    if not active:
        return None
    if loaded is not None and loaded.version == active[0].version:
        return loaded
    return open_model(active[0])


def return_to_last_good_model(connection: Connection, problem: EngineError) -> ChurnModel:
    """Let the latest other version serve that can, and note why; raises `problem` if none can.

    Runs in the caller's transaction, so that what it scores and how it is labelled go together.
    """
    earlier = _versions(
        connection,
        f"select version, max(decided_at) {_PROMOTED}"
        f" and version not in (select version from {CATALOG}.main.active_churn_model)"
        " group by version order by max(decided_at) desc",
    )
    for candidate in earlier:
        try:
            model = open_model(candidate)
        except EngineError:
            continue
        connection.execute(
            f"insert into {CATALOG}.main.model_promotions"
            " (version, action, reason, actor, decided_at)"
            " values (?, 'rolled_back', ?, 'scoring', now()::timestamp)",
            [model.version, str(problem)],
        )
        return model
    raise problem


def check_model(connection: Connection, version: str) -> None:
    """Raise EngineError when a trained version cannot serve."""
    found = _versions(connection, "select ?", [version])
    if not found:
        raise EngineError(f"there is no trained version {version}")
    open_model(found[0])


def open_model(version: Version) -> ChurnModel:
    """Open an artefact after checking that it is the one that was described; raises EngineError."""
    path = churn_home() / "models" / version.artefact
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EngineError(
            f"the artefact of model {version.version} is missing at {path}: run 'dbt build' again"
        ) from error
    if hashlib.sha256(content).hexdigest() != version.artefact_hash:
        raise EngineError(
            f"the artefact of model {version.version} at {path} was changed after training:"
            " remove it and run 'dbt build' again"
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # DuckDB asks for 2,048 rows at a time: threads that spin in between take the processor from it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    model = ChurnModel(version.version, tuple(json.loads(version.features)), session)
    _check_golden_rows(model, json.loads(version.golden_rows or "[]"))
    return model


def _check_golden_rows(model: ChurnModel, golden_rows: list[dict]) -> None:
    """Raise EngineError when this machine's runtime gives other scores than the training run's."""
    if not golden_rows:
        return
    scores = model.predict(numpy.array([row["features"] for row in golden_rows]))
    difference = numpy.abs(scores - [row["score"] for row in golden_rows]).max()
    if difference > _GOLDEN_TOLERANCE:
        raise EngineError(
            f"model {model.version} gives other scores here than where it was trained (difference"
            f" {difference:.6f}): run 'dbt build' to train it with the libraries of this machine"
        )


def _versions(
    connection: Connection, which: str, parameters: list[str] | None = None
) -> list[Version]:
    """Return the trained versions that a query names in its first column, in its order."""
    names = [name for name, *_ in connection.execute(which, parameters or []).fetchall()]
    rows = connection.execute(
        "select status, version, artefact, artefact_hash, features, golden_rows"
        f" from {_RUNS} where list_contains(?, version)",
        [names],
    ).fetchall()
    found = {row[0]: Version(*row) for status, *row in rows if has_trained(status)}
    return [found[name] for name in names if name in found]

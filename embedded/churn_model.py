"""The model artefact: an ONNX file, opened once, checked against its hash and its feature list."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy
import onnxruntime

from embedded.database import CATALOG, LakeError, lake_path


@dataclass(frozen=True)
class ChurnModel:
    """One version of the model, ready to score."""

    version: str
    features: tuple[str, ...]
    session: onnxruntime.InferenceSession

    def predict(self, rows: numpy.ndarray) -> numpy.ndarray:
        """Return the probability of churn for each row of features, in the artefact's order."""
        if rows.shape[1] != len(self.features):
            raise LakeError(
                f"model {self.version} was trained on {len(self.features)} features, not on"
                f" {rows.shape[1]}: run 'dbt build' to train it again"
            )
        inputs = {self.session.get_inputs()[0].name: rows.astype(numpy.float32)}
        return self.session.run(["probabilities"], inputs)[0][:, 1].astype(numpy.float64)


def read_active_model(
    connection: duckdb.DuckDBPyConnection, *, loaded: ChurnModel | None = None
) -> ChurnModel | None:
    """Return the active model, reusing the loaded one while its version is the active one.

    Returns None while no model has been trained. Raises LakeError when the artefact is missing or
    is not the file that the training run described.
    """
    try:
        row = connection.execute(
            "select version, artefact, artefact_hash, features"
            f" from {CATALOG}.main.active_churn_model"
        ).fetchone()
    except duckdb.CatalogException:
        return None
    if row is None:
        return None
    version, artefact, artefact_hash, features = row
    if loaded is not None and loaded.version == version:
        return loaded
    return open_model(
        version, lake_path() / "models" / artefact, artefact_hash, tuple(json.loads(features))
    )


def open_model(
    version: str, artefact: Path, artefact_hash: str, features: tuple[str, ...]
) -> ChurnModel:
    """Open an artefact after checking that it is the one that was described; raises LakeError."""
    try:
        content = artefact.read_bytes()
    except OSError as error:
        raise LakeError(
            f"the artefact of model {version} is missing at {artefact}: run 'dbt build' again"
        ) from error
    if hashlib.sha256(content).hexdigest() != artefact_hash:
        raise LakeError(
            f"the artefact of model {version} at {artefact} was changed after training:"
            " remove it and run 'dbt build' again"
        )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # DuckDB asks for 2,048 rows at a time: threads that spin in between take the processor from it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return ChurnModel(version, features, session)

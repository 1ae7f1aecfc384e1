"""The champion and the challenger: what they are, how they are fitted, how the forest is kept."""

import numpy
import pandas
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from training import trees
from training.calibration import Calibration
from training.snapshots import matrix, weights

# Bounded trees: scoring costs the same however much was trained on, and over the earlier cut-offs
# of the back-test they rank as well (docs/model.md).
FOREST = {
    "n_estimators": 64,
    "min_samples_leaf": 15,
    "max_leaf_nodes": 64,
    "random_state": 7,
    "n_jobs": -1,
}
# Rows that one tree draws: with more, trees become slower and not better.
ROWS_PER_TREE = 50_000
PARITY_TOLERANCE = 1e-5  # ONNX computes in 32 bits


def fit(rows: pandas.DataFrame, features: list[str]) -> RandomForestClassifier:
    """Fit the forest. Classes keep their weight: balancing them would ruin the probabilities."""
    forest = RandomForestClassifier(**FOREST, max_samples=min(len(rows), ROWS_PER_TREE))
    return forest.fit(matrix(rows, features), rows["has_churned"], sample_weight=_weights(rows))


def fit_challenger(rows: pandas.DataFrame, features: list[str]) -> Pipeline:
    """Fit a logistic regression: nearly free, and it guards against a forest gone wrong."""
    challenger = make_pipeline(
        FunctionTransformer(numpy.log1p), StandardScaler(), LogisticRegression(max_iter=1_000)
    )
    return challenger.fit(
        matrix(rows, features).clip(min=0),
        rows["has_churned"],
        logisticregression__sample_weight=_weights(rows),
    )


def _weights(rows: pandas.DataFrame) -> numpy.ndarray | None:
    """Return the weights, or None where all are 1: a forest draws other rows when it gets any."""
    found = weights(rows)
    return None if (found == 1).all() else found


def predict(model: object, rows: pandas.DataFrame, features: list[str]) -> numpy.ndarray:
    """Return the probability of churn of each row."""
    values = matrix(rows, features)
    return model.predict_proba(values.clip(min=0) if isinstance(model, Pipeline) else values)[:, 1]


def to_artefact(
    forest: RandomForestClassifier,
    calibration: Calibration | None,
    sample: numpy.ndarray,
    artefact_format: str = "onnx",
) -> bytes:
    """Return the forest as ONNX, or as arrays, after checking that it scores like the forest.

    Raises ValueError when it does not.
    """
    if artefact_format == "onnx":
        from training import onnx_artefact

        content = onnx_artefact.dump(forest, calibration, sample)
    else:
        platt = (calibration.slope, calibration.intercept) if calibration else None
        content = trees.dump(forest, platt)
    expected = forest.predict_proba(sample)[:, 1]
    if calibration is not None:
        expected = calibration.apply(expected)
    difference = float(numpy.abs(score(content, sample) - expected).max())
    if difference > PARITY_TOLERANCE:
        raise ValueError(f"the artefact's scores differ by {difference} from the forest's")
    return content


def score(artefact: bytes, rows: numpy.ndarray) -> numpy.ndarray:
    """Return an artefact's probabilities of churn, as whoever serves it gets them."""
    if artefact.startswith(trees.BEGINNING):
        return trees.Trees(artefact).score(rows)
    from training import onnx_artefact

    return onnx_artefact.score(artefact, rows)

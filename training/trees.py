"""The forest as arrays, for accounts whose channel of packages lacks ONNX: numpy alone scores it.

Like ONNX a format without code: it is read without pickle.
"""

from io import BytesIO

import numpy

from training.platt import recalibrated

BEGINNING = b"PK"  # of a zip, which numpy makes of arrays; no ONNX file begins so


def dump(forest: object, platt: tuple[float, float] | None) -> bytes:
    """Return a fitted forest of scikit-learn, and slope and intercept of its calibration."""
    trees = [one.tree_ for one in forest.estimators_]
    roots = numpy.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
    parts = {"feature": [], "threshold": [], "left": [], "right": [], "value": []}
    for root, tree in zip(roots, trees, strict=True):
        is_leaf = tree.children_left < 0
        parts["feature"].append(numpy.where(is_leaf, 0, tree.feature))
        parts["threshold"].append(tree.threshold)
        parts["left"].append(numpy.where(is_leaf, -1, tree.children_left + root))
        parts["right"].append(numpy.where(is_leaf, -1, tree.children_right + root))
        counts = tree.value[:, 0, :]
        parts["value"].append(counts[:, 1] / counts.sum(axis=1))
    arrays = {name: numpy.concatenate(part) for name, part in parts.items()}
    file = BytesIO()
    numpy.savez_compressed(file, roots=roots, platt=numpy.asarray(platt or ()), **arrays)
    return file.getvalue()


class Trees:
    """A forest that was read, ready to score."""

    def __init__(self, content: bytes) -> None:
        with numpy.load(BytesIO(content), allow_pickle=False) as file:
            self._arrays = {name: file[name] for name in file.files}

    def score(self, rows: numpy.ndarray) -> numpy.ndarray:
        """Return the probability of churn of each row: as scikit-learn, which splits in 32 bits."""
        values, arrays = rows.astype(numpy.float32), self._arrays
        total = numpy.zeros(len(values))
        for root in arrays["roots"]:
            at = numpy.full(len(values), root)
            while (moving := numpy.flatnonzero(arrays["left"][at] >= 0)).size:
                node = at[moving]
                goes_left = values[moving, arrays["feature"][node]] <= arrays["threshold"][node]
                at[moving] = numpy.where(goes_left, arrays["left"][node], arrays["right"][node])
            total += arrays["value"][at]
        scores = total / len(arrays["roots"])
        return recalibrated(scores, *arrays["platt"]) if arrays["platt"].size else scores

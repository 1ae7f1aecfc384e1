"""What the customers looked like whom a model was trained on: later ones are compared with it."""

import numpy
import pandas

from training.snapshots import weights

BINS = 10


def feature_reference(rows: pandas.DataFrame, features: list[str]) -> dict[str, dict]:
    """Return each feature's distribution, and its median among those who stayed.

    A distribution is that of all customers, as monitoring sees them; only a median needs outcomes.
    In the 64 bits of SQL, not the 32 of the model: what lies on an edge must lie on it there too.
    """
    values, stayed = rows[features].to_numpy("float64"), (rows["has_churned"] == 0).to_numpy()
    weight = weights(rows)[stayed]
    medians = [_median(values[stayed, at], weight) for at in range(len(features))]
    return {
        feature: {"median_of_stayers": medians[at], **distribution(values[:, at])}
        for at, feature in enumerate(features)
    }


def _median(values: numpy.ndarray, weight: numpy.ndarray) -> float:
    """Return the value that half of the weight lies below; of equal weights the usual median."""
    if (weight == 1).all():
        return float(numpy.median(values))
    order = numpy.argsort(values, kind="stable")
    below = numpy.cumsum(weight[order])
    return float(values[order][numpy.searchsorted(below, below[-1] / 2)])


def distribution(values: numpy.ndarray) -> dict[str, list[float]]:
    """Return the inner edges of up to ten bins of equal weight, and each bin's share.

    A value belongs to the bin that ends at the first edge not below it. Values that many
    customers share make edges coincide: then there are fewer bins.
    """
    edges = numpy.unique(numpy.quantile(values, numpy.arange(1, BINS) / BINS))
    counts = numpy.bincount(
        numpy.searchsorted(edges, values, side="left"), minlength=len(edges) + 1
    )
    return {
        "bins": [float(edge) for edge in edges],
        "shares": [float(count / len(values)) for count in counts],
    }

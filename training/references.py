"""What the customers looked like whom a model was trained on: later ones are compared with it."""

import numpy
import pandas

BINS = 10


def feature_reference(rows: pandas.DataFrame, features: list[str]) -> dict[str, dict]:
    """Return each feature's distribution, and its median among those who stayed.

    In the 64 bits of SQL, not the 32 of the model: what lies on an edge must lie on it there too.
    """
    values, stayed = rows[features].to_numpy("float64"), (rows["has_churned"] == 0).to_numpy()
    medians = numpy.median(values[stayed], axis=0)
    return {
        feature: {"median_of_stayers": float(medians[at]), **distribution(values[:, at])}
        for at, feature in enumerate(features)
    }


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

"""How far later customers have moved from those of training: the population stability index.

The same as macros/monitoring/population_stability.sql, which measures it week by week.
"""

import numpy
import pandas

from training.references import distribution

EMPTY_SHARE = 0.0001  # an empty bin counts as this, or its logarithm would be infinite
MODERATE, MAJOR = 0.1, 0.25


def feature_psi(
    then: pandas.DataFrame, now: pandas.DataFrame, features: list[str]
) -> dict[str, float]:
    """Return the PSI of each feature between earlier and later rows."""
    return {
        feature: population_stability(then[feature].to_numpy(), now[feature].to_numpy())
        for feature in features
    }


def population_stability(then: numpy.ndarray, now: numpy.ndarray) -> float:
    """Return the PSI over the bins of the earlier values: 0 is no change, above 0.25 is much."""
    reference = distribution(then)
    bins = numpy.searchsorted(reference["bins"], now, side="left")
    shares = numpy.bincount(bins, minlength=len(reference["shares"])) / len(now)
    expected = numpy.maximum(reference["shares"], EMPTY_SHARE)
    observed = numpy.maximum(shares, EMPTY_SHARE)
    return float(((observed - expected) * numpy.log(observed / expected)).sum())

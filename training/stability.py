"""How far later customers have moved from those of training: the population stability index.

The same as macros/monitoring/population_stability.sql, which measures it week by week.
"""

import numpy
import pandas

from training.references import BINS, distribution

_MODERATE, _MAJOR = 0.1, 0.25
# The normal quantile of 1 % over 30 figures, the features and the score.
_QUANTILE = 3.4


def psi_by_chance(bins: int, n: int, reference_n: int) -> float:
    """Return the PSI that some feature of unchanged customers exceeds in one run of a hundred."""
    freedom = max(bins - 1, 1)
    spread = 2 / (9 * freedom)
    return freedom * (1 - spread + _QUANTILE * spread**0.5) ** 3 * (1 / n + 1 / reference_n)


def moderate_from(n: int, reference_n: int) -> float:
    """Return the PSI that is more than chance, whatever the bins."""
    return max(_MODERATE, psi_by_chance(BINS, n, reference_n))


def major_from(n: int, reference_n: int) -> float:
    """Return the PSI that is much."""
    return max(_MAJOR, psi_by_chance(BINS, n, reference_n))


def feature_psi(
    then: pandas.DataFrame, now: pandas.DataFrame, features: list[str]
) -> dict[str, float]:
    """Return the PSI of each feature between earlier and later rows."""
    return {
        feature: population_stability(then[feature].to_numpy(), now[feature].to_numpy())
        for feature in features
    }


def population_stability(then: numpy.ndarray, now: numpy.ndarray) -> float:
    """Return the PSI over the bins of the earlier values: 0 is no change.

    An empty bin counts as half a customer, or its logarithm would be infinite.
    """
    reference = distribution(then)
    bins = numpy.searchsorted(reference["bins"], now, side="left")
    shares = numpy.bincount(bins, minlength=len(reference["shares"])) / len(now)
    expected = numpy.maximum(reference["shares"], 0.5 / len(then))
    observed = numpy.maximum(shares, 0.5 / len(now))
    return float(((observed - expected) * numpy.log(observed / expected)).sum())

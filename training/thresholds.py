"""Where to put the threshold of alerts: by how many can be looked after, and by what pays.

Suggestions only: what applies stands in seeds/alert_policy.csv.
"""

import numpy

DAYS_OF_WEEK = 7


def by_capacity(score: numpy.ndarray, alerts_per_week: int, horizon_days: int) -> float:
    """Return the score above which are as many customers as can be looked after in one horizon."""
    places = max(1, round(alerts_per_week * horizon_days / DAYS_OF_WEEK))
    if places >= len(score):
        return 0.0
    return float(numpy.sort(score)[::-1][places - 1])


def by_cost(
    score: numpy.ndarray,
    has_churned: numpy.ndarray,
    weight: numpy.ndarray,
    value: numpy.ndarray,
    contact_cost: float,
    success_share: float,
) -> float:
    """Return the threshold with the greatest net benefit on windows that the score had not seen.

    `weight` is how many customers each one stands for, `value` the expected spend of each over the
    horizon; of the churners contacted, `success_share` stay. 1 when no threshold pays.
    """
    order = numpy.argsort(-score, kind="stable")
    benefit = numpy.cumsum((weight * (success_share * value * has_churned - contact_cost))[order])
    best = int(numpy.argmax(benefit))
    return float(score[order][best]) if benefit[best] > 0 else 1.0

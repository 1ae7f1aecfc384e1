"""Whom to alert: by how many can be looked after, and by what pays.

Suggestions only: what applies stands in seeds/alert_policy.csv.
"""

from dataclasses import dataclass

import numpy

DAYS_OF_WEEK = 7


@dataclass(frozen=True)
class Window:
    """Customers whom the score had not seen, and who churned.

    `weight` is how many customers each one stands for, `value` the expected spend of each over the
    horizon.
    """

    score: numpy.ndarray
    has_churned: numpy.ndarray
    weight: numpy.ndarray
    value: numpy.ndarray


def by_capacity(score: numpy.ndarray, alerts_per_week: int, horizon_days: int) -> float:
    """Return the score above which are as many customers as can be looked after in one horizon."""
    places = max(1, round(alerts_per_week * horizon_days / DAYS_OF_WEEK))
    if places >= len(score):
        return 0.0
    return float(numpy.sort(score)[::-1][places - 1])


def by_cost(window: Window, cost: float, success_share: float) -> float:
    """Return the threshold with the greatest net benefit.

    A contact costs `cost`, the offer included; of the churners contacted, `success_share` stay and
    spend what they are expected to. 1 when no threshold pays.
    """
    order = numpy.argsort(-window.score, kind="stable")
    gain = window.weight * (success_share * window.value * window.has_churned - cost)
    benefit = numpy.cumsum(gain[order])
    best = int(numpy.argmax(benefit))
    return float(window.score[order][best]) if benefit[best] > 0 else 1.0


def paid_by_rule(window: Window, cost: float, success_share: float) -> list[dict[str, object]]:
    """Return what contacts would have paid, by the best threshold and by value.

    By value those are contacted whose contact pays (macros/alerts/alert_threshold.sql).
    """
    chosen = {
        "score": window.score >= by_cost(window, cost, success_share),
        "value": success_share * window.score * window.value >= cost,
    }
    gain = window.weight * (success_share * window.value * window.has_churned - cost)
    return [
        {
            "rule": rule,
            "contacts": round(float(window.weight[contacted].sum())),
            "net_benefit": float(gain[contacted].sum()),
        }
        for rule, contacted in chosen.items()
    ]

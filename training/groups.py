"""Whether a score serves all alike: outcomes, calibration and alerts, segment by segment."""

import numpy
import pandas

from training.evaluation import auc_of_both
from training.snapshots import weights

Z_95 = 1.959963984540054  # as in macros/alerts/intervals.sql
UNKNOWN = "unknown"


def by_group(
    test: pandas.DataFrame, score: numpy.ndarray, population: pandas.DataFrame, name: str
) -> list[dict[str, object]]:
    """Return n, outcomes and quality for each value of the column `name`, with Wilson's intervals.

    `population` are all customers at the tested cut-off, whose alerts count, while `test` are those
    whose outcomes do. There is no AUC where one outcome is missing.
    """
    if name not in test:
        return []
    rows = test.assign(score=score, group=test[name].fillna(UNKNOWN))
    alerted = population.assign(
        group=population[name].fillna(UNKNOWN),
        had_alert=population["alert_arm"].notna() if "alert_arm" in population else False,
    ).groupby("group")["had_alert"]
    customers, alerts = alerted.size(), alerted.sum()
    found = []
    for group, part in rows.groupby("group", sort=True):
        truth, weight = part["has_churned"].to_numpy(), weights(part)
        observed = float(numpy.average(truth, weights=weight))
        # Held-out customers stand for others: so many who count once would say as much (Kish).
        effective_n = float(weight.sum() ** 2 / (weight**2).sum())
        low, high = wilson(observed, effective_n)
        alert_rate = float(alerts[group] / customers[group])
        alert_low, alert_high = wilson(alert_rate, float(customers[group]))
        found.append(
            {
                name: str(group),
                "n": len(part),
                "churners": int(truth.sum()),
                "roc_auc": auc_of_both(truth, part["score"].to_numpy(), weight),
                "predicted": float(numpy.average(part["score"], weights=weight)),
                "observed": observed,
                "observed_low": low,
                "observed_high": high,
                "customers": int(customers[group]),
                "alert_rate": alert_rate,
                "alert_rate_low": alert_low,
                "alert_rate_high": alert_high,
            }
        )
    return found


def wilson(share: float, n: float) -> tuple[float, float]:
    """Return Wilson's interval of 95 % for a share of n."""
    middle, spread = share + Z_95**2 / (2 * n), share * (1 - share) / n + Z_95**2 / (4 * n * n)
    low, high = ((middle + side * Z_95 * spread**0.5) / (1 + Z_95**2 / n) for side in (-1, 1))
    return max(low, 0.0), min(high, 1.0)

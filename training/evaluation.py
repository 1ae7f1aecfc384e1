"""How good a score is: ranking, probabilities and value.

Outcomes count by their weights (training/snapshots.py), which are 1 where no alert was raised.
"""

import numpy
import pandas
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from training.snapshots import are_still_here, weights

BOOTSTRAPS, INTERVAL = 200, (0.025, 0.975)
SEED = 7
TENURES = (("up to 28 days", 0, 28), ("29 to 84 days", 29, 84), ("longer", 85, 36_500))
RELIABILITY_BINS = 10
LIFT_SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)


def evaluate(
    truth: numpy.ndarray, score: numpy.ndarray, weight: numpy.ndarray, value: numpy.ndarray
) -> dict[str, float]:
    """Measure one score on rows that its model has not seen; `value` is their expected spend."""
    return {
        "roc_auc": float(roc_auc_score(truth, score, sample_weight=weight)),
        "pr_auc": float(average_precision_score(truth, score, sample_weight=weight)),
        "brier": float(brier_score_loss(truth, score, sample_weight=weight)),
        "lift_at_10_percent": lift(truth, score, 0.1, weight),
        "value_at_risk_ratio": value_at_risk_ratio(truth, score, value * weight),
    }


def still_here(test: pandas.DataFrame, score: numpy.ndarray) -> dict[str, float | int | None]:
    """Measure a score among customers who were active in the horizon before the cut-off.

    Who was away for longer has lapsed already, as the label defines it, and is easily told.
    """
    is_here = are_still_here(test)
    truth, weight = test["has_churned"].to_numpy()[is_here], weights(test)[is_here]
    return {
        "still_here_rows": len(truth),
        "still_here_churners": int(truth.sum()),
        "still_here_auc": auc_of_both(truth, score[is_here], weight),
    }


def still_here_interval(test: pandas.DataFrame, score: numpy.ndarray) -> dict[str, float]:
    """Return the bootstrap interval of the AUC among customers who are still here."""
    is_here = are_still_here(test)
    found = intervals(
        test["has_churned"].to_numpy()[is_here], score[is_here], weights(test)[is_here]
    )
    return {f"still_here_auc_{side}": found[f"roc_auc_{side}"] for side in ("low", "high")}


def intervals(
    truth: numpy.ndarray, score: numpy.ndarray, weight: numpy.ndarray
) -> dict[str, float]:
    """Return bootstrap intervals of 95 %, `<figure>_low` and `_high`: customers drawn anew."""
    measures = {
        "roc_auc": roc_auc_score,
        "pr_auc": average_precision_score,
        "brier": brier_score_loss,
    }
    draw, found = numpy.random.default_rng(SEED), {name: [] for name in measures}
    for _ in range(BOOTSTRAPS if len(truth) else 0):
        rows = draw.integers(0, len(truth), len(truth))
        if 0 < truth[rows].sum() < len(rows):
            for name, measure in measures.items():
                found[name].append(measure(truth[rows], score[rows], sample_weight=weight[rows]))
    return {
        f"{name}_{side}": float(value)
        for name, values in found.items()
        for side, value in zip(
            ("low", "high"), numpy.quantile(values or [numpy.nan], INTERVAL), strict=True
        )
    }


def lift(truth: numpy.ndarray, score: numpy.ndarray, share: float, weight: numpy.ndarray) -> float:
    """Return how many times as many churn among the first `share` of customers as among all."""
    top = _first(score, share, weight)
    return float(
        numpy.average(truth[top], weights=weight[top]) / numpy.average(truth, weights=weight)
    )


def lift_curve(
    truth: numpy.ndarray, score: numpy.ndarray, weight: numpy.ndarray
) -> list[dict[str, float]]:
    """Return lift and recall, of the churners, for growing shares of the customers."""
    curve = []
    for share in LIFT_SHARES:
        found, chosen = lift(truth, score, share, weight), weight[_first(score, share, weight)]
        recall = float(found * chosen.sum() / weight.sum())
        curve.append({"share": share, "lift": found, "recall": recall})
    return curve


def _first(score: numpy.ndarray, share: float, weight: numpy.ndarray) -> numpy.ndarray:
    """Return the rows of highest score that make up a share of all weight; at least one."""
    order = numpy.argsort(-score, kind="stable")
    fits = numpy.cumsum(weight[order]) <= weight.sum() * share
    return order[: max(1, int(fits.sum()))]


def reliability(
    truth: numpy.ndarray, score: numpy.ndarray, weight: numpy.ndarray
) -> list[dict[str, float]]:
    """Return, for each tenth of the scale that has scores, what was predicted and what happened.

    `n` are customers, `weight` is how many they stand for.
    """
    bins = numpy.minimum((score * RELIABILITY_BINS).astype(int), RELIABILITY_BINS - 1)
    return [
        {
            "from": number / RELIABILITY_BINS,
            "to": (number + 1) / RELIABILITY_BINS,
            "n": int((bins == number).sum()),
            "weight": float(weight[bins == number].sum()),
            "predicted": float(
                numpy.average(score[bins == number], weights=weight[bins == number])
            ),
            "observed": float(numpy.average(truth[bins == number], weights=weight[bins == number])),
        }
        for number in sorted(set(bins.tolist()))
    ]


def auc_of_both(truth: numpy.ndarray, score: numpy.ndarray, weight: numpy.ndarray) -> float | None:
    """Return the AUC, or None where nobody churned or nobody stayed."""
    if not 0 < truth.sum() < len(truth):
        return None
    return float(roc_auc_score(truth, score, sample_weight=weight))


def value_at_risk_ratio(truth: numpy.ndarray, score: numpy.ndarray, value: numpy.ndarray) -> float:
    """Return value at risk over the value that was lost: 1 if the sums agree, empty without any.

    `value` is what each customer is expected to spend, times what the customer counts for.
    """
    lost = (value * truth).sum()
    return float((value * score).sum() / lost) if lost > 0 else numpy.nan


def spend_by_tenure(test: pandas.DataFrame, value: numpy.ndarray) -> list[dict[str, object]]:
    """Return what stayers were expected to spend and did spend, by the days they were known for.

    Whom the profile gives a monthly value is left out: it may count what is no purchase.
    """
    if "spend_after" not in test:
        return []
    compared = (test["has_churned"] == 0) & test["monthly_value"].isna()
    found = []
    for words, least, most in TENURES:
        chosen = (compared & test["tenure_days"].between(least, most)).to_numpy()
        if chosen.any():
            found.append(
                {
                    "known": words,
                    "n": int(chosen.sum()),
                    "expected": float(value[chosen].mean()),
                    "spent": float(test["spend_after"][chosen].mean()),
                }
            )
    return found

"""When those churn who do: how much of a score lies within the next days, by days of silence.

A churner who falls silent has churned once a whole horizon is over, so that whoever has been silent
for longer churns sooner; whoever cancels churns on that day. Of the churners in a band of silence
it is learnt how many had churned within so many days; a score times that share is the probability
to churn within them. As in all training, the held out stand for the treated.
"""

import numpy
import pandas

from training.snapshots import weights

WITHIN_DAYS = (7, 14)


def timing_bands(rows: pandas.DataFrame, horizon_days: int) -> list[dict[str, float | int | None]]:
    """Return for each band of silence how many churned, and the shares of them within so many days.

    Bands end where a silence that goes on reaches the horizon within so many days. A share is empty
    where nobody churned; there are no bands where the label knows no day.
    """
    within = _days(horizon_days)
    if "churn_day" not in rows or rows["churn_day"].isna().all():
        return []
    edges = [0, *(horizon_days - days for days in reversed(within)), horizon_days]
    churners = rows[rows["has_churned"] == 1]
    silence, day = churners["days_since_last_activity"], churners["churn_day"].to_numpy("float64")
    weight, bands = weights(churners), []
    for low, high in zip(edges, [*edges[1:], None], strict=True):
        is_in = ((silence >= low) & (silence < (numpy.inf if high is None else high))).to_numpy()
        total = weight[is_in].sum()
        shares = {
            f"within_{days}": float(weight[is_in & (day <= days)].sum() / total) if total else None
            for days in within
        }
        bands.append({"from": low, "to": high, "n": int(is_in.sum()), **shares})
    return bands


def compared_timing(
    bands: list[dict[str, float | int | None]],
    test: pandas.DataFrame,
    score: numpy.ndarray,
    horizon_days: int,
) -> list[dict[str, float | int]]:
    """Return how many of the tested customers were expected to churn within so many days, and did.

    `bands` are those of rows that were known at the tested cut-off.
    """
    if not bands or "churn_day" not in test:
        return []
    weight, day = weights(test), test["churn_day"].to_numpy("float64")
    silence, churned = test["days_since_last_activity"], test["has_churned"].to_numpy()
    starts = [band["from"] for band in bands]
    place = numpy.searchsorted(starts, silence.to_numpy(), side="right") - 1
    found = []
    for days in _days(horizon_days):
        shares = numpy.array([band[f"within_{days}"] or 0.0 for band in bands])
        found.append(
            {
                "days": days,
                "expected": float((weight * score * shares[place]).sum()),
                "observed": float((weight * churned * (day <= days)).sum()),
            }
        )
    whole = {"expected": (weight * score).sum(), "observed": (weight * churned).sum()}
    return [*found, {"days": horizon_days, **{name: float(n) for name, n in whole.items()}}]


def _days(horizon_days: int) -> list[int]:
    return [days for days in WITHIN_DAYS if days < horizon_days]

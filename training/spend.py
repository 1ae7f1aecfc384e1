"""What customers are expected to spend within the horizon if they stay.

The formula is that of macros/metrics/expected_spend.sql, by which scores are valued: a customer's
own spend a day, mixed with the average as if the customer had spent that for some more days. How
many, training finds out from what customers then spent.
"""

from dataclasses import asdict, dataclass

import numpy
import pandas

WINDOW, LEAST_DAYS = 84, 28
DAYS_OF_MONTH = 30.4375
# Fewer long-known customers than this do not tell how much customers differ.
ENOUGH = 100
USUAL_CREDIBILITY_DAYS = 84.0
CREDIBILITY_DAYS = (7.0, 3_650.0)


@dataclass(frozen=True)
class SpendLevel:
    """Everybody's spend a day, and for how many days it counts beside a customer's own."""

    average_spend_per_day: float
    spend_credibility_days: float

    def columns(self) -> dict[str, float]:
        """Return both by the names of their columns in train_churn_model."""
        return asdict(self)


def fit_spend_level(rows: pandas.DataFrame, horizon_days: int) -> SpendLevel:
    """Find the level in rows of training_snapshots, from those whose whole window is known.

    The slope of what stayers then spent a day on what they had spent before says how far a
    difference between customers lasts: it is the weight of a customer's own figure.
    """
    if "spend_after" not in rows:
        return SpendLevel(0.0, 0.0)
    days, amount = known_days(rows), rows["purchase_amount_84d"].to_numpy()
    is_known = (rows["tenure_days"] >= WINDOW).to_numpy()
    chosen = is_known if is_known.sum() >= ENOUGH else numpy.full(len(rows), True)
    average = float(amount[chosen].sum() / days[chosen].sum()) if chosen.any() else 0.0
    stayed = is_known & (rows["has_churned"] == 0).to_numpy() & rows["spend_after"].notna()
    before = amount[stayed] / days[stayed]
    if stayed.sum() < ENOUGH or before.var() == 0:
        return SpendLevel(average, USUAL_CREDIBILITY_DAYS)
    after = rows["spend_after"].to_numpy()[stayed] / horizon_days
    slope = float(numpy.cov(before, after, ddof=0)[0, 1] / before.var())
    mean_days = float(days[stayed].mean())
    credibility = mean_days * (1 - slope) / slope if slope > 0 else CREDIBILITY_DAYS[1]
    return SpendLevel(average, float(numpy.clip(credibility, *CREDIBILITY_DAYS)))


def known_days(rows: pandas.DataFrame) -> numpy.ndarray:
    """Return the days up to the cut-off that purchase_amount_84d is of, at least LEAST_DAYS."""
    window = WINDOW + rows["days_since_last_activity"]
    known = rows["tenure_days"] + 1 + rows["gap_days_mean"].fillna(0)
    return numpy.maximum(LEAST_DAYS, numpy.minimum(window, known)).to_numpy()


def expected_spend(rows: pandas.DataFrame, level: SpendLevel, horizon_days: int) -> numpy.ndarray:
    """Return what each customer is expected to spend within the horizon; 0 without purchases."""
    if "purchase_amount_84d" not in rows:
        return numpy.zeros(len(rows))
    more = level.spend_credibility_days
    amount = rows["purchase_amount_84d"].to_numpy() + level.average_spend_per_day * more
    per_day = amount / (known_days(rows) + more)
    if "monthly_value" in rows:
        by_profile = rows["monthly_value"].to_numpy(dtype=float) / DAYS_OF_MONTH
        per_day = numpy.where(numpy.isnan(by_profile), per_day, by_profile)
    return per_day * horizon_days

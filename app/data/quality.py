"""Is the score any good? Training runs, live quality, drift, and what a threshold would mean."""

from typing import Any

import pandas as pd
from connection import Source, query, query_one

from data import fresh, slow


@fresh
def runs(source: Source) -> pd.DataFrame:
    """List the training runs, the latest first."""
    return query(source, "select * from manager_model_runs order by trained_at desc, version desc")


@fresh
def health(source: Source) -> dict[str, Any]:
    """Return the age, drift and live quality of the model that scores now, and if it is to go."""
    return query_one(source, "select * from manager_model_health")


@slow
def live(source: Source) -> pd.DataFrame:
    """List how well each week's scores said what then happened, the oldest first."""
    return query(source, "select * from manager_model_quality order by week, model_version")


@slow
def calibration(source: Source) -> pd.DataFrame:
    """Sum expected and observed churn by tenth of the score, over the closed weeks of a model."""
    return query(
        source,
        """
        select
            model_version,
            score_from,
            score_to,
            sum(n) as n,
            sum(churners) as churners,
            sum(predicted * weight) / nullif(sum(weight), 0) as predicted,
            sum(observed * weight) / nullif(sum(weight), 0) as observed
        from manager_calibration
        group by model_version, score_from, score_to
        order by model_version, score_from
        """,
    )


@slow
def drift(source: Source) -> pd.DataFrame:
    """List how far each week's population has moved from the training rows, by feature."""
    return query(
        source,
        """
        select week, model_version, feature, psi, moderate_from, major_from, shift,
            grows_by_nature, n
        from manager_drift
        order by week, feature
        """,
    )


@fresh
def by_score(source: Source) -> pd.DataFrame:
    """Count scored customers by whole percents of risk, with the churners expected of them."""
    return query(
        source,
        """
        select
            floor(score * 100) as percent,
            count(*) as customers,
            sum(score) as expected_churners,
            sum(value_at_risk) as value_at_risk
        from manager_customers
        where band in ('high', 'low')
        group by 1
        order by 1 desc
        """,
    )

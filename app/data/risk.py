"""How much is at risk, of whom, and since when."""

from typing import Any

import pandas as pd
from connection import Source, query

from data import fresh, slow

BIN_PERCENT = 5
TREND_DAYS = 90


@fresh
def overview(source: Source) -> dict[str, Any]:
    """Return the figures of the overview: one row, by name."""
    return query(source, "select * from manager_overview").iloc[0].to_dict()


@slow
def trend(source: Source) -> pd.DataFrame:
    """List what was at risk at the end of each day that was noted, the oldest first."""
    return query(
        source,
        f"""
        select taken_at, scored_customers, customers_at_risk, value_at_risk
        from manager_risk_trend
        qualify row_number() over (
            partition by cast(taken_at as date) order by taken_at desc
        ) = 1
        order by taken_at desc
        limit {TREND_DAYS}
        """,
    ).sort_values("taken_at")


@fresh
def distribution(source: Source) -> pd.DataFrame:
    """Count scored customers by band and by bins of risk; `from_percent` is where a bin starts."""
    return query(
        source,
        """
        select
            least(floor(score * 100 / ?), 100 / ? - 1) * ? as from_percent,
            band,
            count(*) as customers
        from manager_customers
        where band in ('high', 'low')
        group by 1, 2
        order by 1, 2
        """,
        [BIN_PERCENT] * 3,
    )


@fresh
def queue(source: Source) -> pd.DataFrame:
    """List who is at risk, the most value first."""
    return query(
        source,
        "select * from manager_risk_queue order by value_at_risk desc, customer_id",
    )

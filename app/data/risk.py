"""How much is at risk, of whom, and since when."""

from typing import Any

import pandas as pd
from connection import Source, query, query_one

from data import fresh, minutely, slow

BIN_PERCENT = 5
TREND_DAYS = 90


@minutely
def population(source: Source) -> dict[str, Any]:
    """Return how many customers there are, of them scored, and too new for it; the rest is live."""
    return query_one(
        source,
        """
        select
            customers, scored_customers, paused_customers,
            new_customers, new_n, new_share, new_expected_to_leave, not_scored_because
        from manager_overview
        """,
    )


@fresh
def live(source: Source) -> dict[str, Any]:
    """Return the figures of the overview that are asked for again and again, by name."""
    return query_one(source, "select * from manager_live")


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
    """List who is at risk: who is still here before who is gone already, as `order_used` says."""
    return query(
        source,
        "select * from manager_risk_queue order by has_lapsed, priority desc, customer_id",
    )


@fresh
def first_of_queue(source: Source, at_most: int) -> pd.DataFrame:
    """List the few with the most value at risk among those who are still here."""
    return query(
        source,
        f"""
        select customer_id, name, score, value_at_risk, top_reasons, first_reason, model_version
        from manager_customers
        where band = 'high' and not has_lapsed
        order by value_at_risk desc, customer_id
        limit {int(at_most)}
        """,  # Snowflake binds no parameter in a limit
    )


@fresh
def reasons(source: Source) -> pd.DataFrame:
    """Sum who is at risk by the strongest reason, the most value first."""
    return query(
        source,
        """
        select first_reason, sum(value_at_risk) as value_at_risk, count(*) as customers
        from manager_customers
        where band = 'high'
        group by first_reason
        order by value_at_risk desc
        """,
    )

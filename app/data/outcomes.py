"""Does what we do help? The treated against the held out, and what asking the LLM costs."""

import pandas as pd
from connection import Source, query

from data import fresh, slow


@slow
def effect(source: Source) -> pd.DataFrame:
    """List treated and held-out churn with their difference: overall, later, and by group."""
    return query(
        source,
        """
        select *
        from manager_effect
        order by
            case dimension
                when 'overall' then 0 when 'later' then 1 when 'risk_band' then 2
                when 'offer' then 3 else 4
            end,
            case dimension when 'risk_band' then name end,
            treated_n + holdout_n desc,
            name
        """,
    )


@slow
def money(source: Source) -> pd.DataFrame:
    """List what treated and held-out customers spent: overall, by offer, by segment, by days."""
    return query(
        source,
        """
        select *
        from manager_money
        order by
            case dimension when 'overall' then 0 when 'offer' then 1 else 2 end,
            name,
            days
        """,
    )


@slow
def ranking(source: Source) -> pd.DataFrame:
    """Return in one row what both orders of alerts would have kept; none for roles of a region."""
    return query(source, "select * from manager_ranking")


@fresh
def funnel(source: Source) -> pd.DataFrame:
    """Count the alerts that were ever moved to each state, by the state before."""
    return query(
        source,
        """
        select from_state, to_state as state, count(distinct alert_id) as alerts
        from manager_alert_history
        group by 1, 2
        """,
    )


@fresh
def llm_usage(source: Source) -> pd.DataFrame:
    """List calls of LLMs by day, the latest first."""
    return query(
        source, "select * from manager_llm_usage order by called_on desc, provider, model limit 90"
    )

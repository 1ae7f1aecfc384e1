"""One customer: profile, scores, events, alerts."""

from typing import Any

import pandas as pd
from connection import Source, query, query_one

from data import fresh

LAST_EVENTS = 50


@fresh
def names(source: Source, at_most: int = 1000) -> pd.DataFrame:
    """List customers to choose from, the most value at risk first; others open by their id."""
    return query(
        source,
        f"""
        select customer_id, name
        from manager_customers
        order by value_at_risk desc, customer_id
        limit {int(at_most)}
        """,  # Snowflake binds no parameter in a limit
    )


@fresh
def profile(source: Source, customer_id: str) -> dict[str, Any] | None:
    """Return one customer by name of column, or None when this role sees no such customer."""
    return query_one(source, "select * from manager_customers where customer_id = ?", [customer_id])


@fresh
def merged_ids(source: Source, customer_id: str) -> pd.DataFrame:
    """List the ids that were merged into a customer, with when, the latest last."""
    return query(
        source,
        """
        select merged_id, merged_at
        from manager_merged_ids
        where customer_id = ?
        order by merged_at, merged_id
        """,
        [customer_id],
    )


@fresh
def surviving_id(source: Source, customer_id: str) -> str | None:
    """Return the customer that an id was merged into, None where this role sees no such merge."""
    found = query_one(
        source, "select customer_id from manager_merged_ids where merged_id = ?", [customer_id]
    )
    return found["customer_id"] if found else None


@fresh
def scores(source: Source, customer_id: str) -> pd.DataFrame:
    """List a customer's scores, at most one an hour, the oldest first."""
    return query(
        source,
        """
        select scored_at, score, threshold, band, model_version
        from manager_customer_scores
        where customer_id = ?
        qualify row_number() over (
            partition by date_trunc('hour', scored_at) order by scored_at desc
        ) = 1
        order by scored_at
        """,
        [customer_id],
    )


@fresh
def weekly_events(source: Source, customer_id: str) -> pd.DataFrame:
    """Count a customer's events by week, from Monday on, and category."""
    days = query(
        source,
        """
        select date_trunc('day', occurred_at) as day, category, count(*) as events
        from manager_customer_events
        where customer_id = ?
        group by 1, 2
        """,
        [customer_id],
    )
    # On which day a week begins is a setting of a session on Snowflake.
    day = pd.to_datetime(days.pop("day"))
    days.insert(0, "week", day - pd.to_timedelta(day.dt.weekday, unit="D"))
    return days.groupby(["week", "category"], as_index=False)["events"].sum()


@fresh
def last_events(source: Source, customer_id: str) -> pd.DataFrame:
    """List a customer's last events, the newest first."""
    return query(
        source,
        f"""
        select occurred_at, event_type, category, amount
        from manager_customer_events
        where customer_id = ?
        order by occurred_at desc, event_id
        limit {LAST_EVENTS}
        """,
        [customer_id],
    )

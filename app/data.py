"""All SQL of the dashboard: one function for one question, on the managers' views only."""

from typing import Any

import pandas as pd
import streamlit as st
from connection import Source, query

# Shorter than the pipeline's lag of a minute, long enough for the reruns of one click.
TTL_SECONDS = 5
BIN_PERCENT = 5


@st.cache_data(ttl=TTL_SECONDS, max_entries=64, show_spinner=False)
def overview(source: Source) -> dict[str, Any]:
    """Return the figures of the overview: one row, by name."""
    return query(source, "select * from manager_overview").iloc[0].to_dict()


@st.cache_data(ttl=TTL_SECONDS, max_entries=64, show_spinner=False)
def risk_distribution(source: Source) -> pd.DataFrame:
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


@st.cache_data(ttl=TTL_SECONDS, max_entries=64, show_spinner=False)
def risk_queue(source: Source) -> pd.DataFrame:
    """List who is at risk, the most value first."""
    return query(
        source,
        """
        select
            customer_id, name, region, segment, score, value_at_risk, top_reasons,
            last_activity_at, alert_status, alerted_at, model_version, scored_at
        from manager_risk_queue
        order by value_at_risk desc, customer_id
        """,
    )


@st.cache_data(ttl=TTL_SECONDS, max_entries=64, show_spinner=False)
def customer_names(source: Source, at_most: int = 1000) -> pd.DataFrame:
    """List customers to choose from, the most value at risk first; others open by their id."""
    return query(
        source,
        """
        select customer_id, name
        from manager_customers
        order by value_at_risk desc, customer_id
        limit ?
        """.replace("?", str(int(at_most))),  # Snowflake binds no parameter here
    )


@st.cache_data(ttl=TTL_SECONDS, max_entries=256, show_spinner=False)
def customer(source: Source, customer_id: str) -> dict[str, Any] | None:
    """Return one customer by name of column, or None when this role sees no such customer."""
    found = query(source, "select * from manager_customers where customer_id = ?", [customer_id])
    return None if found.empty else found.iloc[0].to_dict()


@st.cache_data(ttl=TTL_SECONDS, max_entries=256, show_spinner=False)
def weekly_events(source: Source, customer_id: str) -> pd.DataFrame:
    """Count a customer's events by week and category."""
    return query(
        source,
        """
        select date_trunc('week', occurred_at) as week, category, count(*) as events
        from manager_customer_events
        where customer_id = ?
        group by 1, 2
        order by 1, 2
        """,
        [customer_id],
    )


@st.cache_data(ttl=TTL_SECONDS, max_entries=256, show_spinner=False)
def last_events(source: Source, customer_id: str) -> pd.DataFrame:
    """List a customer's last 50 events, the newest first."""
    return query(
        source,
        """
        select occurred_at, event_type, category, amount
        from manager_customer_events
        where customer_id = ?
        order by occurred_at desc, event_id
        limit 50
        """,
        [customer_id],
    )


@st.cache_data(ttl=TTL_SECONDS, max_entries=256, show_spinner=False)
def messages(source: Source, customer_id: str) -> pd.DataFrame:
    """List a customer's alerts with their drafts, the newest first."""
    return query(
        source,
        """
        select alert_id, offer, status, alerted_at, subject, body, provider, checks, drafted_at
        from manager_messages
        where customer_id = ?
        order by alerted_at desc, alert_id
        """,
        [customer_id],
    )

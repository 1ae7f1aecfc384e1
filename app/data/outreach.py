"""Alerts and their messages: what waits, what was said, what was done by whom."""

from typing import Any

import pandas as pd
from connection import Source, query, query_one

from data import fresh

LAST_MOVES = 500


@fresh
def alerts(source: Source) -> pd.DataFrame:
    """List every alert, without its message, the most value at risk first."""
    return query(
        source,
        """
        select
            alert_id, customer_id, name, segment, score, value_at_risk, top_reasons, offer,
            offer_text, arm, model_version, alerted_at, state, since, actor, state_reason, checks,
            is_marked, draft_status, owner, due_on, suppressed_because, delivery, delivery_detail,
            may_act
        from manager_outreach
        order by value_at_risk desc, alert_id
        """,
    )


@fresh
def alert(source: Source, alert_id: str) -> dict[str, Any] | None:
    """Return one alert with its present draft, or None when this role sees no such alert."""
    return query_one(source, "select * from manager_outreach where alert_id = ?", [alert_id])


@fresh
def of_customer(source: Source, customer_id: str) -> pd.DataFrame:
    """List a customer's alerts with their drafts: what waits for somebody, then the newest first.

    A customer of two ids may have one of each: that of the id which went has ended.
    """
    return query(
        source,
        """
        select *
        from manager_outreach
        where customer_id = ?
        order by
            case when state in ('OPEN', 'DRAFTED', 'APPROVED', 'QUEUED') then 0 else 1 end,
            alerted_at desc,
            alert_id
        """,
        [customer_id],
    )


@fresh
def moves_of_customer(source: Source, customer_id: str) -> pd.DataFrame:
    """List all that happened to a customer's alerts, the newest first."""
    return query(
        source,
        """
        select occurred_at, alert_id, from_state, to_state, actor, reason
        from manager_alert_history
        where customer_id = ?
        order by occurred_at desc, event_id
        """,
        [customer_id],
    )


@fresh
def last_moves(source: Source) -> pd.DataFrame:
    """List who did what to which alert, the newest first."""
    return query(
        source,
        f"""
        select occurred_at, customer_id, from_state, to_state, actor, reason
        from manager_alert_history
        order by occurred_at desc, event_id
        limit {LAST_MOVES}
        """,
    )

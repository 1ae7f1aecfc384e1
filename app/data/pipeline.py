"""Is the pipeline well? What was loaded, refreshed, run and rejected."""

from typing import Any

import pandas as pd
from connection import Source, query, query_one

from data import fresh, minutely, slow

LOADED_HOURS = 48


@fresh
def dynamic_tables(source: Source) -> pd.DataFrame:
    """List each dynamic table with its lag."""
    return query(source, "select * from manager_dynamic_tables order by name")


@fresh
def tasks(source: Source) -> pd.DataFrame:
    """List each task with its last run and its failures of seven days."""
    return query(source, "select * from manager_tasks order by name")


@fresh
def set_aside(source: Source) -> pd.DataFrame:
    """Count what each table or task leaves out because its rows make it fail."""
    return query(source, "select * from manager_set_aside order by name")


@fresh
def partitions(source: Source) -> pd.DataFrame:
    """List how far each partition is loaded."""
    return query(source, "select * from manager_ingest order by kafka_topic, kafka_partition")


@fresh
def loading(source: Source) -> pd.DataFrame:
    """Count messages by hour of loading, accepted and rejected, up to the latest hour with any."""
    return query(
        source,
        f"""
        select loaded_hour, accepted_count, rejected_count
        from manager_loading
        qualify loaded_hour > max(loaded_hour) over () - interval '{LOADED_HOURS} hours'
        order by loaded_hour
        """,
    )


@fresh
def rejected(source: Source) -> pd.DataFrame:
    """List why messages were rejected, the commonest reason first."""
    return query(source, "select * from manager_rejected order by messages desc, reason")


@fresh
def profile_values(source: Source) -> pd.DataFrame:
    """List what profiles hold that no seed or rule knows, the commonest first."""
    return query(
        source,
        """
        select field, found_value, customers
        from manager_profile_values
        order by customers desc, field, found_value
        limit 50
        """,
    )


@fresh
def unfollowed_merges(source: Source) -> pd.DataFrame:
    """List why merges of two ids were not followed, the commonest reason first."""
    return query(
        source,
        "select reason, events from manager_unfollowed_merges order by events desc, reason",
    )


@slow
def unnamed_event_types(source: Source) -> pd.DataFrame:
    """List event types that no category names, the commonest first."""
    return query(
        source,
        """
        select event_type, counts_as, events, customers, last_seen_at
        from manager_unnamed_event_types
        order by events desc, event_type
        limit 50
        """,
    )


@minutely
def problems(source: Source) -> dict[str, Any]:
    """Count the tables that are late or suspended, and the tasks whose last run failed."""
    return query_one(
        source,
        """
        select
            (select count(*) from manager_dynamic_tables where is_overdue or is_suspended)
                as late_tables,
            (select count(*) from manager_tasks where last_state like 'FAILED%') as failed_tasks
        """,
    )

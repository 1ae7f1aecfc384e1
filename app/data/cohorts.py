"""Who came first when, who stayed, and who came back."""

import pandas as pd
from connection import Source, query

from data import slow


@slow
def retention(source: Source) -> pd.DataFrame:
    """Count each joining month's customers, and those active in each later month, by segment."""
    return query(
        source,
        """
        select
            join_month, segment, is_first_month, month_number, is_unfinished,
            customers, active_customers
        from manager_cohorts
        order by join_month, segment, month_number
        """,
    )


@slow
def lifecycle(source: Source) -> pd.DataFrame:
    """Count each month's customers by segment and by what they are to the month."""
    return query(
        source,
        """
        select activity_month, segment, stage, is_unfinished, customers
        from manager_lifecycle
        order by activity_month, stage, segment
        """,
    )

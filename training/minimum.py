"""How much data training needs. Standard library only: ingest/ says it before a load."""

import math

ROWS = 200  # labelled ones, below this a hold-out says nothing
OF_EACH_CLASS = 10  # of them who churned, and who stayed


def too_few_rows(rows: int) -> str | None:
    """Return in words that these labelled rows are too few, or None."""
    return f"{rows} labelled rows, at least {ROWS} needed" if rows < ROWS else None


def too_few_who(verb: str, rows: int) -> str | None:
    """Return in words that too few of the rows to train on `churned` or `stayed`, or None."""
    if rows >= OF_EACH_CLASS:
        return None
    return f"only {rows} training rows of customers who {verb}, at least {OF_EACH_CLASS} needed"


def days(horizon_days: int, cutoff_every_days: int) -> int:
    """Return how many days of events hold two cut-offs: one that trains and one that tests.

    Before the first one lies a horizon, and one behind each; the last day does not count. See
    models/training/training_cutoffs.sql.
    """
    apart = math.ceil(horizon_days / cutoff_every_days) * cutoff_every_days
    return horizon_days + apart + horizon_days + 2

"""What differs between the two engines for a Python model of dbt, in one place."""

from collections.abc import Iterator
from contextlib import contextmanager

import pandas


def to_pandas(relation: object) -> pandas.DataFrame:
    """Return a relation of dbt as pandas, with column names in lower case."""
    frame = relation.to_pandas() if hasattr(relation, "to_pandas") else relation.df()
    frame.columns = [column.lower() for column in frame.columns]
    return frame


@contextmanager
def others_may_write(session: object) -> Iterator[None]:
    """Let other writers go on while the context is open, which is for work without the database.

    DuckDB's lake takes one writer at a time, and dbt has its turn for the whole of a model: without
    this, loading and scoring would wait for the training. Snowflake keeps writers apart itself.
    """
    if hasattr(session, "file"):
        yield
        return
    import duckdb

    from embedded.actions import end_turn, take_turn

    is_open = True
    try:
        # What was read so far; a transaction that stayed open could not write afterwards.
        session.execute("commit")
    except duckdb.TransactionException:
        is_open = False
    end_turn("dbt")
    try:
        yield
    finally:
        take_turn("dbt")
        if is_open:
            session.execute("begin transaction")

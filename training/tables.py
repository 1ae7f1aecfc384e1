"""What differs between the two engines for a Python model of dbt, in one place."""

import pandas


def to_pandas(relation: object) -> pandas.DataFrame:
    """Return a relation of dbt as pandas, with column names in lower case."""
    frame = relation.to_pandas() if hasattr(relation, "to_pandas") else relation.df()
    frame.columns = [column.lower() for column in frame.columns]
    return frame

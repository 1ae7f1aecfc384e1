"""A table on DuckDB whose rows hold the worst of every type."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

T = "churn.main.t"
COLUMNS = {
    "id": "BIGINT", "label": "VARCHAR", "number": "DOUBLE", "small": "INTEGER", "big": "BIGINT",
    "share": "DECIMAL(9,2)", "data": "JSON", "day": "DATE", "moment": "TIMESTAMP",
    "flag": "BOOLEAN",
}  # fmt: skip
# Each value of a type is in some row; the years are those that the loader lets in.
HOSTILE = {
    "label": [
        "'abc'",
        "''",
        "'nan'",
        "'1e999'",
        "'12'",
        "'(['",
        "'5881580-07-10'",
        "'infinity'",
        "NULL",
    ],
    "number": ["0", "-0.0", "'nan'", "'inf'", "'-inf'", "1e308", "-1e308", "-2.5", "1", "NULL"],
    "small": ["0", "1", "-1", "2147483647", "-2147483648", "NULL"],
    "big": ["0", "1", "9223372036854775807", "-9223372036854775808", "NULL"],
    "share": ["0", "9999999.99", "-9999999.99", "NULL"],
    "data": ["'{\"a\": 1e400}'", "'[]'", "'\"x\"'", "'null'", "NULL"],
    "day": ["'0001-01-01'", "'9999-12-31'", "'1970-01-01'", "NULL"],
    "moment": ["'0001-01-01'", "'9999-12-31 23:59:59.999999'", "NULL"],
    "flag": ["true", "false", "NULL"],
}


@contextmanager
def hostile_table() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection to a database that has it: each value of a column meets many of others."""
    longest = max(len(texts) for texts in HOSTILE.values())
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as churn")
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        connection.execute(f"create table {T} ({columns})")
        for shift in range(longest):
            for at in range(longest):
                row = [
                    texts[(at + shift * step) % len(texts)]
                    for step, texts in enumerate(HOSTILE.values())
                ]
                number = at + shift * longest
                connection.execute(f"insert into {T} select {number}, {', '.join(row)}")
        yield connection

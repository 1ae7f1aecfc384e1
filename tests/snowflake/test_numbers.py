"""Numbers in texts: the same on both engines, and no number makes a statement fail."""

import json

import duckdb
import pytest

from tests.dbt import run_dbt
from tests.snowflake.standin.account import ADMIN, Account

# A number as SQL, with the texts of one digit and of none behind the point.
NUMBERS = {
    "12": ("12.0", "12"),
    "12.04": ("12.0", "12"),
    "-0.04": ("0.0", "0"),
    "-3.26": ("-3.3", "-3"),
    "2.5": ("2.5", "3"),
    "cast('1e9' as double)": ("1000000000.0", "1000000000"),
    "cast('1e13' as double)": ("10000000000000.0", "10000000000000"),
    "cast('99999999999999.94' as double)": ("99999999999999.9", "100000000000000"),
    "cast('99999999999999.96' as double)": (None, "100000000000000"),
    "cast('999999999999999' as double)": (None, "999999999999999"),
    "cast('1e15' as double)": (None, None),
    "cast('1e18' as double)": (None, None),
    "cast('-4e38' as double)": (None, None),
    "cast('1.7e308' as double)": (None, None),
    "cast('inf' as double)": (None, None),
    "cast('-inf' as double)": (None, None),
    "cast('NaN' as double)": (None, None),
    "cast(null as double)": (None, None),
}
QUERY = (
    "select place, {{ number_text('number', 1) }} as one_digit, {{ number_text('number', 0) }} as"
    " no_digit, cast({{ whole_number('number') }} as varchar) as whole from (%s) as numbers"
    " order by place"
)


def compiled(target: str) -> str:
    numbers = " union all ".join(
        f"select {place} as place, cast({number} as double) as number"
        for place, number in enumerate(NUMBERS)
    )
    done = run_dbt(
        "compile", "-q", "--no-populate-cache", "--no-introspect", "--inline", QUERY % numbers,
        target=target,
    )  # fmt: skip
    return done.stdout[done.stdout.index("select") :]


def expected() -> list[tuple]:
    return [
        (place, one_digit, no_digit, no_digit)
        for place, (one_digit, no_digit) in enumerate(NUMBERS.values())
    ]


def test_no_number_breaks_a_text_on_duckdb(tmp_path, monkeypatch):
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
    query = compiled("duckdb")
    assert "try_cast" in query
    assert duckdb.execute(query).fetchall() == expected()


def test_no_number_breaks_a_text_on_snowflake(tmp_path):
    query = compiled("snowflake")
    assert "try_cast" not in query  # which takes texts only
    with Account(tmp_path / "account") as account:
        account.execute("create warehouse CHURN_WH", "create database CHURN", role=ADMIN)
        [frame] = account.answers([query], ADMIN)
    found = json.loads(frame.to_json(orient="values"))
    assert [tuple(row) for row in found] == expected()


@pytest.mark.parametrize("macro", ["fitting_number('1', 1)", "whole_number('1')"])
def test_another_engine_is_told_that_it_is_none_of_both(macro):
    done = run_dbt(
        "compile", "-q", "--inline",
        "{{ default__" + macro.split("(")[0] + "(" + macro.split("(")[1] + " }}", check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "has no implementation for duckdb" in done.stdout

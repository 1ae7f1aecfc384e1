"""What the checker says of values is true: expressions of any shape, computed by DuckDB on rows
that hold the worst of every type, keep to the bounds, and fail only where a fault was noted.
"""

from decimal import Decimal
from math import isnan

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.raising.hostile import COLUMNS, T, hostile_table
from tests.raising.statements import Project

NUMBERS = (
    "number", "small", "big", "share", "try_cast(label as double)", "try_cast(label as integer)",
    "datediff('day', day, cast(moment as date))", "datediff('day', day, try_cast(label as date))",
)  # fmt: skip
LITERALS = ("0", "1", "-1", "2", "0.5", "100", "1e9", "1e300", "2147483647")
TYPES = ("double", "integer", "bigint", "decimal(9, 2)", "decimal(18, 0)", "varchar")


def _shapes(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    literal = st.sampled_from(LITERALS)
    condition = st.tuples(inner, st.sampled_from(("<", "<=", "=", ">", ">=", "<>")), inner)
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map("({0[0]} {0[1]} {0[2]})".format),
        inner.map("(- {})".format),
        inner.map("abs({})".format),
        st.tuples(inner, st.sampled_from(("0", "1", "2"))).map("round({0[0]}, {0[1]})".format),
        st.tuples(st.sampled_from(("floor", "ceil", "sqrt", "ln")), inner).map(
            "{0[0]}({0[1]})".format
        ),
        two.map("nullif({0[0]}, {0[1]})".format),
        inner.map("nullif({}, 0)".format),
        st.tuples(st.sampled_from(("greatest", "least")), inner, literal).map(
            "{0[0]}({0[1]}, {0[2]})".format
        ),
        two.map("greatest({0[0]}, {0[1]})".format),
        two.map("coalesce({0[0]}, {0[1]})".format),
        st.tuples(inner, literal).map("({0[0]} % {0[1]})".format),
        st.tuples(condition, inner, inner).map(
            "case when {0[0][0]} {0[0][1]} {0[0][2]} then {0[1]} else {0[2]} end".format
        ),
        st.tuples(inner, literal).map(
            "case when abs({0[0]}) < {0[1]} then {0[0]} else {0[0]} end".format
        ),
        st.tuples(inner, literal, inner).map(
            "case when {0[0]} = {0[1]} or {0[0]} > 5 then 0 else {0[2]} / {0[0]} end".format
        ),
        st.tuples(inner, st.sampled_from(TYPES[:-1])).map("cast({0[0]} as {0[1]})".format),
        st.tuples(inner, st.sampled_from(TYPES)).map("try_cast({0[0]} as {0[1]})".format),
    )


EXPRESSIONS = st.recursive(st.sampled_from((*NUMBERS, *LITERALS)), _shapes, max_leaves=8)


@pytest.fixture(scope="module")
def hostile():
    with hostile_table() as connection:
        yield connection


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(expression=EXPRESSIONS)
def test_bounds_hold_and_only_faults_fail(hostile, expression):
    _holds(hostile, f"select {expression} as x from {T}")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    expression=EXPRESSIONS,
    over=st.sampled_from(("sum({})", "avg({})", "max({})", "min({})", "sum({}) / count(*)")),
)
def test_bounds_hold_of_many_rows(hostile, expression, over):
    _holds(hostile, f"select {over.format(expression)} as x from {T}")


def _holds(hostile: duckdb.DuckDBPyConnection, sql: str) -> None:
    project = Project("duckdb", {"t": COLUMNS})
    project.add("statement", sql)
    noted = project.faults()
    try:
        found = [value for (value,) in hostile.execute(sql).fetchall()]
    except (duckdb.ConversionException, duckdb.OutOfRangeException,
            duckdb.InvalidInputException) as error:  # fmt: skip
        assert noted, f"{sql}: {error}"
        return
    except duckdb.BinderException:  # types that the engine refuses before it looks at a row
        return
    if noted:
        return
    value = project.value("statement", "x")
    for one in found:
        if isinstance(one, (int, float, Decimal)) and not isinstance(one, bool):
            assert value.is_number, (sql, one, value)
            if isinstance(one, float) and isnan(one):
                assert value.may_be_nan, (sql, value)
            else:
                slack = 1e-9 * max(abs(float(one)), 1) if abs(one) < 1e308 else 0
                assert value.low - slack <= float(one) <= value.high + slack, (sql, one, value)
                assert not (one == 0 and value.excludes_zero), (sql, value)
        assert one is not None or value.may_be_null, (sql, value)

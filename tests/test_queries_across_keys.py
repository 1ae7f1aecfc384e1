"""A query that looks across its key is refused, or its table is right all the same."""

import shutil

import pytest

from embedded.engine.refresh_pass import refresh
from embedded.engine.registry import SCHEMA
from embedded.engine.statements import Statements
from embedded.session import open_database
from runtime.errors import EngineError
from tests.recomputed import add_dynamic_table, differing_rows

ORDERS, VISITS = "churn.main.orders as orders", "churn.main.visits as visits"
BOTH = f"{ORDERS} left join {VISITS} on orders.key = visits.key"

QUERIES = {
    "a window over the side that may be missing": f"""
        select orders.key, orders.v, count(*) over (partition by visits.key) as n from {BOTH}
    """,
    "one row of those whose other side is missing": f"""
        select distinct on (visits.key) orders.key, orders.v from {BOTH} order by orders.v
    """,
    "an equality of a column with itself": f"""
        select orders.key, count(*) as n from {ORDERS}
        inner join {VISITS} on orders.key = orders.key group by orders.key
    """,
    "a subquery in a join's condition": f"""
        select orders.key, orders.v from {ORDERS} inner join {VISITS}
        on orders.key = visits.key and orders.v >= (select max(v) from churn.main.visits)
    """,
    "a subquery among values": f"""
        select orders.key, n from {ORDERS}
        cross join (values ((select count(*) from churn.main.visits))) as counted (n)
    """,
    "a subquery as an argument": f"""
        select orders.key, n from {ORDERS}
        cross join range((select count(*) from churn.main.visits)) as counted (n)
    """,
    "a table that only a function names": f"""
        select orders.key, found.v from {ORDERS}
        cross join query_table('churn.main.visits') as found
    """,
    "sides of a union in another order": """
        select key, v from churn.main.orders union all select v, key from churn.main.visits
    """,
    "columns of a table under other names": "select key, v from churn.main.orders as o (v, key)",
    "columns of a subquery under other names": """
        select key, v from (select key, v from churn.main.orders) as renamed (v, key)
    """,
    "columns of a CTE under other names": """
        with renamed (v, key) as (select key, v from churn.main.orders) select key, v from renamed
    """,
    "columns renamed in a star": "select * rename (v as key, key as v) from churn.main.orders",
    "columns by a pattern under another name": "select columns('v') as key from churn.main.orders",
    "a star over the side that may be missing": f"""
        select * from {ORDERS} right join {VISITS} on orders.key = visits.key
    """,
    "a sample": "select key, v from churn.main.orders using sample 50%",
    "a macro with a subquery": "select key, v from churn.main.orders where v >= highest()",
    "a view": "select key, v from churn.main.seen",
}
CHANGES = (
    "insert into orders values ('c', 'c'), ('d', 'a')",
    "insert into visits values ('c', 'b'), ('z', 'c'), ('e', 'z')",
    "delete from orders where key = 'a' and v = 'b'",
    "update orders set v = 'd' where key = 'b'",
    "insert into orders values ('f', 'f')",
    "delete from visits where key = 'a'",
    "delete from orders where key = 'c'",
)


@pytest.fixture
def pipeline(shared_pipeline, tmp_path, monkeypatch):
    shared_pipeline.close()
    shutil.copytree(shared_pipeline.path, tmp_path / "home")
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
    with open_database().session() as opened:
        statements = Statements(opened)
        connection = statements.connection
        connection.execute(f"delete from {SCHEMA}.dynamic_tables")
        connection.execute(f"delete from {SCHEMA}.refresh_states")
        for table in ("orders", "visits"):
            connection.execute(f"create table {table} (key varchar, v varchar)")
        connection.execute("insert into orders values ('a', 'b'), ('a', 'c'), ('b', 'a')")
        connection.execute("insert into visits values ('a', 'a'), ('b', 'c')")
        connection.execute(
            "create view seen as select key, max(v) as v from churn.main.visits group by key"
        )
        connection.execute("create macro highest() as (select max(v) from churn.main.visits)")
        yield statements


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_query_is_refused_or_its_table_is_right(pipeline, query):
    add_dynamic_table(pipeline.connection, "added", query, ("key",))
    try:
        refresh(pipeline)
        for change in CHANGES:
            assert differing_rows(pipeline.connection) == {}
            pipeline.connection.execute(change)
            refresh(pipeline)
        assert differing_rows(pipeline.connection) == {}
    except EngineError as refusal:
        assert "added" in str(refusal)


def test_a_table_that_reads_itself_is_refused(pipeline):
    add_dynamic_table(pipeline.connection, "added", "select key from churn.main.added", ("key",))
    with pytest.raises(EngineError, match="in a circle: added reads added"):
        refresh(pipeline)


def test_in_full_mode_the_key_may_be_in_no_source(pipeline):
    query = "select 'all' as part, count(*) as visits from churn.main.visits"
    add_dynamic_table(pipeline.connection, "total", query, ("part",), mode="FULL")
    for change in CHANGES:
        refresh(pipeline)
        assert differing_rows(pipeline.connection) == {}
        pipeline.connection.execute(change)


def test_a_source_that_is_made_anew_is_read_anew(pipeline):
    query = "select key, count(*) as n from churn.main.orders group by key"
    add_dynamic_table(pipeline.connection, "counted", query, ("key",))
    refresh(pipeline)
    pipeline.connection.execute(
        "create or replace table orders as select * from orders where key <> 'a'"
    )
    refresh(pipeline)
    assert differing_rows(pipeline.connection) == {}


def test_rows_without_a_key_are_refused(pipeline):
    query = "select key, count(*) as n from churn.main.orders group by key"
    add_dynamic_table(pipeline.connection, "counted", query, ("key",))
    refresh(pipeline)
    pipeline.connection.execute("insert into orders values (null, 'x')")
    with pytest.raises(EngineError, match="a source has a row without it"):
        refresh(pipeline)
    pipeline.connection.execute("delete from orders where key is null")
    pipeline.connection.execute(f"update {SCHEMA}.refresh_states set built_of = null")
    refresh(pipeline)
    assert differing_rows(pipeline.connection) == {}

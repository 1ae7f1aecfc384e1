"""Which queries may be refreshed key by key: proved, or refused with the reason."""

import duckdb
import pytest

from embedded.engine.incremental_check import NotIncrementalError, check_incremental
from embedded.engine.sql_tree import redirect, row_filter, source_tables

T, U = "churn.main.t", "churn.main.u"


@pytest.mark.parametrize(
    "query",
    [
        f"select * from {T}",
        f"select key, count(*) as n from {T} group by key",
        f"select key, count(*) as n from {T} group by all",
        f"select 1 as one, key from {T} group by 2",
        f"select t.key from {T} as t inner join {U} as u on t.key = u.key and t.v > u.v",
        f"select t.key, u.v from {T} as t left join {U} as u on u.key = t.key",
        f"select * from {T} inner join {U} using (key)",
        f"select key, v from {T} union all select key, w from {U}",
        f"select * from {T} union all by name select * from {U}",
        f"with a as (select * from {T}), b as (select key from a where v > 1) select * from b",
        f"select t.key, t.user, age(t.v, t.w) as age from {T} as t",
        f"select * from {T} cross join (select 1 as n union all select 2) as numbers",
        f"select * from {T} qualify row_number() over (partition by key order by v) = 1",
        f"select distinct on (key) * from {T} order by v",
        f"select key, list(v order by v) as vs from {T} group by key having count(*) > 1",
    ],
)
def test_may_be_refreshed_by_key(query):
    check_incremental(query, ("key",))


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (f"select upper(key) as key from {T}", "does not pass key on"),
        (f"select v as key from {T}", "does not pass key on"),
        (f"select * exclude (key) from {T}", "does not pass key on"),
        (f"select * replace (v as key) from {T}", "does not pass key on"),
        (f"select u.key from {T} as t left join {U} as u on t.key = u.key", "does not pass key on"),
        (f"select count(*) as n, key from {T}", "over all keys at once"),
        (f"select key from {T} group by v, rollup (key)", "GROUP BY does not contain key"),
        (f"select max(key) as key from {T} group by v", "does not pass key on"),
        (f"select key, lag(v) over (order by v) as w from {T}", "PARTITION BY does not contain"),
        (f"select distinct on (v) * from {T}", "DISTINCT ON does not contain key"),
        (f"select * from {T} order by v limit 3", "LIMIT"),
        (f"select * from {T} offset 3", "LIMIT"),
        (f"select * from {T} tablesample 10%", "sample"),
        (f"select key, (select max(v) from {U}) as m from {T}", "subquery"),
        (f"select * from {T} where v in (select v from {U})", "subquery"),
        (f"select * from {T} where exists (from {U})", "subquery"),
        (f"select t.* from {T} as t inner join {U} as u on t.v = u.v", "equality of key"),
        (f"select t.* from {T} as t cross join {U} as u", "equality of key"),
        (f"select * from {T} full join {U} using (key)", "belong to no key"),
        (f"select * from {T} union all select 1, 2", "belong to no key"),
        (f"select key, now() as at from {T}", "now gives something else each time"),
        (f"select key, current_date as at from {T}", "current_date gives something else"),
        (f"select key, current_setting('timezone') as zone from {T}", "depends on the session"),
        (f"select key, getvariable('v') as v from {T}", "depends on the session"),
        (f"select key, current_user as who from {T}", "depends on the session"),
        (f"select key, age(v) as old from {T}", "depends on the session"),
        (f"select key, random() as r from {T}", "random gives something else each time"),
        ("select 1 as key", "reads no table"),
        ("select * from read_csv('x') as key", "read_csv"),
        (f"select * from {T} union all select * from {U}", "the key in the same place"),
        ("select * from elsewhere", "not in the database"),
        (f"with recursive r as (from {T} union all from r) from r", "recursive"),
    ],
)
def test_is_refused_with_the_reason(query, reason):
    with pytest.raises(NotIncrementalError, match=reason):
        check_incremental(query, ("key",))


def test_every_column_of_the_key_counts():
    grouped = f"select a, b, sum(v) as v from {T} group by a, b"
    check_incremental(grouped, ("a", "b"))
    with pytest.raises(NotIncrementalError, match="equality of b"):
        joined = f"select t.* from {T} as t inner join {U} as u on t.a = u.a"
        check_incremental(joined, ("a", "b"))


KEYED = f"select t.key, u.w from {T} as t"


@pytest.mark.parametrize(
    "query",
    [
        f"{KEYED} left join {U} as u on t.v = u.v",
        f"{KEYED} inner join {U} as u on u.v = t.v and t.key > 1",
        f"select key, w from {T} left join {U} as u using (v)",
        f"with s as (select key, v from {T} qualify row_number() over (partition by key) = 1),"
        f" l as (select v, w from {U} where w > 1)"
        " select s.key, coalesce(l.w, s.v) as v from s left join l on s.v = l.v",
        f"select key, sum(w) as w from (select t.key, u.w from {T} as t left join {U} as u"
        " on t.v = u.v) group by key",
    ],
)
def test_a_source_without_the_key_may_be_looked_up_by_an_equal_column(query):
    assert check_incremental(query, ("key",), {"u": "key"}) == {"u": "v"}


@pytest.mark.parametrize(
    "query",
    [
        f"{KEYED} cross join {U} as u",
        f"{KEYED} left join {U} as u on t.v > u.v",
        f"{KEYED} left join {U} as u on t.v = u.w",
        f"{KEYED} right join {U} as u on t.v = u.v",
        f"{KEYED} left join {U} as u on t.v = u.v left join {U} as x on t.w = x.w",
        f"{KEYED} left join (select v, max(w) as w from {U} group by v) as u on t.v = u.v",
        f"{KEYED} left join (select v, count(*) over () as w from {U}) as u on t.v = u.v",
        f"{KEYED} left join (select distinct v, w from {U}) as u on t.v = u.v",
        f"{KEYED} left join (select v, w from {U} order by w limit 1) as u on t.v = u.v",
        f"{KEYED} left join (select upper(v) as v, w from {U}) as u on t.v = u.v",
        f"select t.key, u.w from (select key, upper(v) as v from {T}) as t"
        f" left join {U} as u on t.v = u.v",
        f"{KEYED} left join (select v, w from {U} union all select v, w from {U}) as u"
        " on t.v = u.v",
        f"select v as key from {U}",
    ],
)
def test_what_is_more_than_a_look_is_refused(query):
    with pytest.raises(NotIncrementalError):
        check_incremental(query, ("key",), {"u": "key"})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"with s as (select * from {T} where v in (1, 2)) select key from s", "(v IN (1, 2))"),
        (f"select * from {T} where false", "CAST('f' AS BOOLEAN)"),
        (f"select * from {T}", None),
        (f"select key, v + 1 as v from {T} where v > 1", None),  # v may be the one that is given
        (f"select * replace (v + 1 as v) from {T} where v > 1", None),
        (f"select * from {T} as t where t.v > 1", None),
        (f"select * from {T} where v > 1 union all select * from {T}", None),
        (f"select t.* from {T} as t inner join {U} as u on t.key = u.key where v > 1", None),
    ],
)
def test_rows_that_a_query_leaves_out_are_known_beforehand(query, expected):
    assert row_filter(query, "t") == expected


def test_a_query_that_is_redirected_joins_in_the_same_order():
    """A comma would let the left join take only the table before it."""
    query = """
        select people.name, prices.price
        from churn.main.people as people
        cross join churn.main.policy as policy
        left join churn.main.prices as prices on people.name = prices.name and policy.is_open
    """
    with duckdb.connect() as connection:
        connection.execute("create temp table people_now as select unnest(['ada', 'ben']) as name")
        connection.execute("create temp table policy_now as select true as is_open")
        connection.execute("create temp table prices_now as select 'ada' as name, 3 as price")
        names = {name: f"{name}_now" for name in source_tables(query)}
        rows = connection.execute(redirect(query, names)).fetchall()
    assert sorted(rows) == [("ada", 3), ("ben", None)]

"""A statement that is planned once answers for what its tables hold when it is run."""

import threading

import duckdb
import pytest

from embedded.engine.due_tables import refresh_one
from embedded.engine.statements import Statements
from embedded.engine.storage import database
from runtime.clock import utc_now
from tests.test_small_tables import BY_KEY, Small

# Few and short values, so that a planner may find much out about them, then others.
EARLY = "insert into held select 'a', range from range(10)"
LATER = (
    "insert into held values ('bbbb', 1000000000)",
    "insert into held values ('a text that is longer than all before', -5), (null, 3)",
    "insert into held values ('b', null)",
    "delete from held where v < 8",
    "delete from held",
)
SHAPES = {
    "order": "select k, v from held order by v desc, k limit 3",
    "group": "select k, v, count(*) from held where v > 7 group by all order by all",
    "distinct": "select distinct k, v from held order by all",
    "filter": "select v from held where v > 50 order by v",
    "always": "select v from held where v < 50 order by v",
    "null": "select count(*) from held where v is null or k is null",
    "count": "select count(*) from held",
    "greatest": "select max(v), min(k) from held",
    "product": "select v * v, sum(v * 300000) from held group by all order by all",
    "join": "select held.v from held inner join twin using (v) order by v",
    "left join": "select held.v, count(twin.k) from held left join twin using (v) group by all"
    " order by all",
    "semi join": "select k, v from held semi join twin using (k) order by all",
    "not in": "select v from twin where v not in (select v from held) order by v",
    "window": "select k, v, sum(v) over (partition by k order by v) from held order by all",
    "scalar": "select v from held where v > (select count(*) from twin) order by v",
}


@pytest.fixture
def held(tmp_path):
    with database(tmp_path).session() as opened:
        connection = opened.cursor()
        connection.execute("create table held (k varchar, v bigint)")
        connection.execute("create table twin (k varchar, v bigint)")
        yield opened
    database(tmp_path).close()


@pytest.mark.parametrize("is_empty", [True, False])
@pytest.mark.parametrize("query", SHAPES.values(), ids=SHAPES)
def test_a_plan_does_not_rely_on_the_rows_that_it_was_made_with(held, query, is_empty):
    statements, connection = Statements(held), held.cursor()
    if not is_empty:
        connection.execute(EARLY)
    statements.run(query)
    for change in LATER:
        connection.execute(change)
        connection.execute("delete from twin")
        connection.execute("insert into twin from held where k is not null")
        fresh = duckdb.connect()
        for table in ("held", "twin"):
            fresh.register(f"{table}_rows", connection.execute(f"from {table}").to_arrow_table())
            fresh.execute(f"create table {table} as from {table}_rows")
        assert statements.run(query) == fresh.execute(query).fetchall()


def test_nor_when_two_threads_plan_at_the_same_time(held):
    found, together = [], threading.Barrier(2)

    def plan(number: int) -> None:
        statements = Statements(held)
        together.wait()
        for turn in range(100):
            statements.run(f"select k, v from held where v > {turn} and k <> 't{number}'")
        held.cursor().execute(f"insert into held values ('new', {1000 + number})")
        together.wait()
        for turn in range(100):
            rows = statements.run(f"select k, v from held where v > {turn} and k <> 't{number}'")
            found.append(len(rows))

    threads = [threading.Thread(target=plan, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [2] * 200


def test_a_table_follows_values_that_outgrow_all_before(tmp_path):
    with database(tmp_path).session() as opened:
        small = Small(tmp_path, opened)
        small.define("sums", BY_KEY)
        statements = Statements(opened)
        for size in range(40):
            small.load(("k" * (size // 2 + 1), 3**size % 2_000_000_000), (f"n{size % 3}", -size))
            refresh_one(statements, "sums", utc_now())
            expected = small.rows("select k, sum(v) from raw group by k order by k")
            assert small.rows("select k, total from sums order by k") == expected
    database(tmp_path).close()

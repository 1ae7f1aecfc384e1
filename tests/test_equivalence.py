"""Whatever happens to the raw rows, dynamic tables are what their queries say, row for row."""

import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded.engine.refresh_pass import refresh
from embedded.engine.registry import SCHEMA, dynamic_tables
from embedded.engine.statements import Statements
from embedded.engine.storage import transact
from embedded.session import open_database
from runtime.errors import EngineError
from tests.conftest import EPOCH
from tests.recomputed import add_dynamic_table, differing_rows, row_counts

PROPERTY = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# -- what may happen to raw rows, as SQL: a history that fails is a script that can be run ---------

EVENT_IDS = [f"e{number}" for number in range(10)]
CUSTOMERS = ["ada", "ben", "eve"]
EVENT_TYPES = [
    *("purchase", "login", "ticket_opened", "campaign_received", "email_opened"),
    *("subscription_cancelled", "something_new", "profile_updated", "profile_updated"),
    *("customer_merged", "customer_merged"),
    *("subscription_paused", "subscription_resumed", "unsubscribed"),
]
PROPERTIES = [
    None,
    {"name": "Ada", "region": "north", "segment": "premium", "marketing_consent": True},
    {"name": "Ben", "region": "west", "monthly_value": 12.5, "marketing_consent": "TRUE"},
    {"region": 7, "monthly_value": "much"},
    *({"merged_id": merged} for merged in ("ada", "ben", "eve")),
]
NEXT_OFFSET = "(select coalesce(max(kafka_offset), -1) from {raw}) + row_number() over ()"


def _text(value) -> str:
    return "null" if value is None else "'" + str(value).replace("'", "''") + "'"


moments = st.builds(
    "timestamp '{}' - interval {} day - interval {} minute".format,
    st.just(EPOCH),
    st.sampled_from([0, 1, 6, 7, 8, 27, 28, 29, 83, 84, 85, 300]),
    st.sampled_from([0, 1, 700, 1439]),
)
# Quarters have exact sums, so that the order of summation does not count.
amounts = st.one_of(st.just("null"), st.integers(-40, 400).map(lambda quarters: str(quarters / 4)))
payloads = st.sampled_from(PROPERTIES).map(lambda found: _text(json.dumps({"properties": found})))
# Times of publication do not follow the order of arrival: topics and partitions are merged.
new_rows = st.builds(
    "insert into {{raw}} select {}, {}, {}, {}, {}, {}, 'test', 0, {}, {}, now()::timestamp".format,
    *(st.sampled_from(values).map(_text) for values in (EVENT_IDS, CUSTOMERS, EVENT_TYPES)),
    *(moments, amounts, payloads, st.just(NEXT_OFFSET), moments),
)
conditions = st.one_of(
    st.builds("event_id = '{}'".format, st.sampled_from(EVENT_IDS)),
    st.builds("customer_id = '{}'".format, st.sampled_from(CUSTOMERS)),
)
repeated_rows = st.builds("insert into {{raw}} from {{raw}} where {}".format, conditions)
sent_again = st.builds(
    "insert into {{raw}} select * replace ({} as kafka_offset) from {{raw}} where {}".format,
    *(st.just(NEXT_OFFSET), conditions),
)
# Raw rows are only ever added; who must correct one takes it out and puts it in again.
corrections = st.builds(
    "create or replace temp table corrected as select * replace ({}) from {{raw}} where {};"
    "delete from {{raw}} where {}; insert into {{raw}} from corrected".format,
    st.one_of(
        st.builds("{} as amount".format, amounts.map("cast({} as double)".format)),
        st.builds("{} as occurred_at".format, moments),
        st.builds("'{}' as customer_id".format, st.sampled_from(CUSTOMERS)),
        st.builds("'{}' as event_type".format, st.sampled_from(EVENT_TYPES)),
    ),
    conditions,
    conditions,
)
removals = st.builds("delete from {{raw}} where {}".format, conditions)
changes = st.one_of(new_rows, new_rows, repeated_rows, sent_again, corrections, removals)
# A step is one transaction, and perhaps a pass after it: of one that has made passes before, of
# somebody else in the same process, of one that fails, or after the file was closed; for every
# table, or for one and what it reads, while the others fall behind.
passes = st.sampled_from(
    ["no pass", "same", "another", "failed", "reopened", "defined anew", "part"]
)
steps = st.tuples(
    st.lists(changes, min_size=1, max_size=6), passes, st.sampled_from(["same", "no pass"])
)
first_steps = st.tuples(
    st.lists(new_rows, min_size=4, max_size=12), st.just("same"), st.just("no pass")
)


class Refresher:
    """Who makes pass after pass, and keeps prepared statements and working tables meanwhile."""

    def __init__(self, pipeline) -> None:
        self.pipeline, self._opened, self._statements = pipeline, None, None

    @property
    def statements(self) -> Statements:
        with self.pipeline.database.session() as opened:
            if self._opened is not opened:
                self._opened, self._statements = opened, Statements(opened)
        return self._statements

    def apply(self, statements: list[str]) -> None:
        def work(open_):
            for statement in statements:
                open_.execute(statement.replace("{raw}", "churn.main.churn_scores_raw"))

        transact(self.pipeline.connection, work)

    def refresh(self, how: str) -> None:
        """Make a pass, which may be of one part of the tables, or by somebody else."""
        if how == "another":
            self.pipeline.refresh()
        elif how == "failed":
            self.fail()
        elif how == "part":
            refresh(self.statements, ["customer_activity_daily"])
        elif how == "reopened":
            self.pipeline.close()
            refresh(self.statements)
        else:
            if how == "defined anew":
                self.pipeline.rows(
                    f"update {SCHEMA}.dynamic_tables set rebuilds = coalesce(rebuilds, 0) + 1"
                    " where name = 'churn_metrics_live'"
                )
            refresh(self.statements)

    def fail(self) -> None:
        """Make a pass that breaks off at its end, when everything is written."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("embedded.engine.refresh_pass._remember", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                refresh(self.statements)

    def versions(self) -> dict[str, int]:
        return {name: one.version for name, one in dynamic_tables(self.pipeline.connection).items()}


@PROPERTY
@given(first=first_steps, then=st.lists(steps, max_size=5))
def test_after_any_history_every_table_is_what_its_query_says(shared_pipeline, first, then):
    pipeline, refresher = shared_pipeline, Refresher(shared_pipeline)
    pipeline.rows("delete from churn_scores_raw")
    pipeline.refresh()
    assert set(row_counts(pipeline.connection).values()) == {0}
    for statements, *refreshing in [first, *then]:
        refresher.apply(statements)
        for how in refreshing:
            if how != "no pass":
                refresher.refresh(how)
            if how not in ("no pass", "failed", "part"):
                assert differing_rows(pipeline.connection) == {}
    refresher.refresh("same")
    assert differing_rows(pipeline.connection) == {}
    assert refresh(refresher.statements) == []


INSERT = (
    "insert into {{raw}} select 'v{0}', 'ada', 'purchase', timestamp '2026-01-0{0}', {0}, null,"
    f" 'test', 0, {NEXT_OFFSET.replace('{raw}', '{{raw}}')}, timestamp '2026-01-01',"
    " now()::timestamp"
)


def test_whoever_refreshes_counts_versions_on(shared_pipeline):
    refresher = Refresher(shared_pipeline)
    refresher.apply([INSERT.format(1)])
    refresher.refresh("same")
    for number, how in ((2, "another"), (3, "same"), (4, "reopened"), (5, "same")):
        before = refresher.versions()
        refresher.apply([INSERT.format(number)])
        refresher.refresh(how)
        after = refresher.versions()
        assert {name for name in after if after[name] == before[name] + 1} >= {
            "customer_events",
            "customer_activity_daily",
            "churn_metrics_live",
        }
        assert set(after.values()) - set(before.values()) <= {one + 1 for one in before.values()}
        assert differing_rows(shared_pipeline.connection) == {}


def test_what_a_failed_refresh_has_written_is_written_again(shared_pipeline):
    refresher = Refresher(shared_pipeline)
    refresher.refresh("same")
    refresher.apply(["insert into {raw} from {raw} limit 1", INSERT.format(7)])
    refresher.fail()
    assert refresh(refresher.statements)
    assert differing_rows(shared_pipeline.connection) == {}


@pytest.mark.parametrize("rows", [1, 300, 5000])
def test_rows_that_are_gone_and_come_again_as_many_are_noticed(shared_pipeline, rows):
    pipeline = shared_pipeline
    insert = (
        "insert into churn_scores_raw select '{0}' || number, '{0}' || number % 100, 'purchase',"
        " timestamp '2026-01-01', 1, null, 'test', 0, number, timestamp '2026-01-01',"
        f" now()::timestamp from range({rows}) as numbers (number)"
    )
    pipeline.rows("delete from churn_scores_raw")
    pipeline.rows(insert.format("a"))
    pipeline.refresh()
    pipeline.rows("delete from churn_scores_raw")
    pipeline.rows(insert.format("b"))
    pipeline.close()  # the file numbers the rows anew
    assert pipeline.refresh()
    assert differing_rows(pipeline.connection) == {}
    assert pipeline.one("select count(*) from customer_events where customer_id[1] <> 'b'") == 0


# -- dynamic tables that anyone may add -----------------------------------------------------------

ADDED = {
    "spent": "select customer_id, sum(amount) as spent from churn.main.orders group by customer_id",
    "pairs": """
        select orders.customer_id, count(*) as pairs, max(orders.amount) as most
        from churn.main.orders as orders
        inner join churn.main.visits as visits on orders.customer_id = visits.customer_id
        group by orders.customer_id
    """,
    "seen": """
        select spent.customer_id, spent.spent, coalesce(visitors.days, 0) as days
        from churn.main.spent as spent
        left join (
            select customer_id, count(distinct day) as days
            from churn.main.visits group by customer_id
        ) as visitors on spent.customer_id = visitors.customer_id
    """,
    "known": """
        select customer_id from churn.main.orders union select customer_id from churn.main.visits
    """,
}
ADDED_IN_FULL = {
    "ranked": """
        select customer_id, spent, row_number() over (order by spent desc, customer_id) as place
        from churn.main.spent
    """,
    "above_average": """
        select customer_id, place from churn.main.ranked
        where place < (select avg(place) from churn.main.ranked)
    """,
}


@pytest.fixture
def sources(shared_pipeline, tmp_path, monkeypatch):
    """A database of its own with two tables, and none of the project's dynamic tables."""
    shared_pipeline.close()
    shutil.copytree(shared_pipeline.path, tmp_path / "home")
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
    database = open_database()
    with database.session() as opened:
        statements = Statements(opened)
        execute = statements.connection.execute
        execute(f"delete from {SCHEMA}.dynamic_tables")
        execute(f"delete from {SCHEMA}.refresh_states")
        execute("create table orders (customer_id varchar, amount double)")
        execute("create table visits (customer_id varchar, day date)")
        yield statements
    database.close()


@pytest.fixture
def added(sources):
    """The same database, with dynamic tables over those two."""
    for name, query in ADDED.items():
        add_dynamic_table(sources.connection, name, query)
    for name, query in ADDED_IN_FULL.items():
        add_dynamic_table(sources.connection, name, query, mode="FULL")
    return sources


orders = st.builds(
    "insert into churn.main.orders values ('{}', {})".format, st.sampled_from(CUSTOMERS), amounts
)
visits = st.builds(
    "insert into churn.main.visits values ('{}', date '2026-01-01' + {})".format,
    *(st.sampled_from(CUSTOMERS), st.integers(0, 2)),
)
fewer = st.builds(
    "delete from churn.main.{} where customer_id = '{}'".format,
    *(st.sampled_from(["orders", "visits"]), st.sampled_from(CUSTOMERS)),
)
moved = st.builds(
    "create or replace temp table moved as select * replace ('{1}' as customer_id)"
    " from churn.main.{0} where customer_id = '{2}';"
    "delete from churn.main.{0} where customer_id = '{2}';"
    "insert into churn.main.{0} from moved".format,
    st.sampled_from(["orders", "visits"]),
    *(st.sampled_from(CUSTOMERS), st.sampled_from(CUSTOMERS)),
)


only = st.sampled_from([None, None, None, "spent", "seen", "ranked"])


@PROPERTY
@given(
    passes=st.lists(
        st.tuples(st.lists(st.one_of(orders, visits, fewer, moved), max_size=4), only), max_size=6
    )
)
def test_added_tables_are_what_their_queries_say(added, passes):
    nothing_left = ["delete from churn.main.orders", "delete from churn.main.visits"]
    for statements, name in [(nothing_left, None), *passes, ([], None)]:
        for statement in statements:
            added.connection.execute(statement)
        refresh(added, None if name is None else [name])
        if name is None:
            assert differing_rows(added.connection) == {}


def test_a_table_whose_query_is_changed_and_changed_back_misses_nothing(added):
    execute = added.connection.execute
    execute("insert into churn.main.orders values ('ada', 1), ('ben', 2)")
    refresh(added)
    set_query = f"update {SCHEMA}.dynamic_tables set query = ? where name = 'seen'"
    for query in ("select no_such_column from churn.main.spent", ADDED["seen"]):
        execute(set_query, [query])
        execute("insert into churn.main.orders values ('ada', 3), ('eve', 4)")
        refresh(added, ["spent"])
    refresh(added)
    assert differing_rows(added.connection) == {}


def test_a_key_that_a_source_lacks_is_refused_by_name(sources):
    sources.connection.execute("create table rates (country varchar, rate double)")
    query = (
        "select orders.customer_id, sum(orders.amount * rates.rate) as spent"
        " from churn.main.orders as orders cross join churn.main.rates as rates"
        " group by orders.customer_id"
    )
    add_dynamic_table(sources.connection, "converted", query)
    with pytest.raises(
        EngineError, match=r"converted cannot be refreshed by .*rates has no column customer_id"
    ):
        refresh(sources)

"""Whatever happens to the raw rows, dynamic tables are what their queries say, row for row."""

import json
import shutil

import pytest
from embedded.database import LARGE, attach_for_large_rows  # XXX
from embedded.hot_tables import HotTables
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded.engine.refresh_pass import _refresh_all as refresh_all
from embedded.engine.refresh_pass import refresh
from embedded.engine.registry import SCHEMA, dynamic_tables
from embedded.engine.storage import CATALOG, transact
from embedded.session import connect
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
]
PROPERTIES = [
    None,
    {"name": "Ada", "region": "north", "segment": "premium", "marketing_consent": True},
    {"name": "Ben", "region": "west", "monthly_value": 12.5, "marketing_consent": "TRUE"},
    {"region": 7, "monthly_value": "much"},
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
corrections = st.builds(
    "update {{raw}} set {} where {}".format,
    st.one_of(
        st.builds("amount = {}".format, amounts),
        st.builds("occurred_at = {}".format, moments),
        st.builds("payload = {}".format, payloads),
        st.builds("customer_id = '{}'".format, st.sampled_from(CUSTOMERS)),
        st.builds("event_type = '{}'".format, st.sampled_from(EVENT_TYPES)),
    ),
    conditions,
)
removals = st.builds("delete from {{raw}} where {}".format, conditions)
changes = st.one_of(new_rows, new_rows, repeated_rows, sent_again, corrections, removals)
# A step is one transaction, into the catalog itself or into files, and perhaps a pass after it: of
# one that keeps what it knows in memory, or of somebody else.
steps = st.tuples(
    st.sampled_from([CATALOG, LARGE]),
    st.lists(changes, min_size=1, max_size=6),
    st.sampled_from(["no pass", "in memory", "somebody else"]),
)
first_steps = st.tuples(
    st.just(CATALOG), st.lists(new_rows, min_size=4, max_size=12), st.just("in memory")
)


def _apply(connection, catalog: str, statements: list[str]) -> None:
    def work(open_):
        for statement in statements:
            open_.execute(statement.replace("{raw}", f"{catalog}.main.churn_scores_raw"))

    transact(connection, work)


@pytest.fixture(scope="module")
def pipeline(shared_pipeline):
    attach_for_large_rows(shared_pipeline.connection)
    return shared_pipeline


@PROPERTY
@given(first=first_steps, then=st.lists(steps, max_size=5))
def test_after_any_history_every_table_is_what_its_query_says(pipeline, first, then):
    connection = pipeline.connection
    hot = HotTables(connection)
    connection.execute("delete from churn_scores_raw")
    refresh(connection)
    assert set(row_counts(connection).values()) == {0}
    for catalog, statements, refreshing in [first, *then]:
        _apply(connection, catalog, statements)
        if refreshing != "no pass":
            refresh(connection, hot=hot if refreshing == "in memory" else None)
            assert differing_rows(connection) == {}
    refresh(connection, hot=hot)
    assert differing_rows(connection) == {}
    assert refresh(connection) == []


def test_who_knew_less_than_another_refresher_counts_versions_on(pipeline):
    connection, hot = pipeline.connection, HotTables(pipeline.connection)
    insert = (
        "insert into {{raw}} select 'v{0}', 'ada', 'purchase', timestamp '2026-01-0{0}', {0}, null,"
        " 'test', 0, " + NEXT_OFFSET.replace("{raw}", "{{raw}}") + ", timestamp '2026-01-01',"
        " now()::timestamp"
    )
    _apply(connection, CATALOG, [insert.format(1)])
    refresh(connection, hot=hot)
    known = dynamic_tables(connection)
    for number, pass_of in ((2, {}), (3, {"known": known, "hot": hot}), (4, {"hot": hot})):
        before = {name: one.version for name, one in dynamic_tables(connection).items()}
        _apply(connection, CATALOG, [insert.format(number)])
        changed = {one.name for one in refresh(connection, **pass_of) if one.changed_rows}
        after = {name: one.version for name, one in dynamic_tables(connection).items()}
        assert {name for name in after if after[name] == before[name] + 1} == changed
        assert "churn_metrics_live" in changed
        assert differing_rows(connection) == {}


def test_what_a_failed_refresh_has_loaded_is_loaded_again(pipeline, monkeypatch):
    connection, hot = pipeline.connection, HotTables(pipeline.connection)
    refresh(connection)
    _apply(
        connection, CATALOG, ["insert into {raw} from {raw} limit 1", "update {raw} set amount = 7"]
    )
    with monkeypatch.context() as patch:
        patch.setattr(
            "embedded.refresh._refresh_all", lambda current: (refresh_all(current), 1 / 0)
        )
        with pytest.raises(ZeroDivisionError):
            refresh(connection, hot=hot)
    assert refresh(connection, hot=hot)
    assert differing_rows(connection) == {}


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
    """A pipeline of its own with two tables, and none of the project's dynamic tables."""
    shutil.copytree(shared_pipeline.path, tmp_path / "home")
    monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))
    with connect() as connection:
        connection.execute(f"delete from {SCHEMA}.dynamic_tables")
        connection.execute("create table orders (customer_id varchar, amount double)")
        connection.execute("create table visits (customer_id varchar, day date)")
        yield connection


@pytest.fixture
def added(sources):
    """The same pipeline, with dynamic tables over those two."""
    for name, query in ADDED.items():
        add_dynamic_table(sources, name, query)
    for name, query in ADDED_IN_FULL.items():
        add_dynamic_table(sources, name, query, mode="FULL")
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
    "update churn.main.{} set customer_id = '{}' where customer_id = '{}'".format,
    st.sampled_from(["orders", "visits"]),
    *(st.sampled_from(CUSTOMERS), st.sampled_from(CUSTOMERS)),
)


@PROPERTY
@given(passes=st.lists(st.lists(st.one_of(orders, visits, fewer, moved), max_size=4), max_size=5))
def test_added_tables_are_what_their_queries_say(added, passes):
    nothing_left = ["delete from churn.main.orders", "delete from churn.main.visits"]
    for statements in [nothing_left, *passes]:
        for statement in statements:
            added.execute(statement)
        refresh(added)
        assert differing_rows(added) == {}


def test_a_key_that_a_source_lacks_is_refused_by_name(sources):
    sources.execute("create table rates (country varchar, rate double)")
    query = (
        "select orders.customer_id, sum(orders.amount * rates.rate) as spent"
        " from churn.main.orders as orders cross join churn.main.rates as rates"
        " group by orders.customer_id"
    )
    add_dynamic_table(sources, "converted", query)
    with pytest.raises(
        EngineError, match=r"converted cannot be refreshed by .*rates has no column customer_id"
    ):
        refresh(sources)

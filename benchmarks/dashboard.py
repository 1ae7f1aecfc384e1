"""The dashboard on a large lake: what its first page, its live part and its memory cost."""

import os

import duckdb

from benchmarks.history import event_type
from embedded.database import connect
from embedded.processes import run_dbt
from embedded.scheduler import tick

CUSTOMERS = 100_000
_DAYS, _SCORED_DAYS = 240, 28
# Every eighth customer has stopped, on a day of its own; everyone has a profile.
_EVENTS = f"""
    insert into lake.main.churn_scores_raw
    with numbered as (
        select
            number,
            (hash(number) % $customers)::integer as customer,
            now()::timestamp - to_seconds(({_DAYS} * 86_400 * (1 - number / $events))::bigint)
                as happened_at
        from range($events) as numbers (number)
    ),
    behaviour as (
        select
            format('e-{{:x}}', number) as event_id,
            customer,
            {event_type("number").replace("'profile_updated'", "'login'")} as event_type,
            happened_at,
            number % 1_000 / 10 as amount,
            '{{}}' as payload
        from numbered
        where
            customer % 8 > 0
            or happened_at
            < now()::timestamp - to_days((customer * 7_919 % ({_DAYS} / 3))::integer)
    ),
    profiles as (
        select
            format('p-{{:x}}', customer),
            customer,
            'profile_updated',
            now()::timestamp - to_days({_DAYS}),
            null,
            format(
                '{{{{"properties":{{{{"name":"Customer {{}}","email":"c{{}}@example.com",'
                || '"region":"{{}}","segment":"{{}}","marketing_consent":"{{}}"}}}}}}}}',
                customer, customer,
                ['north', 'east', 'south', 'west'][customer % 4 + 1],
                ['standard', 'standard', 'premium'][customer % 3 + 1],
                customer % 10 > 0
            )
        from range($customers) as customers (customer)
    ),
    events as (select * from behaviour union all select * from profiles)
    select
        event_id, format('c{{:06d}}', customer), event_type, happened_at, amount, payload,
        'past', 0, row_number() over (), happened_at, now()::timestamp
    from events
"""
# What the tasks would have left behind, had they run on each of the days.
_PAST_SCORES = f"""
    insert into churn_score_history
    select
        customer_id,
        least(1, score * (0.7 + 0.3 * day / {_SCORED_DAYS})),
        band, band_since, value_at_risk * (0.7 + 0.3 * day / {_SCORED_DAYS}),
        top_reasons, model_version, features_hash,
        scored_at - to_days(({_SCORED_DAYS} - day)::integer)
    from churn_scores
    cross join range({_SCORED_DAYS}) as days (day)
    where score is not null
    order by scored_at
"""


def build(events: int, customers: int = CUSTOMERS) -> None:
    """Build a lake of so many customers, scored, with the scores of four weeks."""
    run_dbt("run", "-s", "raw")
    with connect() as lake:
        _insert(lake, events, customers)
    run_dbt("build", "--vars", "{training_cutoffs: 3}", "--exclude-resource-type", "test")
    with connect() as lake:
        tick(lake)
        lake.execute(_PAST_SCORES)


def _insert(lake: duckdb.DuckDBPyConnection, events: int, customers: int) -> None:
    lake.execute(_EVENTS, {"events": events, "customers": customers})


if __name__ == "__main__":
    build(int(os.environ.get("EVENTS", 5_000_000)))

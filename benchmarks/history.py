"""A pipeline with a past: customers of whom some have left, a trained model, and all scored."""

import duckdb

from embedded.engine.dbt import run_dbt
from embedded.session import connect

CUSTOMERS = 20_000


def event_type(number: str) -> str:
    """Return SQL for a mixture of events: mostly logins, a fifth purchases, some trouble."""
    return f"""
        case
            when {number} % 5 = 0 then 'purchase'
            when {number} % 17 = 0 then 'ticket_opened'
            when {number} % 101 = 0 then 'profile_updated'
            else 'login'
        end
    """


# Whose alerts a benchmark may ask for; the profiles of three customers in ten are known.
WATCHED = "watched"
_DAYS = 120
# Every fourth customer stops on a day of its own; the past ends now.
_PAST = f"""
    insert into churn.main.churn_scores_raw
    with numbered as (
        select
            number,
            (hash(number) % {CUSTOMERS})::integer as customer,
            now()::timestamp - to_seconds(({_DAYS} * 86_400 * (1 - number / $events))::bigint)
                as happened_at
        from range($events) as numbers (number)
    )
    select
        format('past-{{:012x}}', number),
        'c' || customer,
        {event_type("number")},
        happened_at,
        number % 1_000 / 4,
        format(
            '{{{{"properties":{{{{"name":"Ada","segment":"{{}}","marketing_consent":"true"}}}}}}}}',
            case when customer % 3 = 0 then '{WATCHED}' else 'premium' end
        ),
        'past',
        0,
        number,
        happened_at,
        now()::timestamp
    from numbered
    where
        customer % 4 > 0
        or happened_at < now()::timestamp - to_days(({_DAYS} - customer * 7_919 % {_DAYS})::integer)
"""


def build(events: int) -> None:
    """Build the pipeline over so many events, with the model that they train."""
    run_dbt("run", "-s", "raw")
    with connect() as pipeline:
        _insert(pipeline, events)
    run_dbt("build")


def _insert(pipeline: duckdb.DuckDBPyConnection, events: int) -> None:
    pipeline.execute(_PAST, {"events": events})

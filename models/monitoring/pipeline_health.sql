with

data_end as (

    {{ data_end(ref('churn_metrics_live'), utc_now()) }}

),

-- The latest event is none before the latest activity: files of events before it stay closed.
events as (

    select max(occurred_at) as last_event_at
    from {{ ref('customer_events') }}
    where
        occurred_at >= coalesce(
            (select max(newest_activity_at) from data_end),
            cast({{ date_literal('1970-01-01') }} as {{ type_utc() }})
        )

),

rejected as (

    select count(*) as rejected_events from {{ ref('churn_events_rejected') }}

),

scores as (

    select max(scored_at) as last_scored_at from {{ ref('churn_scores') }}

),

health as (

    select
        events.last_event_at as data_as_of,
        data_end.newest_activity_at,
        not data_end.is_scored_as_of as is_stale,
        data_end.is_history,
        rejected.rejected_events,
        scores.last_scored_at
    from events
    cross join data_end
    cross join rejected
    cross join scores

)

select * from health

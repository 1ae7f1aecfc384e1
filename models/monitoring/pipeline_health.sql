with

activity as (

    select max(last_activity_at) as last_activity_at from {{ ref('churn_metrics_live') }}

),

-- The latest event is none before the latest activity: files of events before it stay closed.
events as (

    select max(occurred_at) as last_event_at
    from {{ ref('customer_events') }}
    where
        occurred_at >= coalesce(
            (select last_activity_at from activity),
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
        activity.last_activity_at,
        activity.last_activity_at is null
        or activity.last_activity_at
        < {{ utc_now() }} - interval '{{ stale_after_minutes() }} minutes' as is_stale,
        rejected.rejected_events,
        scores.last_scored_at
    from events
    cross join activity
    cross join rejected
    cross join scores

)

select * from health

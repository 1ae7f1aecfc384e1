{# Counted within the longest window of the metrics, up to the last visit: what is older is in no
   window of a score, and files of earlier events stay closed. #}
-- Event types that var event_categories does not name, so that nobody finds out from odd scores that
-- an invoice counts as a visit.
with

data_end as (

    select cast(max(last_activity_at) as date) as last_active_date
    from {{ ref('churn_metrics_live') }}

),

unnamed as (

    select
        event_type,
        category,
        customer_id,
        occurred_at
    from {{ ref('customer_events') }}
    where
        category = 'activity'
        {%- if named_event_types() %}
        and event_type not in ('{{ named_event_types() | join("', '") }}')
        {%- endif %}
        and activity_date > coalesce(
            (
                select last_active_date - {{ [days_before(), var('population_window_days') | int] | max }}
                from data_end
            ),
            cast('1970-01-01' as date)
        )

),

counted as (

    select
        event_type,
        category as counts_as,
        count(*) as events,
        count(distinct customer_id) as customers,
        max(occurred_at) as last_seen_at
    from unnamed
    group by event_type, category

)

select * from counted

{# Counted within the longest window of the metrics, up to the last visit: what is older is in no
   window of a score, and files of earlier events stay closed. #}
{%- set window = [days_before(), var('population_window_days') | int] | max %}
-- Event types that var event_categories does not name, so that nobody finds out from odd scores
-- that an invoice counts as a visit.
with

first_days as (

    select cast(max(last_activity_at) as date) - {{ window }} as day_before
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
        and event_type not in (
            {%- for event_type in named_event_types() %}
            '{{ event_type }}',
            {%- endfor %}
            ''
        )
        and activity_date
        > coalesce((select day_before from first_days), {{ date_literal('1970-01-01') }})

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

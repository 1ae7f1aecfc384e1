-- The figures that refresh while somebody looks: it reads narrow columns of few tables, and not the
-- other views, whose rows it would have to make first.
with

customers as (

    select customer_id from {{ ref('churn_metrics_live') }}

),

profiles as (

    select
        customer_id,
        region
    from {{ ref('customer_profiles') }}

),

scores as (

    select
        customer_id,
        band,
        value_at_risk
    from {{ ref('churn_scores') }}
    where band in ('high', 'low')

),

alerts as (

    select
        alert_id,
        customer_id,
        created_at
    from {{ ref('high_risk_history') }}

),

states as (

    select
        alert_id,
        state
    from {{ ref('alert_states') }}

),

health as (

    select * from {{ ref('pipeline_health') }}

),

model as (

    select version from {{ ref('active_churn_model') }}

),

visible_regions as (

    {{ visible_regions() }}

),

customer_figures as (

    select
        count(*) as customers,
        count(scores.customer_id) as scored_customers,
        count(case when scores.band = 'high' then 1 end) as customers_at_risk,
        coalesce(round(sum(case when scores.band = 'high' then scores.value_at_risk end), 2), 0)
            as value_at_risk
    from customers
    left join profiles on customers.customer_id = profiles.customer_id
    left join scores on customers.customer_id = scores.customer_id
    inner join visible_regions on {{ in_visible_region('profiles.region') }}

),

alert_figures as (

    select
        count(case when alerts.created_at >= {{ utc_now() }} - interval '1 day' then 1 end)
            as new_alerts,
        count(case when states.state = 'DRAFTED' then 1 end) as drafted_messages
    from alerts
    left join states on alerts.alert_id = states.alert_id
    left join profiles on alerts.customer_id = profiles.customer_id
    inner join visible_regions on {{ in_visible_region('profiles.region') }}

),

overview as (

    select
        customer_figures.*,
        alert_figures.*,
        health.data_as_of,
        health.is_stale,
        health.rejected_events,
        health.last_scored_at,
        model.version as model_version,
        {{ var('churn_horizon_days') }} as horizon_days,
        {{ var('stale_after_minutes') }} as stale_after_minutes
    from customer_figures
    cross join alert_figures
    cross join health
    left join model on 1 = 1

)

select * from overview

-- The figures that refresh while somebody looks: it reads narrow columns of few tables, and not the
-- other views, whose rows it would have to make first.
with

risk_figures as (

    select * from {{ ref('risk_figures') }}

),

alert_figures as (

    select * from {{ ref('alert_figures') }}

),

health as (

    select * from {{ ref('pipeline_health') }}

),

model as (

    select version from {{ ref('active_churn_model') }}

),

live as (

    select
        risk_figures.*,
        alert_figures.*,
        health.data_as_of,
        health.is_stale,
        health.is_history,
        health.rejected_events,
        health.last_scored_at,
        model.version as model_version,
        {{ var('churn_horizon_days') }} as horizon_days,
        {{ stale_after_minutes() }} as stale_after_minutes,
        {{ lag_seconds(target_lag()) }} as target_lag_seconds
    from risk_figures
    cross join alert_figures
    cross join health
    left join model on 1 = 1

)

select * from live

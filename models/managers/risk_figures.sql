{{ config(materialized='ephemeral') }}

with

profiles as (

    select
        customer_id,
        region
    from {{ ref('customer_profiles') }}

),

scores as (

    select
        customer_id,
        value_at_risk
    from {{ ref('churn_scores') }}
    where band = 'high'

),

metrics as (

    select
        customer_id,
        last_activity_at
    from {{ ref('churn_metrics_live') }}

),

data_end as (

    {{ last_closed_day('metrics', utc_now()) }}

),

visible_regions as (

    {{ visible_regions() }}

),

at_risk as (

    select
        {{ finite('scores.value_at_risk') }} as value_at_risk,
        {{ has_lapsed('metrics.last_activity_at', 'data_end.last_closed_date') }} as has_lapsed
    from scores
    cross join data_end
    left join metrics on scores.customer_id = metrics.customer_id
    left join profiles on scores.customer_id = profiles.customer_id
    inner join visible_regions on {{ in_visible_region('profiles.region') }}

),

figures as (

    select
        count(*) as customers_at_risk,
        coalesce(round(sum(value_at_risk), 2), 0) as value_at_risk,
        count(case when has_lapsed then 1 end) as customers_gone,
        coalesce(round(sum(case when has_lapsed then value_at_risk end), 2), 0) as value_gone
    from at_risk

)

select * from figures

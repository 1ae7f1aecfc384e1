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

visible_regions as (

    {{ visible_regions() }}

),

figures as (

    select
        count(*) as customers_at_risk,
        coalesce(round(sum({{ finite('scores.value_at_risk') }}), 2), 0) as value_at_risk
    from scores
    left join profiles on scores.customer_id = profiles.customer_id
    inner join visible_regions on {{ in_visible_region('profiles.region') }}

)

select * from figures

{{ config(materialized='ephemeral') }}

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

    select customer_id
    from {{ ref('churn_scores') }}
    where band in ('high', 'low')

),

visible_regions as (

    {{ visible_regions() }}

),

figures as (

    select
        count(*) as customers,
        count(scores.customer_id) as scored_customers
    from customers
    left join profiles on customers.customer_id = profiles.customer_id
    left join scores on customers.customer_id = scores.customer_id
    inner join visible_regions on {{ in_visible_region('profiles.region') }}

)

select * from figures

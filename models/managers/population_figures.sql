{{ config(materialized='ephemeral') }}

with

customers as (

    select
        customer_id,
        cancelled_at,
        paused_at
    from {{ ref('churn_metrics_live') }}

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

new_customers as (

    select * from {{ ref('new_customers') }}

),

visible_regions as (

    {{ visible_regions() }}

),

figures as (

    select
        count(*) as customers,
        count(scores.customer_id) as scored_customers,
        count(case when {{ is_paused('customers') }} then 1 end) as paused_customers,
        count(new_customers.customer_id) as new_customers,
        max(new_customers.n) as new_n,
        max(new_customers.share) as new_share,
        sum({{ finite('new_customers.segment_share') }}) as new_expected_to_leave
    from customers
    left join profiles on customers.customer_id = profiles.customer_id
    left join scores on customers.customer_id = scores.customer_id
    left join new_customers on customers.customer_id = new_customers.customer_id
    inner join visible_regions on {{ in_visible_region('profiles.region') }}

)

select * from figures

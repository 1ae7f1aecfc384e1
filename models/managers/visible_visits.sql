{{ config(materialized='ephemeral') }}

with

customers as (

    select
        customer_id,
        segment
    from {{ ref('manager_customers') }}

),

monthly as (

    select * from {{ ref('customer_activity_monthly') }}

),

visits as (

    select
        monthly.customer_id,
        customers.segment,
        monthly.activity_month,
        monthly.last_active_date,
        monthly.last_cancelled_at,
        monthly.last_paused_at,
        monthly.last_resumed_at
    from monthly
    inner join customers on monthly.customer_id = customers.customer_id
    where monthly.active_days > 0

)

select * from visits

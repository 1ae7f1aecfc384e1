{{ config(materialized='ephemeral') }}

with

monthly as (

    select activity_month
    from {{ ref('customer_activity_monthly') }}
    where active_days > 0

),

months as (

    select
        activity_month,
        activity_month = max(activity_month) over () as is_unfinished,
        activity_month = min(activity_month) over () as is_first
    from monthly
    group by activity_month

)

select * from months

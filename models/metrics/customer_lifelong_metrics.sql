{{ config(materialized=metrics_step(), meta={'refresh_key': ['customer_id']}) }}

with

monthly as (

    select * from {{ ref('customer_activity_monthly') }}

),

{{ lifelong_metrics('monthly', ['customer_id']) }}

select * from lifelong

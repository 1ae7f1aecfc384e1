{{ config(materialized=metrics_step(), meta={'refresh_key': ['customer_id']}) }}

with

recent_days as (

    select * from {{ ref('customer_recent_days') }}

),

{{ qualifying_days('recent_days', ['customer_id']) }}

select * from qualifying_days

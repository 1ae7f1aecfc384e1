{{ config(materialized='ephemeral') }}

with

daily as (

    select * from {{ ref('customer_activity_daily') }}

),

lifelong as (

    select * from {{ ref('customer_lifelong_metrics') }}

),

recent_days as (

    {{ recent_days('daily', 'lifelong', ['customer_id']) }}

)

select * from recent_days

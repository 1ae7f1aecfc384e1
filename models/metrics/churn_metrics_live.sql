{# The last dynamic table: a stream is no consumer on Snowflake, so it has a lag of its own. #}
{{ config(
    target_lag=target_lag(),
    meta={'refresh_key': ['customer_id']},
) }}

with

lifelong as (

    select * from {{ ref('customer_lifelong_metrics') }}

),

recent as (

    select * from {{ ref('customer_recent_metrics') }}

),

qualifying_days as (

    select * from {{ ref('customer_qualifying_days') }}

),

metrics as (

    with {{ combined_metrics(['customer_id']) }}

)

select * from metrics

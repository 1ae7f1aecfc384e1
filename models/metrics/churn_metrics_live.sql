{# The last dynamic table: a stream is no consumer on Snowflake, so it has a lag of its own. #}
{{ config(
    target_lag=target_lag(),
    meta={'refresh_key': ['customer_id']},
) }}

with

daily as (

    select * from {{ ref('customer_activity_daily') }}

),

monthly as (

    select * from {{ ref('customer_activity_monthly') }}

),

metrics as (

    {{ customer_metrics('daily', 'monthly', ['customer_id']) }}

)

select * from metrics

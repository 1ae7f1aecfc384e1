{{ config(meta={
    'refresh_key': ['customer_id', 'activity_date'],
}) }}

with

events as (

    select * from {{ ref('customer_events') }}

),

counted as (

    {{ daily_activity('events', ['customer_id']) }}

)

select * from counted

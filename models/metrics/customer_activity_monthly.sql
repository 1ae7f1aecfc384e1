{{ config(meta={
    'refresh_key': ['customer_id', 'activity_month'],
}) }}

with

daily as (

    select * from {{ ref('customer_activity_daily') }}

),

monthly as (

    {{ monthly_activity('daily', ['customer_id']) }}

)

select * from monthly

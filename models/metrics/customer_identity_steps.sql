{{ config(materialized=metrics_step(), meta={'refresh_key': ['customer_id']}) }}

with

merge_events as (

    select * from {{ ref('customer_merges') }}

),

{{ identity_steps('merge_events') }}

select * from steps

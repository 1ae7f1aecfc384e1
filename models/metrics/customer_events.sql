{{ config(meta={'refresh_key': ['event_id']}) }}

select * from {{ ref('stg_customer_events') }}

{{ config(meta={'refresh_key': ['event_id'], 'sorted_by': ['occurred_at']}) }}

select * from {{ ref('stg_customer_events') }}

{# On its own, so that a profile is only looked at when one has come. #}
{{ config(meta={'refresh_key': ['event_id']}) }}

select *
from {{ ref('customer_events') }}
where category = 'profile'

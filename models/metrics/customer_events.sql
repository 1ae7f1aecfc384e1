{{ config(meta={'refresh_key': ['event_id']}) }}

with

events as (

    select * from {{ ref('stg_customer_events') }}

),

identities as (

    select * from {{ ref('customer_identities') }}

),

-- Whose event it is: the id that was sent, or the one that it was merged into.
identified as (

    select
        events.event_id,
        {{ surviving_id('identities', 'events.customer_id') }} as customer_id,
        events.customer_id as source_customer_id,
        events.event_type,
        events.category,
        events.amount,
        events.properties,
        events.occurred_at,
        events.activity_date,
        events.loaded_at,
        events.kafka_offset,
        events.has_differing_copies
    from events
    left join identities on events.customer_id = identities.customer_id

)

select * from identified

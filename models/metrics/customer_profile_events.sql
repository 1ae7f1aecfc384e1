{# On its own, so that a profile is only looked at when one has come. #}
{{ config(meta={'refresh_key': ['event_id']}) }}

with

events as (

    select *
    from {{ ref('customer_events') }}
    where category in ('profile', 'unsubscription')

),

-- Whoever unsubscribes says what a profile without consent says, and nothing else of the profile.
profile_events as (

    select
        event_id,
        customer_id,
        event_type,
        category,
        occurred_at,
        loaded_at,
        kafka_offset,
        case
            when category = 'profile' then properties
            else {{ parse_json("'{\"marketing_consent\": false}'") }}
        end as properties
    from events

)

select * from profile_events

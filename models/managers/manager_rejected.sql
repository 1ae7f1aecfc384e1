-- Reasons and counts only: the bytes of a message may hold anything that anybody wrote. An event
-- that contradicts an earlier one was accepted, but changes no figure either.
with

rejected as (

    select
        kafka_topic,
        reason,
        loaded_at
    from {{ ref('churn_events_rejected') }}
    union all
    select
        kafka_topic,
        'the message says something else than an earlier one of the same event, which counts'
            as reason,
        loaded_at
    from {{ ref('contradicting_events') }}

),

reasons as (

    select
        kafka_topic,
        reason,
        count(*) as messages,
        min(loaded_at) as first_loaded_at,
        max(loaded_at) as last_loaded_at
    from rejected
    group by kafka_topic, reason

)

select * from reasons

-- Reasons and counts only: the rejected bytes may hold anything that anybody wrote.
with

rejected as (

    select * from {{ ref('churn_events_rejected') }}

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

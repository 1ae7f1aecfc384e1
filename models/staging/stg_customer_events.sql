with

source as (

    select * from {{ ref('churn_scores_raw') }}

),

renamed as (

    select
        ---------- ids
        event_id,
        customer_id,

        ---------- text
        event_type,
        {{ event_category('event_type') }} as category,

        ---------- numerics
        amount,

        ---------- json
        {{ json_part('payload', 'properties') }} as properties,

        ---------- timestamps
        occurred_at,
        cast(occurred_at as date) as activity_date,

        ---------- the order in which the broker took them
        published_at,
        kafka_topic,
        kafka_partition,
        kafka_offset
    from source

),

-- The first arrival of an event_id is the event: a later one, whatever it says, changes nothing.
deduplicated as (

    select *
    from renamed
    qualify row_number() over (
        partition by event_id
        order by published_at, kafka_topic, kafka_partition, kafka_offset
    ) = 1

)

select
    event_id,
    customer_id,
    event_type,
    category,
    amount,
    properties,
    occurred_at,
    activity_date
from deduplicated

{# A view over few rows: only events of which a copy differs are looked up among the raw ones. A
   copy with the same content in another order or spacing, because another program wrote it,
   contradicts nothing. #}

with

events as (

    select
        event_id,
        source_customer_id,
        event_type
    from {{ ref('customer_events') }}
    where has_differing_copies

),

arrivals as (

    select
        raw_events.event_id,
        raw_events.customer_id,
        raw_events.event_type,
        raw_events.kafka_topic,
        raw_events.kafka_partition,
        raw_events.kafka_offset,
        raw_events.loaded_at,
        coalesce({{ time_text('raw_events.occurred_at') }}, '')
        || '|' || coalesce(cast(raw_events.amount as {{ dbt.type_string() }}), '')
        || '|' || coalesce({{ json_content(json_part('raw_events.payload', 'properties')) }}, '')
            as content
    from {{ ref('churn_scores_raw') }} as raw_events
    inner join events
        on
            raw_events.event_id = events.event_id
            and raw_events.customer_id = events.source_customer_id
            and raw_events.event_type = events.event_type

),

compared as (

    select
        *,
        first_value(content) over (
            partition by {{ event_identity() }} order by {{ arrival_order() }}
        ) as first_content
    from arrivals

),

contradicting as (

    select
        event_id,
        customer_id,
        event_type,
        kafka_topic,
        kafka_partition,
        kafka_offset,
        loaded_at
    from compared
    where content <> first_content

)

select * from contradicting

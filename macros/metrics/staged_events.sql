{# Typed events, each once, as the CTEs renamed and deduplicated, and the select from them. It reads the
   CTE source: rows of churn_scores_raw, all of them or all of some types, because copies of an event
   have its type. #}
{% macro staged_events() %}
    renamed as (

        select
            ---------- ids
            event_id,
            customer_id,

            ---------- text
            event_type,
            {{ event_category('event_type', 'amount') }} as category,

            ---------- numerics
            {{ bounded_amount('amount') }} as amount,

            ---------- json
            {{ json_part('payload', 'properties') }} as properties,

            ---------- timestamps
            {{ no_later_than_arrival('occurred_at', 'loaded_at') }} as occurred_at,

            ---------- the order in which the loader took them
            loaded_at,
            kafka_topic,
            kafka_partition,
            kafka_offset,

            ---------- what copies of an event have in common
            hash(
                occurred_at, amount, {{ json_as_text(json_part('payload', 'properties')) }}
            ) as content
        from source
        where {{ is_after_earliest('occurred_at') }}

    ),

    -- The first arrival of an event is the event: a later copy, whatever it says, changes nothing. An
    -- id that comes again for another customer or with another type is another event.
    deduplicated as (

        select
            *,
            min(content) over (partition by {{ event_identity() }})
            <> max(content) over (partition by {{ event_identity() }})
                as has_differing_copies
        from renamed
        qualify row_number() over (
            partition by {{ event_identity() }} order by {{ arrival_order() }}
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
        cast(occurred_at as date) as activity_date,
        loaded_at,
        kafka_offset,
        has_differing_copies
    from deduplicated
{% endmacro %}

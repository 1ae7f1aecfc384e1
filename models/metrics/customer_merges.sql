{# Read from the raw rows, because customer_events needs it. What is no merge is left out at once:
   other events then cost nothing here. #}
{{ config(meta={'refresh_key': ['event_id']}) }}

with

source as (

    select *
    from {{ ref('churn_scores_raw') }}
    where {{ is_merge('event_type') }}

),

staged as (

    with {{ staged_events() }}

),

named as (

    select
        event_id,
        customer_id,
        event_type,
        occurred_at,
        loaded_at,
        {{ json_text('properties', 'merged_id') }} as merged_id
    from staged

),

-- As the event contract wants them; rows of an earlier release were loaded without it.
joining as (

    select * from named
    where length(merged_id) between 1 and 64 and merged_id <> customer_id

)

select * from joining

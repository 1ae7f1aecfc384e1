{# Read from the raw rows, because customer_events needs it. What is no merge is left out at once: of
   other events there is then nothing to look at. #}
{{ config(meta={'refresh_key': ['event_id']}) }}

{%- set merge_types = var('event_categories').get('merge') or [] %}

with

source as (

    select *
    from {{ ref('churn_scores_raw') }}
    where {{ "event_type in ('" ~ merge_types | join("', '") ~ "')" if merge_types else 'false' }}

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
merges as (

    select * from named
    where length(merged_id) between 1 and 64 and merged_id <> customer_id

)

select * from merges

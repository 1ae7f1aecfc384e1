{{ config(
    target_lag=var('snowflake_target_lag') if target.type == 'snowflake' else '1 second',
    meta={'refresh_key': ['customer_id']},
) }}

with

profile_events as (

    select * from {{ ref('customer_profile_events') }}

),

latest as (

    select *
    from profile_events
    qualify row_number() over (
        partition by customer_id order by occurred_at desc, event_id desc
    ) = 1

),

typed as (

    select
        customer_id,
        {%- for field in ['name', 'email', 'region', 'segment'] %}
        {{ json_text('properties', field) }} as {{ field }},
        {%- endfor %}
        try_cast({{ json_text('properties', 'monthly_value') }} as double) as monthly_value,
        coalesce(
            lower({{ json_text('properties', 'marketing_consent') }}) = 'true', false
        ) as has_marketing_consent,
        occurred_at as updated_at
    from latest

)

select * from typed

{{ config(
    target_lag=target_lag(),
    meta={'refresh_key': ['customer_id']},
) }}

with

profile_events as (

    select * from {{ ref('customer_profile_events') }}

),

placed as (

    select
        *,
        {{ profile_places() }}
    from profile_events

),

-- Field by field: an event that holds a few of them changes these alone.
merged as (

    select
        customer_id,
        {{ profile_field('name') }} as name,
        {{ profile_field('email') }} as email,
        {{ spelling(profile_field('region')) }} as region,
        {{ spelling(profile_field('segment')) }} as segment,
        {{ profile_field('monthly_value') }} as monthly_value_text,
        {{ profile_field('marketing_consent', 'consent_place') }} as consent_text,
        max(occurred_at) as updated_at
    from placed
    group by customer_id

),

typed as (

    select
        *,
        {{ plain_number('monthly_value_text') }} as monthly_number
    from merged

),

valued as (

    select
        *,
        case when monthly_number >= 0 then {{ bounded_amount('monthly_number') }} end
            as monthly_value
    from typed

),

profiles as (

    select
        customer_id,
        name,
        email,
        region,
        segment,
        monthly_value,
        monthly_value_text is not null and monthly_value is null as has_unreadable_value,
        {{ is_true('consent_text') }} as has_marketing_consent,
        updated_at
    from valued

)

select * from profiles

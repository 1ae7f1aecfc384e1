{# A view, so that tasks always see the present policy. #}
{{ config(
    materialized='view',
    pre_hook=[
        "{{ check_policy_offers(ref('alert_policy'), ref('offers')) }}",
        "{{ check_message_functions() }}",
    ]
) }}
-- depends_on: {{ ref('offers') }}

with

customers as (

    select
        customer_id,
        cancelled_at,
        paused_at
    from {{ ref('churn_metrics_live') }}

),

profiles as (

    select * from {{ ref('customer_profiles') }}

),

policies as (

    select * from {{ ref('alert_policy') }}

),

default_policy as (

    select *
    from policies
    where {{ spelling('segment') }} = 'default'

),

chosen as (

    select
        customers.customer_id,
        customers.cancelled_at,
        customers.paused_at,
        profiles.name,
        profiles.segment,
        profiles.monthly_value,
        coalesce(profiles.has_marketing_consent, false) as has_marketing_consent,
        profiles.email,
        -- Whether a message can go to it is asked of few customers at a time: contact_suppressions.
        coalesce(profiles.email <> '', false) as has_address,
        coalesce(own_policy.segment, default_policy.segment) as policy_segment,
        coalesce(own_policy.threshold, default_policy.threshold) as threshold,
        coalesce(own_policy.alert_rule, default_policy.alert_rule) as alert_rule,
        coalesce(own_policy.exit_ratio, default_policy.exit_ratio) as exit_ratio,
        coalesce(own_policy.cooldown_days, default_policy.cooldown_days) as cooldown_days,
        coalesce(own_policy.max_alerts_per_run, default_policy.max_alerts_per_run)
            as max_alerts_per_run,
        coalesce(own_policy.max_alerts_per_day, default_policy.max_alerts_per_day)
            as max_alerts_per_day,
        coalesce(own_policy.holdout_percent, default_policy.holdout_percent) as holdout_percent,
        coalesce(own_policy.contact_gap_days, default_policy.contact_gap_days) as contact_gap_days,
        coalesce(own_policy.expire_days, default_policy.expire_days) as expire_days,
        coalesce(own_policy.offers, default_policy.offers) as offers
    from customers
    cross join default_policy
    left join profiles on customers.customer_id = profiles.customer_id
    left join policies as own_policy on profiles.segment = {{ spelling('own_policy.segment') }}

)

select * from chosen

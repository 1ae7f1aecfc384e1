{# A view, so that tasks always see the present policy. #}
{{ config(materialized='view') }}

with

customers as (

    select
        customer_id,
        cancelled_at
    from {{ ref('churn_metrics_live') }}

),

profiles as (

    select * from {{ ref('customer_profiles') }}

),

policies as (

    select * from {{ ref('alert_policy') }}

),

chosen as (

    select
        customers.customer_id,
        customers.cancelled_at,
        profiles.name,
        profiles.segment,
        profiles.monthly_value,
        coalesce(profiles.has_marketing_consent, false) as has_marketing_consent,
        policies.segment as policy_segment,
        policies.threshold,
        policies.exit_ratio,
        policies.cooldown_days,
        policies.max_alerts_per_run,
        policies.holdout_percent
    from customers
    left join profiles on customers.customer_id = profiles.customer_id
    inner join policies
        on policies.segment in ('default', coalesce(profiles.segment, 'default'))
    qualify row_number() over (
        partition by customers.customer_id
        order by case when policies.segment = 'default' then 1 else 0 end
    ) = 1

)

select * from chosen

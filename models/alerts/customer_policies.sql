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

default_policy as (

    select * from policies where segment = 'default'

),

chosen as (

    select
        customers.customer_id,
        customers.cancelled_at,
        profiles.name,
        profiles.segment,
        profiles.monthly_value,
        coalesce(profiles.has_marketing_consent, false) as has_marketing_consent,
        {%- for column in [
            'segment', 'threshold', 'exit_ratio', 'cooldown_days', 'max_alerts_per_run',
            'holdout_percent',
        ] %}
        coalesce(own_policy.{{ column }}, default_policy.{{ column }})
            as {{ 'policy_segment' if column == 'segment' else column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from customers
    cross join default_policy
    left join profiles on customers.customer_id = profiles.customer_id
    left join policies as own_policy on profiles.segment = own_policy.segment

)

select * from chosen

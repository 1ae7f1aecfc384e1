{# What a customer is expected to spend over the horizon, in the account's currency: the profile's
   monthly value if it has one, else the last 84 days' spend per day of them. #}
{% macro expected_spend() -%}
    coalesce(
    monthly_value / 30.4375,
    purchase_amount_84d / greatest(1, least(84,
        datediff('day', cast(first_seen_at as date), cast(last_activity_at as date)) + 1
    ))
    ) * {{ var('churn_horizon_days') }}
{%- endmacro %}

{# What a customer is expected to spend over the horizon, in the account's currency, if the customer
   stays and goes on as before: the profile's monthly value if it has one, else what the last 84 days
   say, mixed with the average customer. The average counts as if the customer had already spent it for
   spend_credibility_days more days, so that a few days say little of whoever is new. Both numbers
   come with the model (training/spend.py, which has the same formula for training); a version
   that was trained without them leaves the customer's own figure as it is.
   The window of whoever is new begins with a visit, and so holds one too many: it is counted from a
   usual gap before it. #}
{% macro expected_spend() -%}
    {%- set more_days -%} greatest(coalesce({{ finite('spend_credibility_days') }}, 0), 0) {%- endset -%}
    coalesce(
        monthly_value / 30.4375,
        (
            purchase_amount_84d
            + coalesce({{ finite('average_spend_per_day') }}, 0) * {{ more_days }}
        )
        / (
            {{ spend_days(
                'tenure_days + 1 + coalesce(gap_days_mean, 0)', '84 + days_since_last_activity'
            ) }}
            + {{ more_days }}
        )
    ) * {{ var('churn_horizon_days') }}
{%- endmacro %}

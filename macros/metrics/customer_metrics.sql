{# The one definition of CHURN_METRICS_LIVE, for serving (keys: customer_id) and for training
   (keys: cutoff_date, customer_id). There is no clock in it: every window ends at the customer's
   own last active day, so a row changes only when its customer's events do.

   daily:   a CTE with the columns of customer_activity_daily and the keys.
   monthly: a CTE with the columns of customer_activity_monthly and the keys.
   keys:    the columns that make a row, a list.
   Serving takes the steps as models of their own (customer_lifelong_metrics and so on): Snowflake
   advises small dynamic tables, of one join or grouping each. Training takes them at once.
   Sums and means are rounded, so that the order of summation never looks like a change. #}
{% macro customer_metrics(daily, monthly, keys) %}
    with {{ lifelong_metrics(monthly, keys) }},

    recent_days as (

        {{ recent_days(daily, 'lifelong', keys) }}

    ),

    {{ qualifying_days('recent_days', keys) }},

    {{ recent_metrics('recent_days', keys) }},

    {{ combined_metrics(keys) }}
{% endmacro %}

{# The first day of a date's month, as a date. #}
{% macro first_of_month(date) -%}
    cast(date_trunc('month', {{ date }}) as date)
{%- endmacro %}

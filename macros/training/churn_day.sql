{# On which day after the cut-off a churner churned, 0 to the horizon: when the customer cancelled, or
   when a whole horizon without activity was over; whoever had lapsed by the cut-off did on day 0. Of
   several cancellations the first counts, or the last if the customer came back from the first. NULL
   for whoever stayed, and for half_spend, which a window decides as a whole.
   outcomes: the alias of churn_outcomes, left joined: who did nothing at all has no row. #}
{% macro churn_day(outcomes, last_activity_at, cutoff_date) %}
    {%- set horizon = var('churn_horizon_days') -%}
    {%- set cancelled -%}
        datediff('day', {{ cutoff_date }}, cast(
            coalesce({{ outcomes }}.first_cancelled_at, {{ outcomes }}.cancelled_at) as date
        ))
    {%- endset -%}
    {%- if var('churn_label') == 'half_spend' -%}
        cast(null as {{ dbt.type_bigint() }})
    {%- else -%}
        case
            when {{ is_paused(outcomes) }} then null
            when coalesce({{ outcomes }}.was_active, 0) = 0 then least(
                coalesce({{ cancelled }}, {{ horizon }}),
                greatest({{ horizon }} - {{ days_away(last_activity_at, cutoff_date) }}, 0)
            )
            when {{ outcomes }}.cancelled_at is not null then {{ cancelled }}
        end
    {%- endif -%}
{% endmacro %}

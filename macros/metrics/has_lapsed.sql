{# Whether a customer was away for a whole horizon at the end of a day, and so has lapsed already, as
   the label defines it. Whoever has is "already gone" to managers and to the model card, and everybody
   else is "still here".
   as_of_date: in training the cut-off, for managers the last closed day (last_closed_day.sql). #}
{% macro has_lapsed(last_activity_at, as_of_date) -%}
    coalesce(
        {{ days_away(last_activity_at, as_of_date) }} >= {{ var('churn_horizon_days') }}, false
    )
{%- endmacro %}

{# How far the data goes, as one row: when the newest activity happened (newest_activity_at), and the
   last day that is over (last_closed_date).

   A day is over once an event of a later day has come, as in training_cutoffs: the clock alone closes
   no day, because a loader that is behind still brings events of it.
   metrics: churn_metrics_live. now: the moment asked about; as_of() is a task's. #}
{% macro last_closed_day(metrics, now=none) %}
    select
        max(last_activity_at) as newest_activity_at,
        least(cast(max(last_activity_at) as date), cast({{ now or as_of() }} as date)) - 1
            as last_closed_date
    from {{ metrics }}
{% endmacro %}

{# The day at whose end a customer's features stand: the last closed day or, for whoever was active
   after it, the day of the last visit. In training that is the cut-off. So a score means the same at
   any hour: a day without a visit counts when it is over, a visit counts at once. #}
{% macro features_date(last_closed_date) -%}
    case
        when cast(last_activity_at as date) > {{ last_closed_date }} then cast(last_activity_at as date)
        else {{ last_closed_date }}
    end
{%- endmacro %}

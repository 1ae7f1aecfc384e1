{# Whether a customer is too new to be scored at a date: known for no longer than the population's
   window, with fewer active days than the population needs, and neither cancelled nor
   paused. Of such a customer it is only known what became of others who were as new.
   For rows of lifelong_metrics or customer_metrics; as_of_date: in training the cut-off, for managers
   the last closed day (last_closed_day.sql). #}
{% macro is_too_new(as_of_date, prefix='') -%}
    (
        {{ prefix }}cancelled_at is null
        and {{ prefix }}paused_at is null
        and {{ prefix }}active_days_total between 1 and {{ var('population_min_active_days') - 1 }}
        and cast({{ prefix }}first_seen_at as date)
        > {{ as_of_date }} - {{ var('population_window_days') }}
    )
{%- endmacro %}

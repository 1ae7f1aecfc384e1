{# The days of the windows that end at a customer's own last active day, as a query.
   daily, lifelong: CTEs with the columns of customer_activity_daily and customer_lifelong_metrics.

   The join compares the date with an expression of its other side alone: from the least of these
   DuckDB knows which parts of the table hold no day that is asked for. #}
{% macro recent_days(daily, lifelong, keys) %}
    {%- set longest = [84, var('population_window_days') | int] | max -%}
    select
        {{ daily }}.*,
        {{ lifelong }}.last_active_date,
        {{ daily }}.activity_date <= {{ lifelong }}.last_active_date as is_before_the_end
    from {{ daily }}
    inner join {{ lifelong }}
        on
            {%- for key in keys %}
            {{ daily }}.{{ key }} = {{ lifelong }}.{{ key }} and
            {%- endfor %}
            {{ daily }}.activity_date > {{ lifelong }}.last_active_date - {{ longest }}
{% endmacro %}

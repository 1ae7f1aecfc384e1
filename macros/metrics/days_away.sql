{# Whole days without activity at the end of a day; 0 for whoever was active on it or after it. #}
{% macro days_away(last_activity_at, as_of_date) -%}
    greatest(datediff('day', cast({{ last_activity_at }} as date), {{ as_of_date }}), 0)
{%- endmacro %}

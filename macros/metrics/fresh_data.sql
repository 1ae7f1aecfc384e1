{# One row if the data is fresh enough to act upon (last_closed_day), none if it is not. #}
{% macro fresh_data() %}
    select is_fresh from ({{ last_closed_day(ref('churn_metrics_live')) }}) as data_end where is_fresh
{% endmacro %}

{# Whether a customer has come back after cancelling: there is an active day after the day of the
   last cancellation. A last look round, or a confirmation, on the day itself is no return. #}
{% macro has_returned(last_cancelled_at, last_active_date) -%}
    coalesce({{ last_active_date }} > cast({{ last_cancelled_at }} as date), false)
{%- endmacro %}

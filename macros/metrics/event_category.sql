{# The category of an event type, from var('event_categories'); anything unknown is `activity`.
   A purchase of a negative amount is money given back: a refund, as if it had been named so. #}
{% macro event_category(event_type, amount) -%}
    case
        {%- for category, event_types in var('event_categories').items() if event_types %}
        {%- set is_type -%}{{ event_type }} in ('{{ event_types | join("', '") }}'){%- endset %}
        {%- if category == 'purchase' %}
        when {{ is_type }} and {{ amount }} < 0 then 'refund'
        {%- endif %}
        when {{ is_type }} then '{{ category }}'
        {%- endfor %}
        else 'activity'
    end
{%- endmacro %}

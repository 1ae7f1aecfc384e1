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

{# Whether an event type joins two ids; none does where var('event_categories') names no such type. #}
{% macro is_merge(event_type) -%}
    {%- set merge_types = var('event_categories').get('merge') -%}
    {%- if merge_types -%} {{ event_type }} in ('{{ merge_types | join("', '") }}')
    {%- else -%} false
    {%- endif -%}
{%- endmacro %}

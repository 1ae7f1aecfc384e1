{# The category of an event type, from var('event_categories'); anything unknown is `activity`. #}
{% macro event_category(event_type) -%}
    case
        {%- for category, event_types in var('event_categories').items() if event_types %}
        when {{ event_type }} in ('{{ event_types | join("', '") }}') then '{{ category }}'
        {%- endfor %}
        else 'activity'
    end
{%- endmacro %}

{# How far a message has come, by the step that the outbox notes: the greatest is where it is. #}
{% macro delivery_steps() %}
    {{ return([
        'QUEUED', 'HANDING_OVER', 'UNKNOWN', 'FAILED', 'HANDED_OVER', 'BOUNCED', 'REPLIED',
        'UNSUBSCRIBED',
    ]) }}
{% endmacro %}

{% macro delivery_order(step) -%}
    case {{ step }}
        {%- for name in delivery_steps() %} when '{{ name }}' then {{ loop.index }}{% endfor %}
    end
{%- endmacro %}

{# The category of an event type, from var('event_categories'); anything unknown is `activity`.
   A purchase of a negative amount is money given back: a refund, as if it had been named so. #}
{% macro event_category(event_type, amount) -%}
    {%- if named_event_types() -%}
    case
        {%- for category, event_types in event_types_by_category().items() %}
        {%- set is_type -%}{{ event_type }} in ('{{ event_types | join("', '") }}'){%- endset %}
        {%- if category == 'purchase' %}
        when {{ is_type }} and {{ amount }} < 0 then 'refund'
        {%- endif %}
        when {{ is_type }} then '{{ category }}'
        {%- endfor %}
        else 'activity'
    end
    {%- else -%}
    'activity'
    {%- endif -%}
{%- endmacro %}

{# All that var('event_categories') may name. docs/your-events.md says what each of them does. #}
{% macro known_event_categories() %}
    {{ return([
        'activity', 'purchase', 'refund', 'friction', 'marketing', 'profile', 'service',
        'unsubscription', 'cancellation', 'pause', 'resumption', 'merge',
    ]) }}
{% endmacro %}

{# The event types of each category that has any. What cannot be read is left out, because models are
   compiled before check_vars says what is wrong with it. #}
{% macro event_types_by_category() %}
    {%- set categories, found = var('event_categories'), {} -%}
    {%- for category, event_types in (categories.items() if categories is mapping else []) -%}
        {%- if event_types is iterable and event_types is not string and event_types -%}
            {%- do found.update({category: event_types | list}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{# The event types that any category names. #}
{% macro named_event_types() %}
    {{ return(event_types_by_category().values() | sum(start=[])) }}
{% endmacro %}

{# Whether an event is a visit: the customer came, and the day is an active one. #}
{% macro is_visit(category) -%}
    {{ category }} in ('activity', 'purchase', 'resumption')
{%- endmacro %}

{# Whether an event says something about how the customer lives. What a system did for or to the
   customer does not, nor that two ids are one customer: it is stored and shown, and changes no figure, neither as a visit nor as the
   end of anybody's data. #}
{% macro is_of_the_customer(category) -%}
    {{ category }} not in ('service', 'unsubscription', 'merge')
{%- endmacro %}

{# Whether an event type joins two ids; none does where var('event_categories') names no such type. #}
{% macro is_merge(event_type) -%}
    {%- set merge_types = var('event_categories').get('merge') -%}
    {%- if merge_types -%} {{ event_type }} in ('{{ merge_types | join("', '") }}')
    {%- else -%} false
    {%- endif -%}
{%- endmacro %}

{# Over how many days a customer's spend is counted: up to the clock or the cut-off, since the first
   event or since the window began, and never over fewer than 28, from which no rate can be told. #}
{% macro spend_days(known, window) -%}
    greatest(28, least({{ known }}, {{ window }}))
{%- endmacro %}

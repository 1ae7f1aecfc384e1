{# A number, for sums over many rows: NULL where it is infinite, NaN or greater than any figure of a
   business, so that one row that holds such a number leaves itself out and not everybody. NaN is
   greater than all other numbers on both engines. #}
{% macro finite(number) -%}
    case when {{ number }} between -1e15 and 1e15 then {{ number }} end
{%- endmacro %}

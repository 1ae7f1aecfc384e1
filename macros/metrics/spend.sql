{# What a customer spent, summed over days: purchases less refunds. Where more was given back than
   bought, because the purchase lies before the window, nothing was spent. Nothing that is made of a
   spend can then be negative. #}
{% macro spend(amount) -%}
    greatest(round(sum({{ amount }}), 4), 0)
{%- endmacro %}

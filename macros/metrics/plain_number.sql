{# The number that a text is, written as JSON writes numbers; NULL for anything else, such as
   "1,250.00", "EUR 45", "NaN" or "0x1F". Guessing at separators would be wrong by a thousand now and
   then, and each engine's own cast takes other texts for numbers. #}
{% macro plain_number(text) -%}
    case
        when {{ matches_wholly(text, '[-]?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?') }}
            then try_cast({{ text }} as double)
    end
{%- endmacro %}

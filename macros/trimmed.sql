{# A text without the blanks around it, or NULL where nothing else is in it. Blanks are also those that
   nobody sees: tabs and line breaks, the no-break and the narrow no-break space, zero-width
   characters, and the byte order mark. #}
{% macro trimmed(text) -%}
    nullif(trim({{ text }}, '{{ " \t\n\r\u00a0\u202f\u3000\u200b\u200c\u200d\u2060\ufeff" }}'), '')
{%- endmacro %}

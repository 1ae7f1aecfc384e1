{# A region or a segment as it is compared: without outer blanks and capitals. The one definition for
   profiles and for the seeds that they are looked up in. #}
{% macro spelling(text) -%}
    lower({{ trimmed(text) }})
{%- endmacro %}

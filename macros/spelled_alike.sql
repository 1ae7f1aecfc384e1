{# A region or a segment as it is compared with those of profiles, which are in lower case without
   blanks around them: seeds are written by people, `North ` is one of them. *, any and default stay
   what they are. #}
{% macro spelled_alike(text) -%}lower(trim({{ text }})){%- endmacro %}

{# The tenth of the scale that a score lies in, 0 to 9, as RELIABILITY_BINS in training/evaluation.py;
   NULL for what is no probability. #}
{% macro score_tenth(score) -%}
    cast(
        case when {{ score }} between 0 and 1 then least(floor({{ score }} * 10), 9) end as integer
    )
{%- endmacro %}

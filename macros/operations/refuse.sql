{# Ends an operation that was asked for in a wrong way, before it has sent anything. The sentence is
   logged first: when a macro fails, dbt-snowflake rolls back and connects for that, and where it cannot
   connect, its own error stands in the place of ours. #}
{% macro refuse(sentence) %}
    {%- do log(sentence, info=True) -%}
    {%- do exceptions.raise_compiler_error('refused, see the line above') -%}
{% endmacro %}

{# Refuses a body of several statements that reads an ephemeral model: dbt puts such a model into the
   first statement as a CTE, and leaves out all that follow it. #}
{% macro check_whole_body(body) %}
    {%- if '__dbt__cte__' in body -%}
        {%- do exceptions.raise_compiler_error(
            model.name ~ ' reads an ephemeral model, with which dbt keeps its first statement only:'
            ~ ' read a table or a view, or the macro that the model is made of'
        ) -%}
    {%- endif -%}
{% endmacro %}

{# dbt run-operation retry_set_aside: the next pass tries everything again that was set aside. #}
{% macro retry_set_aside() %}
    {%- if execute -%}{{ return(adapter.dispatch('retry_set_aside')()) }}{%- endif -%}
{% endmacro %}
{% macro default__retry_set_aside() %}{{ no_such_engine('retry_set_aside') }}{% endmacro %}
{% macro snowflake__retry_set_aside() %}
    {%- do log(
        'retry_set_aside: Snowflake sets nothing aside; a table or task that failed is resumed by'
        ~ ' resume_tasks', info=True
    ) -%}
{% endmacro %}
{% macro duckdb__retry_set_aside() %}
    {%- do run_query('select 1') -%}
    {%- do embedded_action('try_again', 'all') -%}
{% endmacro %}

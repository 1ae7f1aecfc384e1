{# dbt run-operation refresh: every dynamic table now, each after those that it reads. #}
{% macro refresh() %}
    {%- if execute -%}
        {%- for table in in_order_of_the_flow('dynamic_table') -%}
            {%- do refresh_now(table) -%}
            {%- do log(table.identifier ~ ': refreshed', info=True) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{% macro refresh_now(table) %}{{ return(adapter.dispatch('refresh_now')(table)) }}{% endmacro %}
{% macro default__refresh_now(table) %}{{ no_such_engine('refresh_now') }}{% endmacro %}
{% macro snowflake__refresh_now(table) %}
    {%- do run_query('alter dynamic table ' ~ table ~ ' refresh') -%}
{% endmacro %}
{% macro duckdb__refresh_now(table) %}
    {%- do run_query('select 1') -%}
    {%- do embedded_action('refresh_dynamic_table', table.identifier) -%}
{% endmacro %}

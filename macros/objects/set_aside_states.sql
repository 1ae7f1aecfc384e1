{# What an engine leaves out because its rows make a table or task fail: a relation with the columns
   name, key_text (a JSON object), error, since. Snowflake sets nothing aside: there a statement
   fails whole, and its table or task is shown as failing. #}
{% macro set_aside_states() %}{{ return(adapter.dispatch('set_aside_states')()) }}{% endmacro %}
{% macro default__set_aside_states() %}{{ no_such_engine('set_aside_states') }}{% endmacro %}

{% macro snowflake__set_aside_states() %}
    select
        cast(null as {{ dbt.type_string() }}) as name,
        cast(null as {{ dbt.type_string() }}) as key_text,
        cast(null as {{ dbt.type_string() }}) as error,
        cast(null as {{ type_utc() }}) as since
    where 1 = 0
{% endmacro %}

{% macro duckdb__set_aside_states() %}
    select
        name,
        key as key_text,
        error,
        since
    from {{ target.database }}.embedded.set_aside
{% endmacro %}

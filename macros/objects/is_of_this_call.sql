{# In the body of a procedure: whether a row was written by this call, by its time. The laptop has one
   time for the whole call. Snowflake's clock goes on between statements; there a row of this call is
   not older than the procedure's turn (in_turn.sql). #}
{% macro is_of_this_call(written_at) %}
    {{ return(adapter.dispatch('is_of_this_call')(written_at)) }}
{% endmacro %}
{% macro default__is_of_this_call(written_at) %}{{ no_such_engine('is_of_this_call') }}{% endmacro %}
{% macro snowflake__is_of_this_call(written_at) -%}
    {{ written_at }} >= (select max(taken_at) from {{ ref('alert_turn') }})
{%- endmacro %}
{% macro duckdb__is_of_this_call(written_at) -%}{{ written_at }} = {{ as_of() }}{%- endmacro %}

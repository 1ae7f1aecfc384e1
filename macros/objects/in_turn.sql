{# Statements of a task in one transaction, in which nobody else who takes a turn writes:
   {% call in_turn() %} statements; … {% endcall %}
   Snowflake: two inserts do not exclude each other, but two updates of one row do. Whoever comes second
   waits for the first one's commit, and then sees what it wrote; so no two tasks or procedures raise the
   same alert, draft it or move it. What takes long, scoring and asking an LLM, stands before it.
   DuckDB: a task is one transaction anyway, and one task runs at a time. #}
{% macro in_turn() %}{{ return(adapter.dispatch('in_turn')(caller())) }}{% endmacro %}
{% macro default__in_turn(statements) %}{{ no_such_engine('in_turn') }}{% endmacro %}
{% macro duckdb__in_turn(statements) %}{{ return(statements | trim) }}{% endmacro %}
{% macro snowflake__in_turn(statements) -%}
    begin
        {{ take_turn(ref('alert_turn')) }};
        {{ statements | trim }};
        commit;
    exception
        when other then
            rollback;
            raise;
    end
{%- endmacro %}

{# The beginning of a transaction that excludes all others that begin so, on Snowflake. #}
{% macro take_turn(alert_turn) -%}
    begin transaction;
        update {{ alert_turn }} set taken_at = {{ utc_now() }}
{%- endmacro %}

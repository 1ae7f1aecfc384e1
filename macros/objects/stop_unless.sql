{# The first statement of a scheduled task: it ends there unless a query returns a row, so that a task
   with nothing to do costs one statement. On DuckDB a run costs nothing, and no task asks. #}
{% macro stop_unless(query) %}{{ return(adapter.dispatch('stop_unless')(query)) }}{% endmacro %}
{% macro default__stop_unless(query) %}{{ no_such_engine('stop_unless') }}{% endmacro %}
{% macro duckdb__stop_unless(query) %}{% endmacro %}
{% macro snowflake__stop_unless(query) -%}
    let due integer := 0;
    select count(*) into :due from (select 1 as is_due from ({{ query }}) as work limit 1) as found;
    if (due = 0) then
        return 'nothing to do';
    end if;
{%- endmacro %}

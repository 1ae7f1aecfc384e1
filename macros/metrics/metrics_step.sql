{# How a step of churn_metrics_live is kept. Snowflake advises against several joins and groupings in
   one dynamic table, so there each step is one. On DuckDB a step is a part of the query: a table of
   its own would be one more to refresh in each pass. #}
{% macro metrics_step() %}{{ return(adapter.dispatch('metrics_step')()) }}{% endmacro %}
{% macro default__metrics_step() %}{{ no_such_engine('metrics_step') }}{% endmacro %}
{% macro snowflake__metrics_step() %}{{ return('dynamic_table') }}{% endmacro %}
{% macro duckdb__metrics_step() %}{{ return('ephemeral') }}{% endmacro %}

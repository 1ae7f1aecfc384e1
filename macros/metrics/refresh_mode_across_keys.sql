{# How a small dynamic table is refreshed whose rows depend on rows of other keys: as a whole on DuckDB,
   whose refreshes go by key. On Snowflake nothing that is refreshed incrementally may read one that
   is refreshed as a whole. #}
{% macro refresh_mode_across_keys() %}
    {{- return(adapter.dispatch('refresh_mode_across_keys')()) -}}
{% endmacro %}
{% macro default__refresh_mode_across_keys() %}{{ no_such_engine('refresh_mode_across_keys') }}{% endmacro %}
{% macro snowflake__refresh_mode_across_keys() %}{{ return('INCREMENTAL') }}{% endmacro %}
{% macro duckdb__refresh_mode_across_keys() %}{{ return('FULL') }}{% endmacro %}

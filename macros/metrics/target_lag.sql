{# How far behind the last dynamic tables may be: a stream is no consumer on Snowflake, so each has
   a lag of its own, while those before it follow it (DOWNSTREAM). What depends on the lag is derived
   from it here and in macros/operations/refresh_credits.sql. #}
{% macro target_lag() %}{{ return(adapter.dispatch('target_lag')()) }}{% endmacro %}
{% macro default__target_lag() %}{{ no_such_engine('target_lag') }}{% endmacro %}
{% macro snowflake__target_lag() %}{{ return(var('snowflake_target_lag')) }}{% endmacro %}
{% macro duckdb__target_lag() %}{{ return('1 second') }}{% endmacro %}

{# A lag as Snowflake prints it, in seconds. #}
{% macro lag_seconds(lag) %}
    {%- set number, unit = (lag | string).split(' ') -%}
    {%- set seconds = {'second': 1, 'minute': 60, 'hour': 3600, 'day': 86400} -%}
    {{ return((number | int) * seconds[unit.removesuffix('s')]) }}
{% endmacro %}

{# From what age on data is taken for a broken loader: var stale_after_minutes or, derived, ten lags.
   At least ten minutes, because events of a small business come that far apart. #}
{% macro stale_after_minutes() %}
    {%- if var('stale_after_minutes') == 'derived' -%}
        {{ return([10, lag_seconds(target_lag()) // 6] | max) }}
    {%- endif -%}
    {{ return(var('stale_after_minutes')) }}
{% endmacro %}

{# After how many minutes without a new event somebody is warned. Derived it is a day, because customers
   sleep at night, when data is too old to score but nothing is broken. #}
{% macro quiet_after_minutes() %}
    {%- if var('quiet_after_minutes') == 'derived' -%}
        {{ return([1440, stale_after_minutes()] | max) }}
    {%- endif -%}
    {{ return(var('quiet_after_minutes')) }}
{% endmacro %}

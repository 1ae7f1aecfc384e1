{# The two engines' names for what SQL has no common word for. One expression each, nowhere else. #}

{# A column that holds JSON. #}
{% macro type_json() %}{{ return(adapter.dispatch('type_json')()) }}{% endmacro %}
{% macro default__type_json() %}{{ no_such_engine('type_json') }}{% endmacro %}
{% macro snowflake__type_json() %}variant{% endmacro %}
{% macro duckdb__type_json() %}json{% endmacro %}

{# A column that holds bytes. #}
{% macro type_bytes() %}{{ return(adapter.dispatch('type_bytes')()) }}{% endmacro %}
{% macro default__type_bytes() %}{{ no_such_engine('type_bytes') }}{% endmacro %}
{% macro snowflake__type_bytes() %}binary{% endmacro %}
{% macro duckdb__type_bytes() %}blob{% endmacro %}

{# A point in time in UTC, without a zone: both engines then agree on every date. #}
{% macro type_utc() %}{{ return(adapter.dispatch('type_utc')()) }}{% endmacro %}
{% macro default__type_utc() %}{{ no_such_engine('type_utc') }}{% endmacro %}
{% macro snowflake__type_utc() %}timestamp_ntz{% endmacro %}
{% macro duckdb__type_utc() %}timestamp{% endmacro %}

{% macro no_such_engine(name) %}
    {%- do exceptions.raise_compiler_error(
        "'" ~ name ~ "' has no implementation for " ~ target.type
        ~ ": this project runs on snowflake and duckdb"
    ) -%}
{% endmacro %}

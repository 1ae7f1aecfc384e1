{# A working table of an incremental Python model stays in the database on DuckDB, because dbt makes
   it as an ordinary table; on Snowflake dbt drops it itself. Statements that drop it. #}
{% macro drop_working_tables() %}
    {{ return(adapter.dispatch('drop_working_tables')()) }}
{% endmacro %}
{% macro default__drop_working_tables() %}{{ no_such_engine('drop_working_tables') }}{% endmacro %}
{% macro snowflake__drop_working_tables() %}{% endmacro %}
{% macro duckdb__drop_working_tables() %}
    {%- if execute -%}
        {%- set left = run_query(
            "select table_name from duckdb_tables() where database_name = '" ~ this.database
            ~ "' and starts_with(table_name, '" ~ this.identifier ~ "__dbt_tmp')"
        ) -%}
        {%- for row in left.rows %}
        drop table {{ this.incorporate(path={'identifier': row[0]}) }};
        {%- endfor %}
    {%- endif -%}
{% endmacro %}

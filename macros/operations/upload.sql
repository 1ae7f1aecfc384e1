{# dbt run-operation upload --args '{file: /path/to/training.zip}': puts a file onto the stage of the
   models, for what Python models and procedures import. `python -m zipfile -c training.zip training`
   makes one of a package. Snowflake wants the whole path. On DuckDB Python imports from the project. #}
{% macro upload(file) %}
    {%- if execute -%}{{ return(adapter.dispatch('upload')(file)) }}{%- endif -%}
{% endmacro %}
{% macro default__upload(file) %}{{ no_such_engine('upload') }}{% endmacro %}
{% macro snowflake__upload(file) %}
    {%- if not file.startswith('/') or "'" in file -%}
        {%- do exceptions.raise_compiler_error("upload needs the whole path of a file, not '" ~ file ~ "'") -%}
    {%- endif -%}
    {%- for stage in pipeline_relations('stage') -%}
        {%- do run_query('create stage if not exists ' ~ stage) -%}
        {%- do run_query(
            "put 'file://" ~ file ~ "' @" ~ stage ~ ' auto_compress = false overwrite = true'
        ) -%}
        {%- do log(file ~ ' is on @' ~ stage, info=True) -%}
    {%- endfor -%}
{% endmacro %}
{% macro duckdb__upload(file) %}
    {%- do log('upload: nothing to do on DuckDB, which imports from the project', info=True) -%}
{% endmacro %}

{# dbt run-operation upload: puts target/training.zip (`make packages`) onto the stage of the models,
   for what Python models and procedures import, in a new schema too. On DuckDB Python imports from
   the project. #}
{% macro upload(dry_run=false) %}
    {%- if execute -%}{{ return(adapter.dispatch('upload')(dry_run)) }}{%- endif -%}
{% endmacro %}
{% macro default__upload(dry_run) %}{{ no_such_engine('upload') }}{% endmacro %}
{% macro snowflake__upload(dry_run) %}
    {{ run_statements(upload_statements(), 'upload', dry_run) }}
{% endmacro %}
{% macro duckdb__upload(dry_run) %}
    {%- do log('upload: nothing to do on DuckDB, which imports from the project', info=True) -%}
{% endmacro %}

{% macro upload_statements() %}
    {%- set statements = ['create schema if not exists ' ~ target.database ~ '.' ~ target.schema] -%}
    {%- for stage in pipeline_relations('stage') -%}
        {%- do statements.extend([
            'create stage if not exists ' ~ stage,
            "put 'file://target/training.zip' @" ~ stage ~ ' auto_compress = false overwrite = true',
        ]) -%}
    {%- endfor -%}
    {{ return(statements) }}
{% endmacro %}

{# FUNCTION and STAGE: what the tasks call, and where the artefacts of models lie. The body of a
   function's model is the statement that creates it on Snowflake; on DuckDB functions
   are registered with the open file (embedded/functions.py), and artefacts lie beside it. #}
{% materialization function, default %}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') %}{{ create_function(this, sql) }}{% endcall %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': []}) }}
{% endmaterialization %}

{# What the model of a function holds: the statement on Snowflake, a word on DuckDB. #}
{% macro function_definition(statement) %}
    {{ return(adapter.dispatch('function_definition')(statement)) }}
{% endmacro %}
{% macro default__function_definition(statement) %}{{ no_such_engine('function_definition') }}{% endmacro %}
{% macro snowflake__function_definition(statement) %}{{ return(statement) }}{% endmacro %}
{% macro duckdb__function_definition(statement) -%}
    select 'registered with the open file' as definition
{%- endmacro %}

{# The statement in the place of the definition of a function of two texts that is switched off. #}
{% macro drop_function() %}{{ return('drop function if exists ' ~ this ~ '(varchar, varchar)') }}{% endmacro %}

{% macro create_function(relation, statement) %}
    {{ return(adapter.dispatch('create_function')(relation, statement)) }}
{% endmacro %}
{% macro default__create_function(relation, statement) %}{{ no_such_engine('create_function') }}{% endmacro %}
{% macro snowflake__create_function(relation, statement) %}{{ return(statement) }}{% endmacro %}
{# Registered or not is checked: a function of this name that is missing stops the build. #}
{% macro duckdb__create_function(relation, statement) %}
    select
        case
            when count(*) = 0 then error('function {{ relation.identifier }} is not registered')
        end as status
    from duckdb_functions()
    where function_name = '{{ relation.identifier }}'
{% endmacro %}

{% materialization stage, default %}
    {{ run_hooks(pre_hooks) }}
    {% call statement('main') %}{{ create_stage(this) }}{% endcall %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': []}) }}
{% endmaterialization %}

{# The trainer writes versions of the model to it, which are never overwritten by another version. Its
   file format is that of a text whose lines are rows: so a version's card can be read by SQL. #}
{% macro create_stage(relation) %}{{ return(adapter.dispatch('create_stage')(relation)) }}{% endmacro %}
{% macro default__create_stage(relation) %}{{ no_such_engine('create_stage') }}{% endmacro %}
{% macro snowflake__create_stage(relation) %}
    create stage if not exists {{ relation }};
    alter stage {{ relation }} set file_format = (
        type = csv field_delimiter = none record_delimiter = '\n' skip_blank_lines = false
        escape_unenclosed_field = none
    )
{% endmacro %}
{# The trainer makes the folder itself, on every platform: SQL says where it is. #}
{% macro duckdb__create_stage(relation) %}
    select '{{ env_var('CHURN_HOME', '.churn') | replace("'", "''") }}/models' as artefacts
{% endmacro %}

{# How a task is deployed, what it is triggered by, and whether it runs. #}

{# The statement, if it is needed. On Snowflake a task that is unchanged is left alone: replacing it
   would suspend it and forget how large it needs to be. One that ran before runs again. So it is
   with an alert (warning.sql), which is made suspended too. #}
{% macro deploy_task(relation, statement, kind='task') %}
    {{ return(adapter.dispatch('deploy_task')(relation, statement, kind)) }}
{% endmacro %}
{% macro default__deploy_task(relation, statement, kind) %}{{ no_such_engine('deploy_task') }}{% endmacro %}
{% macro duckdb__deploy_task(relation, statement, kind) %}{{ return(statement) }}{% endmacro %}
{% macro snowflake__deploy_task(relation, statement, kind) %}
    {%- set shown = shown_object(kind, relation) -%}
    {%- if is_unchanged(kind, relation, shown, statement) and not flags.FULL_REFRESH -%}
        select '{{ relation.identifier }} is unchanged' as status
    {%- else -%}
        {{ statement }};
        {%- if shown is not none and shown['state'] | lower == 'started' %}
        alter {{ kind }} {{ relation }} resume;
        {%- endif %}
        {{ keep_mark(kind, relation, definition_mark(statement)) }}
    {%- endif -%}
{% endmacro %}

{# A model that another one names in its meta, as a relation; it must also read it, by ref(). #}
{% macro upstream_model(model, name) %}
    {%- for unique_id in model.depends_on.nodes if graph.nodes[unique_id].name == name -%}
        {%- set node = graph.nodes[unique_id] -%}
        {{ return(api.Relation.create(
            database=node.database, schema=node.schema, identifier=node.alias
        )) }}
    {%- endfor -%}
    {%- do exceptions.raise_compiler_error(
        model.name ~ " names " ~ name ~ " in its meta but does not read it"
    ) -%}
{% endmacro %}

{# Whether a task runs by itself, or waits for resume_tasks. #}
{% macro is_running(task) %}{{ return(adapter.dispatch('is_running')(task)) }}{% endmacro %}
{% macro default__is_running(task) %}{{ no_such_engine('is_running') }}{% endmacro %}
{% macro snowflake__is_running(task) %}
    {%- set shown = shown_object('task', task) -%}
    {{ return(shown is not none and shown['state'] | lower == 'started') }}
{% endmacro %}
{% macro duckdb__is_running(task) %}
    {{ return(run_query(
        "select not is_suspended from " ~ task.database ~ ".embedded.tasks where name = '"
        ~ task.identifier ~ "'"
    ).rows[0][0]) }}
{% endmacro %}

{# How a task is deployed, what it is triggered by, and whether it runs. #}

{# The statement, if it is needed. On Snowflake a task that is unchanged is left alone: replacing it
   would suspend it and forget how large it needs to be. One that ran before runs again. #}
{% macro deploy_task(relation, statement) %}
    {{ return(adapter.dispatch('deploy_task')(relation, statement)) }}
{% endmacro %}
{% macro default__deploy_task(relation, statement) %}{{ no_such_engine('deploy_task') }}{% endmacro %}
{% macro duckdb__deploy_task(relation, statement) %}{{ return(statement) }}{% endmacro %}
{% macro snowflake__deploy_task(relation, statement) %}
    {%- set shown = shown_object('task', relation) -%}
    {%- if is_unchanged('task', relation, shown, statement) and not flags.FULL_REFRESH -%}
        select '{{ relation.identifier }} is unchanged' as status
    {%- else -%}
        {{ statement }};
        {%- if shown is not none and shown['state'] | lower == 'started' %}
        alter task {{ relation }} resume;
        {%- endif %}
        {{ keep_mark('task', relation, definition_mark(statement)) }}
    {%- endif -%}
{% endmacro %}

{# The stream that triggers a task, as a relation; the task must also read it, by ref(). #}
{% macro upstream_stream(model, stream_name) %}
    {%- for unique_id in model.depends_on.nodes if graph.nodes[unique_id].name == stream_name -%}
        {%- set node = graph.nodes[unique_id] -%}
        {{ return(api.Relation.create(
            database=node.database, schema=node.schema, identifier=node.alias
        )) }}
    {%- endfor -%}
    {%- do exceptions.raise_compiler_error(
        model.name ~ " is triggered by " ~ stream_name ~ " but does not read it"
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

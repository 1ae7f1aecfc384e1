{# How a task is deployed, what it is triggered by, and whether it runs. #}

{# The statement, if it is needed. On Snowflake a task that is unchanged is left alone: replacing it
   would suspend it and forget how large it needs to be. One that ran before runs again, one that was
   suspended stays so, and one that is new is marked for start_new_tasks. So it is with an alert
   (warning.sql), which is made suspended too. #}
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
        {%- set is_new = shown is none or is_to_start(kind, relation, shown) %}
        {{ statement }};
        {%- if shown is not none and shown['state'] | lower == 'started' %}
        alter {{ kind }} {{ relation }} resume;
        {%- elif is_new %}
        {{ keep_mark('start of ' ~ kind, relation, 'is due') }};
        {%- endif %}
        {{ keep_mark(kind, relation, definition_mark(statement)) }}
    {%- endif -%}
{% endmacro %}

{# Whether a task or alert was made for the first time and has not run yet.
   shown: what SHOW says of it, or none. #}
{% macro is_to_start(kind, relation, shown) %}
    {{ return(has_mark('start of ' ~ kind, relation, shown, 'is due')) }}
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

{# Whether a task runs by itself, or is suspended. #}
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

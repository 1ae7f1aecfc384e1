{# TASK: statements that run when a stream has data, or on a schedule.
   The model's body is the statements themselves, separated by semicolons.
   meta: stream (the name of a stream model) or schedule ('60 MINUTES'), one of the two. With the
   schedule 'off' there is no task, and one that was made before is dropped.
   retries: how often Snowflake runs it again at once when it fails, 1 unless said otherwise.
   dbt_command: see dbt_task.sql.
   divided_by {key, relations}, for DuckDB: relations that the statements read, the first with all
   keys, and the columns of the key. When the task fails because of some rows, it is tried again by
   halves of the keys, and leaves out those that fail alone; a task with a stream goes by the key of
   the stream's table. On Snowflake a statement fails whole. #}
{% macro create_task(relation, body, stream, schedule) %}
    {{ return(adapter.dispatch('create_task')(relation, body, stream, schedule)) }}
{% endmacro %}

{% macro default__create_task(relation, body, stream, schedule) %}
    {{ no_such_engine('create_task') }}
{% endmacro %}

{# Serverless, smallest size, suspended until start_new_tasks or resume_tasks. The body is quoted
   with $$, because the connector would cut a bare one at its semicolons. #}
{% macro snowflake__create_task(relation, body, stream, schedule) %}
    create or replace task {{ relation }}
        {% if schedule %}schedule = '{{ schedule }}'{% endif %}
        target_completion_interval = '{{ config.meta_get('completion_interval', '2 MINUTES') }}'
        user_task_managed_initial_warehouse_size = 'XSMALL'
        serverless_task_max_statement_size = 'XSMALL'
        {% if stream %}user_task_minimum_trigger_interval_in_seconds = 10{% endif %}
        user_task_timeout_ms = 600000
        suspend_task_after_num_failures = {{ var('task_failures_before_suspension') }}
        task_auto_retry_attempts = {{ config.meta_get('retries', 1) }}
        {% if stream %}when system$stream_has_data('{{ [stream.database, stream.schema, stream.identifier] | join('.') | upper }}'){% endif %}
    as
    execute immediate $$
    begin
        {{ full_references(body) }};
        return 'done';
    end;
    $$
{% endmacro %}

{# A task that is registered again keeps whether it is suspended. It reads what its run takes from
   the stream, which embedded/ puts into a temporary table of the stream's name. #}
{% macro duckdb__create_task(relation, body, stream, schedule) %}
    {%- set body = body | replace(stream | string, 'temp.main.' ~ stream.identifier) if stream
        else body -%}
    {%- set body = full_references(body) -%}
    {%- set divided_by = config.meta_get('divided_by') -%}
    merge into {{ relation.database }}.embedded.tasks as registered
    using (
        select
            {{ sql_literal(relation.identifier) }} as name,
            {{ sql_literal(body) }} as body,
            {{ sql_literal(stream.identifier if stream else none) }} as stream,
            {{ sql_literal(schedule) }} as schedule,
            {{ sql_literal(tojson(divided_by) if divided_by else none) }} as divided_by,
            {{ var('task_failures_before_suspension') }} as suspend_after_failures
    ) as wanted
    on registered.name = wanted.name
    when matched then update set
        body = wanted.body,
        stream = wanted.stream,
        schedule = wanted.schedule,
        divided_by = wanted.divided_by,
        suspend_after_failures = wanted.suspend_after_failures
    when not matched then insert
        (name, body, stream, schedule, divided_by, is_suspended, suspend_after_failures,
         consecutive_failures)
        values (wanted.name, wanted.body, wanted.stream, wanted.schedule, wanted.divided_by,
                false, wanted.suspend_after_failures, 0)
{% endmacro %}

{% materialization task, default %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set schedule = config.meta_get('schedule') -%}
    {%- set stream_name = config.meta_get('stream') -%}
    {%- if (schedule is none) == (stream_name is none) -%}
        {%- do exceptions.raise_compiler_error(
            model.name ~ " needs meta.stream or meta.schedule, and only one of them"
        ) -%}
    {%- endif -%}
    {%- set stream = upstream_model(model, stream_name) if stream_name -%}
    {%- set dbt_command = config.meta_get('dbt_command') -%}
    {{ run_hooks(pre_hooks) }}
    {%- set definition -%}
        {%- if schedule == 'off' -%} {{ drop_task(target_relation) }}
        {%- elif dbt_command -%} {{ create_dbt_task(target_relation, sql, schedule, dbt_command) }}
        {%- else -%} {{ create_task(target_relation, sql, stream, schedule) }}
        {%- endif -%}
    {%- endset -%}
    {% call statement('main') -%}
        {{ definition if schedule == 'off' else deploy_task(target_relation, definition) }}
    {%- endcall %}
    {% do adapter.commit() %}
    {% if stream and is_running(target_relation) %}{% do catch_up(stream) %}{% endif %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': []}) }}
{% endmaterialization %}

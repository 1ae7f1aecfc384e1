{# How each task fares, as its engine knows it: a relation with the columns
   name, trigger_text, is_suspended (NULL on Snowflake, whose history does not say), last_run_at,
   last_state, last_error, last_seconds, and, of the last seven days, runs and failures. #}
{% macro task_states() %}{{ return(adapter.dispatch('task_states')()) }}{% endmacro %}
{% macro default__task_states() %}{{ no_such_engine('task_states') }}{% endmacro %}

{# task_history() shows what its reader may monitor; runs that a condition skipped are no runs. It goes
   back seven days and no second more, and gives 10,000 runs of those it is asked for: so each task is
   asked for by itself, an hour less than seven days (10,020 minutes) back. #}
{% macro snowflake__task_states() %}
    {%- set histories = [] -%}
    {%- for task in (pipeline_tasks() if execute else []) -%}
        {%- do histories.append(
            'select name, database_name, schema_name, condition_text, state, error_message, query_start_time,'
            ~ ' completed_time from table(' ~ target.database ~ '.information_schema.task_history('
            ~ "task_name => '" ~ task.relation.identifier | upper ~ "',"
            ~ " scheduled_time_range_start => dateadd('minute', -10020, current_timestamp()),"
            ~ ' result_limit => 10000))'
        ) -%}
    {%- endfor %}
    select
        lower(name) as name,
        max(case when condition_text is not null then 'stream has data' else 'schedule' end)
            as trigger_text,
        cast(null as boolean) as is_suspended,
        max(cast(convert_timezone('UTC', query_start_time) as timestamp_ntz)) as last_run_at,
        max_by(state, query_start_time) as last_state,
        max_by(error_message, query_start_time) as last_error,
        max_by(datediff('millisecond', query_start_time, completed_time), query_start_time) / 1000.0
            as last_seconds,
        count(*) as runs,
        count(case when state in ('FAILED', 'FAILED_AND_AUTO_SUSPENDED') then 1 end) as failures
    from (
        {{ histories | join('\n        union all\n        ') }}
    )
    where
        database_name = upper('{{ target.database }}')
        and schema_name = upper('{{ target.schema }}')
        and state in ('SUCCEEDED', 'FAILED', 'FAILED_AND_AUTO_SUSPENDED')
    group by name
{% endmacro %}

{% macro duckdb__task_states() %}
    {%- set registry = target.database ~ '.embedded' %}
    select
        tasks.name,
        coalesce('stream ' || tasks.stream || ' has data', 'every ' || tasks.schedule)
            as trigger_text,
        tasks.is_suspended,
        max(history.started_at) as last_run_at,
        arg_max(history.state, history.started_at) as last_state,
        arg_max(
            case when history.state = 'FAILED' then history.error end, history.started_at
        ) as last_error,
        arg_max(history.seconds, history.started_at) as last_seconds,
        count(history.name) as runs,
        count(case when history.state = 'FAILED' then 1 end) as failures
    from {{ registry }}.tasks as tasks
    left join {{ registry }}.task_history as history
        on
            tasks.name = history.name
            and history.started_at >= {{ utc_now() }} - interval '7 days'
    group by tasks.name, tasks.stream, tasks.schedule, tasks.is_suspended
{% endmacro %}
